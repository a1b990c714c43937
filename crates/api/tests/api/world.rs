//! What the tests share: a service over a database of its own, and a client that speaks JSON.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use libtorrent_sys::MetainfoLimits;
use poem::endpoint::BoxEndpoint;
use poem::http::header::AUTHORIZATION;
use poem::http::{HeaderMap, HeaderValue, Method, StatusCode};
use poem::{Body, Endpoint, Request, Response};
use revaer_api::{About, Access, Limits, Metrics, Parts, service};
use revaer_application::{
    AccessFollower, Application, Caller, HealthRegistry, IssueKey, IssuedKey, LiveError, LivePeer, LiveRates,
    LiveTracker, LiveView, MetainfoParser, ParsedMetainfo, ServerKey, SystemClock, TorrentFile,
};
use revaer_domain::api_key::Scope;
use revaer_domain::torrent::TorrentCommand;
use revaer_domain::values::{InfoHashes, TorrentId};
use revaer_event_log::{EventLog, Options, Position, migrate};
use revaer_event_schema::{ProgressSample, pack_progress};
use revaer_projections::{Projections, Projector};
use revaer_test_support::TestDatabase;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Longer than anything here takes, shorter than a run of tests.
pub(crate) const BOUND: Duration = Duration::from_secs(20);

/// A service without a session.
pub(crate) struct World {
    pub(crate) service: BoxEndpoint<'static, Response>,
    pub(crate) application: Application,
    pub(crate) projections: Projections,
    pub(crate) session: Arc<Session>,
    pub(crate) shutdown: CancellationToken,
    /// Of a key that may do everything.
    pub(crate) secret: Option<String>,
    /// The head of the log after the setup: what the test does lies above it.
    pub(crate) began: Position,
    server_key: ServerKey,
    _database: Option<TestDatabase>,
}

/// What the session would say.
#[derive(Default)]
pub(crate) struct Session(pub(crate) Mutex<Seen>);

#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) away: bool,
    pub(crate) panics: bool,
    pub(crate) known: Vec<TorrentId>,
}

