//! A service with a database of its own, a seeder with a payload, and the program that is tested.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use revaer_test_support::{Payload, Seeder, SeederOptions, ServiceOptions, ServiceProcess, TestDatabase};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// No command of a test takes longer, a download included.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// A running service.
pub(crate) struct Service {
    pub(crate) process: ServiceProcess,
    dir: TempDir,
    _database: TestDatabase,
}

impl Service {
    pub(crate) async fn start() -> Service {
        Service::started(|options| options).await
    }

    /// One that nobody has a key of yet.
    pub(crate) async fn not_set_up() -> Service {
        Service::started(ServiceOptions::without_setup).await
    }

    async fn started(with: impl FnOnce(ServiceOptions) -> ServiceOptions) -> Service {
        let database = TestDatabase::create().await;
        let dir = tempfile::tempdir().expect("a directory can be made");
        let options = with(ServiceOptions::new(dir.path().join("data")).database_url(database.url()));
        let arguments = ["--peer-listen", "127.0.0.1:0", "--utp", "false", "--progress-hertz", "10"];
        let options = arguments.into_iter().fold(options, ServiceOptions::argument);
        Service { process: ServiceProcess::start(revaerd(), options).await, dir, _database: database }
    }

    /// Where its downloads lie.
    pub(crate) fn downloads(&self) -> PathBuf {
        self.dir.path().join("data/downloads")
    }

    /// Where it listens, and what it asks for.
    pub(crate) fn address(&self) -> Address {
        Address { url: self.process.base_url().to_owned(), key: self.process.api_key().to_owned() }
    }

    /// Runs the client to its end.
    pub(crate) async fn revaer(&self, arguments: &[&str]) -> Ended {
        revaer(&self.address(), arguments).await
    }

    /// Runs the client, and gives the document that it prints; panics unless it succeeds.
    pub(crate) async fn json(&self, arguments: &[&str]) -> Value {
        let ended = self.revaer(&[&["--output", "json"], arguments].concat()).await;
        assert_eq!(ended.code, 0, "{arguments:?}: {ended:?}");
        ended.document()
    }
}

/// What the client is told of a service.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    pub(crate) url: String,
    pub(crate) key: String,
}

impl Address {
    /// Where nobody listens.
    pub(crate) fn of_nobody() -> Address {
        Address { url: "http://127.0.0.1:1".to_owned(), key: String::new() }
    }
}

/// What shares a payload.
pub(crate) struct Source {
    pub(crate) payload: Payload,
    pub(crate) seeder: Seeder,
    pub(crate) dir: TempDir,
}

impl Source {
    pub(crate) fn start(files: usize, bytes: u64) -> Source {
        Source::with(files, bytes, &SeederOptions::default())
    }

    pub(crate) fn with(files: usize, bytes: u64, options: &SeederOptions) -> Source {
        let dir = tempfile::tempdir().expect("a directory can be made");
        let payload = Payload::create(dir.path(), 1, files, bytes).expect("a payload can be made");
        let seeder = Seeder::start(payload.root(), options).expect("a seeder starts");
        Source { payload, seeder, dir }
    }
}

/// How the client ended, and what it printed where.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// Standard output as the one document that it has to be.
    pub(crate) fn document(&self) -> Value {
        assert_eq!(self.stdout.lines().count(), 1, "{self:?}");
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Standard output as a document a line.
    pub(crate) fn documents(&self) -> Vec<Value> {
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.stdout.lines().map(parse).collect()
    }
}

/// Runs the client to its end.
pub(crate) async fn revaer(address: &Address, arguments: &[&str]) -> Ended {
    let child = spawn(address, arguments);
    let output = timeout(PATIENCE, child.wait_with_output()).await;
    let output =
        output.unwrap_or_else(|elapsed| panic!("{arguments:?}: {elapsed}")).expect("it is our child");
    Ended {
        code: output.status.code().unwrap_or_else(|| panic!("{arguments:?}: {}", output.status)),
        stdout: String::from_utf8(output.stdout).expect("it prints text"),
        stderr: String::from_utf8(output.stderr).expect("it prints text"),
    }
}

/// Starts the client.
pub(crate) fn spawn(address: &Address, arguments: &[&str]) -> Child {
    command(address, arguments).spawn().expect("the client can be run")
}

/// The client, with nothing of this process's environment.
pub(crate) fn command(address: &Address, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_revaer"));
    command.args(arguments).env_clear().kill_on_drop(true);
    command.env("REVAER_URL", &address.url).env("REVAER_API_KEY", &address.key);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The service, which cargo builds for its own tests alone.
fn revaerd() -> PathBuf {
    let path = Path::new(env!("CARGO_BIN_EXE_revaer")).with_file_name("revaerd");
    assert!(path.exists(), "{} is not built: cargo build -p revaer-server", path.display());
    path
}
