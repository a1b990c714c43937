//! The real service as a process: started, asked over HTTP, killed and started again.
//!
//! The test of another crate passes in the program's path, since only cargo knows where it was built. Everything waits with a
//! bound, and a panic shows what the service last said.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Method, Response, StatusCode};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use crate::events::EventReader;
use crate::said::Said;

/// Long enough for a first start (a new cluster, migrations) on a slow machine.
const START_BOUND: Duration = Duration::from_secs(90);
/// Long enough for an orderly end: resume data saved, the database stopped.
const END_BOUND: Duration = Duration::from_mins(1);
/// A single request that takes longer is lost.
const REQUEST_BOUND: Duration = Duration::from_secs(30);
/// How often something is asked again that nothing announces.
const ASK_EVERY: Duration = Duration::from_millis(25);

/// How to start the service.
#[derive(Debug, Clone)]
pub struct ServiceOptions {
    /// Its data directory.
    pub data_dir: PathBuf,
    /// Its database; without one it keeps its own PostgreSQL in the data directory.
    pub database_url: Option<String>,
    /// More arguments.
    pub arguments: Vec<OsString>,
    /// More variables of the environment.
    pub environment: Vec<(String, String)>,
    /// Whether it is set up as soon as it runs.
    pub sets_up: bool,
    /// Where everything that it writes is kept, too.
    pub transcript: Option<PathBuf>,
}

impl ServiceOptions {
    /// A service with its own PostgreSQL.
    pub fn new(data_dir: impl Into<PathBuf>) -> ServiceOptions {
        ServiceOptions {
            data_dir: data_dir.into(),
            database_url: None,
            arguments: Vec::new(),
            environment: Vec::new(),
            sets_up: true,
            transcript: None,
        }
    }

    /// The same, left as it is at its first start.
    #[must_use]
    pub fn without_setup(mut self) -> ServiceOptions {
        self.sets_up = false;
        self
    }

    /// The same, with all that it writes in a file.
    #[must_use]
    pub fn transcript(mut self, file: impl Into<PathBuf>) -> ServiceOptions {
        self.transcript = Some(file.into());
        self
    }

    /// The same, on a database that is there already.
    #[must_use]
    pub fn database_url(mut self, url: &str) -> ServiceOptions {
        self.database_url = Some(url.to_owned());
        self
    }

    /// One more argument.
    #[must_use]
    pub fn argument(mut self, argument: impl Into<OsString>) -> ServiceOptions {
        self.arguments.push(argument.into());
        self
    }

    /// One more variable of the environment.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> ServiceOptions {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// A running service. Dropping it ends it in order, or by force if that takes long.
pub struct ServiceProcess {
    program: PathBuf,
    options: ServiceOptions,
    running: Option<Running>,
    base_url: String,
    client: reqwest::Client,
    api_key: Option<String>,
    said: Said,
}

struct Running {
    child: Child,
    pid: Pid,
}

impl ServiceProcess {
    /// Starts the program, waits until it answers `/health`, and sets it up unless that was done before. From then on the
    /// client shows a key that may do everything, without a limit that a test would reach.
    pub async fn start(program: impl AsRef<Path>, options: ServiceOptions) -> ServiceProcess {
        let program = program.as_ref().to_owned();
        let mut service = ServiceProcess {
            program,
            options,
            running: None,
            base_url: String::new(),
            client: client(None),
            api_key: None,
            said: Said::default(),
        };
        service.start_again().await;
        service
    }

    /// Starts the program after it ended; it may listen on another port then.
    pub async fn start_again(&mut self) {
        self.start_again_on("127.0.0.1:0").await;
    }

    /// Starts the program after it ended, where its settings say.
    pub async fn start_again_where_set(&mut self) {
        self.spawn(None).await;
    }

    /// Starts the program after it ended, where a client may still be looking for it.
    pub async fn start_again_on(&mut self, listen: &str) {
        self.spawn(Some(listen)).await;
    }