/// An answer that was read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Limits::default()).await
    }

    pub(crate) async fn with(limits: Limits) -> Self {
        Self::with_access(limits, Access::default()).await
    }

    pub(crate) async fn with_access(limits: Limits, access: Access) -> Self {
        Self::made(limits, access, true).await
    }

    async fn made(limits: Limits, access: Access, set_up: bool) -> Self {
        let database = TestDatabase::create().await;
        let pool = database.pool().await;
        migrate(&pool).await.expect("migrates");
        let mut world = Self::over(pool, Some(database), ServerKey::draw(), limits, access).await;
        if set_up {
            world.secret = Some(world.set_up().await);
            world.began = world.application.log().head().await.expect("reads");
        }
        world
    }

    /// The same service as another process has it that has just started: nothing in its memory is older than that.
    pub(crate) async fn another(&self, limits: Limits) -> Self {
        let connect = self.application.log().pool().connect_options();
        let pool = sqlx::PgPool::connect_with(connect.as_ref().clone()).await.expect("connects");
        let mut other = Self::over(pool, None, self.server_key.clone(), limits, Access::default()).await;
        other.secret.clone_from(&self.secret);
        other.began = self.began;
        other
    }

    async fn over(
        pool: sqlx::PgPool,
        database: Option<TestDatabase>,
        server_key: ServerKey,
        limits: Limits,
        access: Access,
    ) -> Self {
        let (log, runner) = EventLog::open(pool, Options::default()).await.expect("opens");
        let shutdown = CancellationToken::new();
        tokio::spawn(runner.run(shutdown.clone()));
        let (projections, projector) = Projector::open(log.clone()).await.expect("opens");
        tokio::spawn(projector.run(shutdown.clone()));
        let session = Arc::new(Session::default());
        let clock = Arc::new(SystemClock);
        let application = Application::new(revaer_application::Parts {
            log,
            clock: clock.clone(),
            metainfo: Arc::new(Libtorrent),
            live: session.clone(),
            health: HealthRegistry::new(clock),
            server_key: server_key.clone(),
        });
        let follower = AccessFollower::open(application.clone()).await.expect("reads");
        tokio::spawn(follower.run(shutdown.clone()));
        let service = service(Parts {
            application: application.clone(),
            projections: projections.clone(),
            limits: watch::channel(Arc::new(limits)).1,
            access: watch::channel(Arc::new(access)).1,
            metrics: Metrics::default(),
            exposition: Arc::new(Metrics::default()),
            about: About::default(),
            shutdown: shutdown.clone(),
        });
        Self {
            service,
            application,
            projections,
            session,
            shutdown,
            secret: None,
            began: Position::ZERO,
            server_key,
            _database: database,
        }
    }

    /// The query that follows the events from the beginning of the test on.
    pub(crate) fn since_start(&self, more: &str) -> String {
        format!("?after={}{more}", self.began)
    }

    /// A service that nobody has set up, and a client without a key.
    pub(crate) async fn not_set_up(limits: Limits) -> Self {
        Self::made(limits, Access::default(), false).await
    }

    /// Sets it up, past the API; the secret of a key that may do everything.
    async fn set_up(&self) -> String {
        let caller = Caller::system("setup", "test".to_owned(), None);
        let issued = self.application.start_setup(BOUND, &caller).await.expect("a token");
        let (name, label) = ("test".parse().expect("a name"), "test".parse().expect("a label"));
        let completed = self.application.complete_setup(issued.token.expose(), name, label, &caller).await;
        completed.expect("a key").secret.expose().to_owned()
    }

    /// Sends a request, with the key if it does not say who asks, and gives the answer as it begins.
    pub(crate) async fn send(&self, mut request: Request) -> Response {
        if let Some(secret) = self.secret.as_ref().filter(|_| !request.headers().contains_key(AUTHORIZATION))
        {
            request.headers_mut().insert(AUTHORIZATION, bearer(secret));
        }
        self.send_as_it_is(request).await
    }

    /// Sends a request without the key.
    pub(crate) async fn send_as_it_is(&self, request: Request) -> Response {
        self.service.call(request).await.expect("the edge answers everything")
    }

    /// An answer to somebody else.
    pub(crate) async fn ask_as(&self, secret: Option<&str>, mut request: Request) -> Answer {
        if let Some(secret) = secret {
            request.headers_mut().insert(AUTHORIZATION, bearer(secret));
        }
        Answer::of(self.send_as_it_is(request).await).await
    }

    /// The secret of a new key.
    pub(crate) async fn key(&self, scope: Scope) -> IssuedKey {
        let label = scope.as_str().parse().expect("a label");
        let issue = IssueKey { label, scope, expires_at: None, rate_limit: None };
        let caller = Caller::system("test", "test".to_owned(), None);
        self.application.issue_key(issue, &caller).await.expect("a key")
    }

    pub(crate) async fn ask(&self, request: Request) -> Answer {
        Answer::of(self.send(request).await).await
    }

    pub(crate) async fn get(&self, uri: &str) -> Answer {
        self.ask(request(Method::GET, uri).finish()).await
    }

    pub(crate) async fn post(&self, uri: &str, body: &Value) -> Answer {
        self.post_with(uri, &[], body).await
    }

    pub(crate) async fn post_with(&self, uri: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        self.ask(post(uri, headers, body.to_string())).await
    }

    /// Adds a torrent by magnet and gives its id.
    pub(crate) async fn add(&self, number: u64) -> TorrentId {
        let answer = self.post("/v1/torrents", &json!({ "magnet": magnet(number) })).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        answer.id()
    }

    /// Gives a command as the observer does.
    pub(crate) async fn observe(&self, id: TorrentId, command: TorrentCommand) -> Position {
        let caller = Caller::system("engine", "test".to_owned(), None);
        self.application.command(id, command, &caller).await.expect("is recorded").position
    }

    /// Records a tick of samples.
    pub(crate) async fn sample(&self, torrents: &[TorrentId]) -> Position {
        let samples: Vec<_> = torrents
            .iter()
            .map(|torrent| ProgressSample {
                torrent: *torrent,
                wanted_done_bytes: 5,
                downloaded_bytes: 6,
                uploaded_bytes: 7,
                download_bytes_per_second: 8,
                upload_bytes_per_second: 9,
                peers: 2,
                seeds: 1,
            })
            .collect();
        self.application.log().append_samples("test", pack_progress(&samples)).await.expect("appends")
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

impl Answer {
    async fn of(response: Response) -> Self {
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.into_body().into_vec().await.expect("reads");
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Self { status, headers, body }
    }

    pub(crate) fn id(&self) -> TorrentId {
        self.body["id"].as_str().expect("an id").parse().expect("a ULID")
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("ASCII"))
    }

    pub(crate) fn position(&self) -> i64 {
        self.header("revaer-position").parse().expect("a position")
    }

    /// The pointers and parameters that a problem names, each with its code.
    pub(crate) fn faults(&self) -> Vec<(String, String)> {
        let name = |fault: &Value| {
            fault.get("pointer").or(fault.get("parameter")).and_then(Value::as_str).map(str::to_owned)
        };
        let code = |fault: &Value| fault["code"].as_str().expect("a code").to_owned();
        let faults = self.body["errors"].as_array().expect("a problem");
        faults.iter().map(|fault| (name(fault).expect("a place"), code(fault))).collect()
    }

    /// Panics unless this is a problem document with a status and a code.
    #[track_caller]
    pub(crate) fn assert_problem(&self, status: u16, code: &str) {
        assert_eq!((self.status.as_u16(), self.body["code"].as_str()), (status, Some(code)), "{}", self.body);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.body["status"], status);
        assert_eq!(self.body["instance"], self.header("x-request-id"));
    }
}