    async fn spawn(&mut self, listen: Option<&str>) {
        assert!(self.running.is_none(), "it runs already");
        let mut command = Command::new(&self.program);
        command.arg("--data-dir").arg(&self.options.data_dir);
        if let Some(listen) = listen {
            command.args(["--listen", listen]);
        }
        if let Some(url) = &self.options.database_url {
            command.arg("--database-url").arg(url);
        }
        command.args(&self.options.arguments).env_remove("DATABASE_URL");
        command.envs(self.options.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        // Lines of the one that ended may still arrive, and are not this one's.
        self.said = Said::kept_in(self.options.transcript.as_deref());
        let mut child = command.spawn().expect("the program can be run");
        let pid =
            child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw).expect("it has an id");
        let (address_tx, mut address) = watch::channel(None);
        self.said.listen(child.stdout.take().expect("it was asked for"), Some(address_tx));
        self.said.listen(child.stderr.take().expect("it was asked for"), None);
        self.running = Some(Running { child, pid });
        let found = timeout(START_BOUND, address.wait_for(Option::is_some)).await;
        match found {
            Ok(Ok(url)) => self.base_url = url.clone().expect("it was waited for"),
            Ok(Err(_)) => panic!("the service ended before it listened\n{}", self.said.tail()),
            Err(elapsed) => panic!("the service does not listen: {elapsed}\n{}", self.said.tail()),
        }
        let deadline = Instant::now() + START_BOUND;
        while !self
            .client
            .get(self.url("/health"))
            .timeout(REQUEST_BOUND)
            .send()
            .await
            .is_ok_and(|answer| answer.status().is_success())
        {
            assert!(Instant::now() < deadline, "the service is not healthy\n{}", self.said.tail());
            sleep(ASK_EVERY).await;
        }
        if self.api_key.is_none() && self.options.sets_up {
            self.set_up().await;
        }
    }

    /// The setup, as a person on the machine does it, and a key for tests. Another process on the same data directory finds
    /// the key in a file.
    async fn set_up(&mut self) {
        let kept = self.options.data_dir.join("test-api-key");
        let (status, started) = self.exchange(Method::POST, "/v1/setup/start", None).await;
        let secret = match status {
            StatusCode::OK => {
                let complete =
                    json!({ "token": started["token"], "instance_name": "test", "key_label": "test" });
                let first = self.post_json("/v1/setup/complete", &complete).await;
                self.client = client(first["secret"].as_str());
                let limit = json!({ "requests_per_second": 1_000_000, "burst": 1_000_000 });
                let issue = json!({ "label": "test", "scope": "admin", "rate_limit": limit });
                let issued = self.post_json("/v1/api-keys", &issue).await;
                let secret = issued["secret"].as_str().expect("a secret").to_owned();
                std::fs::write(&kept, &secret).expect("the data directory is ours");
                secret
            }
            StatusCode::CONFLICT => match std::fs::read_to_string(&kept) {
                Ok(secret) => secret,
                // Somebody else has set it up: the test brings its own key, or needs none.
                Err(_) => return,
            },
            // A stand-in without a setup.
            _ => return,
        };
        self.client = client(Some(&secret));
        self.api_key = Some(secret);
    }

    /// Has the client show a key from now on: the test's own.
    pub fn show_key(&mut self, secret: &str) {
        self.client = client(Some(secret));
        self.api_key = Some(secret.to_owned());
    }

    /// The key that the client shows.
    pub fn api_key(&self) -> &str {
        self.api_key.as_deref().expect("the service was set up")
    }

    /// Where it listens: `http://127.0.0.1:<port>`.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base_url)
    }

    /// The client that all requests go through.
    pub fn client(&self) -> &reqwest::Client {
        &self.client
    }