/// How a secret is shown.
pub(crate) fn bearer(secret: &str) -> HeaderValue {
    HeaderValue::try_from(format!("Bearer {secret}")).expect("secrets are plain")
}

pub(crate) fn request(method: Method, uri: &str) -> poem::RequestBuilder {
    Request::builder().method(method).uri(uri.parse().expect("a URI"))
}

pub(crate) fn post(uri: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Request {
    let mut request = request(Method::POST, uri).content_type("application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body)
}

/// A magnet URI whose info hash no other number has.
pub(crate) fn magnet(number: u64) -> String {
    format!("magnet:?xt=urn:btih:{number:040x}&dn=torrent%20{number}")
}

/// A torrent file (BEP 3) of some files in one folder.
pub(crate) fn metainfo(name: &str, files: &[(&str, usize)]) -> Vec<u8> {
    let total: usize = files.iter().map(|(_, size)| size).sum();
    let entry = |(path, size): &(&str, usize)| format!("d6:lengthi{size}e4:pathl{}:{path}ee", path.len());
    let list = files.iter().map(entry).collect::<Vec<_>>().concat();
    let pieces = "0".repeat(20 * total.div_ceil(16_384));
    format!(
        "d8:announce31:http://tracker.example/announce4:infod5:filesl{list}e4:name{}:{name}12:piece lengthi16384e6:pieces{}:{pieces}ee",
        name.len(),
        pieces.len(),
    )
    .into_bytes()
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(bytes)
}

/// Torrent files as libtorrent reads them.
struct Libtorrent;

impl MetainfoParser for Libtorrent {
    fn parse(&self, body: &[u8]) -> Result<ParsedMetainfo, String> {
        let parsed = libtorrent_sys::parse_metainfo(body, &MetainfoLimits::default())
            .map_err(|error| error.message)?;
        let files = parsed.files.into_iter().filter(|file| !file.pad);
        Ok(ParsedMetainfo {
            info_hashes: InfoHashes { v1: parsed.info_hash_v1, v2: parsed.info_hash_v2 },
            name: parsed.name,
            files: files.map(|file| TorrentFile { path: file.path, size_bytes: file.size }).collect(),
            piece_length_bytes: parsed.piece_length,
            piece_count: parsed.piece_count,
            trackers: parsed.trackers,
        })
    }
}

impl Session {
    fn look(&self, id: TorrentId) -> Result<(), LiveError> {
        let seen = self.0.lock().expect("not poisoned");
        match (seen.away, seen.known.contains(&id)) {
            (true, _) => Err(LiveError::Unavailable("it was torn down".to_owned())),
            (false, false) => Err(LiveError::NotInSession),
            (false, true) => Ok(()),
        }
    }
}

#[async_trait]
impl LiveView for Session {
    async fn trackers(&self, id: TorrentId) -> Result<Vec<LiveTracker>, LiveError> {
        self.look(id)?;
        let url = "http://tracker.example/announce".to_owned();
        Ok(vec![LiveTracker { url, tier: 0, status: "working", message: None }])
    }

    async fn peers(&self, id: TorrentId) -> Result<Vec<LivePeer>, LiveError> {
        self.look(id)?;
        Ok(vec![LivePeer {
            address: "127.0.0.1:6881".to_owned(),
            client: "a client".to_owned(),
            progress: 0.5,
            download_bytes_per_second: 10,
            upload_bytes_per_second: 20,
        }])
    }

    async fn file_progress(&self, id: TorrentId) -> Result<Vec<u64>, LiveError> {
        self.look(id)?;
        Ok(vec![5, 10])
    }

    fn rates(&self, id: TorrentId) -> Option<LiveRates> {
        let panics = self.0.lock().expect("not poisoned").panics;
        assert!(!panics, "the test asked for it");
        self.look(id).ok().map(|()| LiveRates {
            peers: 3,
            download_bytes_per_second: 10,
            ..LiveRates::default()
        })
    }
}