    /// The id of its process.
    pub fn pid(&self) -> u32 {
        self.running().pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// The last lines that it wrote since it was started.
    pub fn said(&self) -> String {
        self.said.tail()
    }

    /// Asks, and gives the whole answer.
    pub async fn request(&self, method: Method, path: &str, body: Option<&Value>) -> Response {
        let mut request = self.client.request(method, self.url(path)).timeout(REQUEST_BOUND);
        if let Some(body) = body {
            request = request.json(body);
        }
        request.send().await.unwrap_or_else(|error| panic!("{path}: {error}\n{}", self.said.tail()))
    }

    /// Asks, and gives the status and the body.
    pub async fn exchange(&self, method: Method, path: &str, body: Option<&Value>) -> (StatusCode, Value) {
        let answer = self.request(method, path, body).await;
        let status = answer.status();
        let text =
            answer.text().await.unwrap_or_else(|error| panic!("{path}: {error}\n{}", self.said.tail()));
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        (status, body)
    }

    /// The body of `GET`; panics unless it succeeds.
    pub async fn get_json(&self, path: &str) -> Value {
        self.successful(Method::GET, path, None).await
    }

    /// The body of `POST`; panics unless it succeeds.
    pub async fn post_json(&self, path: &str, body: &Value) -> Value {
        self.successful(Method::POST, path, Some(body)).await
    }

    /// Asks again and again until `holds`, and gives the body that did; panics after `bound`.
    pub async fn wait_until(&self, path: &str, bound: Duration, holds: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + bound;
        loop {
            let (status, body) = self.exchange(Method::GET, path, None).await;
            if status.is_success() && holds(&body) {
                return body;
            }
            assert!(
                Instant::now() < deadline,
                "{path} still answers {status} {body:#}\n{}",
                self.said.tail()
            );
            sleep(ASK_EVERY).await;
        }
    }

    /// Follows `/v1/events` with a query such as `after=0&samples=false`, resuming after an id if one is given.
    pub async fn events(&self, query: &str, last_id: Option<&str>) -> EventReader {
        let mut request = self.client.get(self.url(&format!("/v1/events?{query}")));
        if let Some(id) = last_id {
            request = request.header("Last-Event-ID", id);
        }
        let answer = request.send().await.expect("the service answers");
        assert!(answer.status().is_success(), "events: {}\n{}", answer.status(), self.said.tail());
        EventReader::new(answer)
    }

    /// Kills it with `SIGKILL`, and waits until it is gone.
    pub async fn kill9(&mut self) {
        self.end(Signal::KILL).await;
    }

    /// Starts it anew, ending it in order before if it still runs.
    pub async fn restart(&mut self) {
        if self.running.is_some() {
            self.terminate().await;
        }
        self.start_again().await;
    }

    /// Asks it to end with `SIGTERM`, and gives how it ended.
    pub async fn terminate(&mut self) -> ExitStatus {
        self.end(Signal::TERM).await
    }

    async fn end(&mut self, signal: Signal) -> ExitStatus {
        let mut running = self.running.take().expect("it runs");
        kill_process(running.pid, signal).expect("it can be signalled");
        match timeout(END_BOUND, running.child.wait()).await {
            Ok(status) => status.expect("it is our child"),
            Err(elapsed) => panic!("the service does not end on {signal:?}: {elapsed}\n{}", self.said.tail()),
        }
    }

    async fn successful(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let (status, body) = self.exchange(method, path, body).await;
        assert!(status.is_success(), "{path} answers {status} {body:#}\n{}", self.said.tail());
        body
    }

    fn running(&self) -> &Running {
        self.running.as_ref().expect("it runs")
    }
}

/// A client that shows a key with everything that it asks.
fn client(secret: Option<&str>) -> reqwest::Client {
    let mut headers = HeaderMap::new();
    if let Some(secret) = secret {
        let mut value = HeaderValue::try_from(format!("Bearer {secret}")).expect("secrets are plain");
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    let client = reqwest::Client::builder().no_proxy().default_headers(headers).build();
    client.expect("a client can be made")
}

impl Drop for ServiceProcess {
    fn drop(&mut self) {
        let Some(running) = self.running.take() else { return };
        if std::thread::panicking() {
            eprintln!("the service said last:\n{}", self.said.tail());
        }
        // In order, since its database should be gone before the test removes its directory; by force when `child` drops.
        if let Ok(descriptor) = pidfd_open(running.pid, PidfdFlags::empty())
            && kill_process(running.pid, Signal::TERM).is_ok()
        {
            let bound = Timespec::try_from(Duration::from_secs(20)).expect("seconds fit");
            let _ = poll(&mut [PollFd::new(&descriptor, PollFlags::IN)], Some(&bound));
        }
    }
}
