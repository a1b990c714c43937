//! A migrated log on a database of its own, running for as long as the test.

#![expect(dead_code, reason = "each test binary uses a part of this")]

use std::time::Duration;

use revaer_event_log::{
    Append, CommandRecord, Entry, EventLog, NewFact, Options, Position, StreamId, Subscription, Version,
    migrate,
};
use revaer_test_support::TestDatabase;
use sqlx::PgPool;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Far longer than anything here takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A log and its runner; both end with this value.
pub(crate) struct Running {
    pub(crate) log: EventLog,
    shutdown: CancellationToken,
    runner: JoinHandle<()>,
}

impl Running {
    pub(crate) async fn open(pool: PgPool, options: Options) -> Running {
        let (log, runner) = EventLog::open(pool, options).await.expect("a migrated database opens");
        let shutdown = CancellationToken::new();
        let runner = tokio::spawn(runner.run(shutdown.clone()));
        Running { log, shutdown, runner }
    }

    pub(crate) async fn stop(mut self) {
        self.shutdown.cancel();
        tokio::time::timeout(PATIENCE, &mut self.runner).await.expect("it ends").expect("it does not panic");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// A new database with a running log.
pub(crate) async fn new_log() -> (TestDatabase, Running) {
    new_log_with(Options::default()).await
}

pub(crate) async fn new_log_with(options: Options) -> (TestDatabase, Running) {
    let database = TestDatabase::create().await;
    let pool = database.pool().await;
    migrate(&pool).await.expect("an empty database can be migrated");
    let running = Running::open(pool, options).await;
    (database, running)
}

pub(crate) fn stream(name: &str) -> StreamId {
    StreamId::new(name).expect("a stream id")
}

pub(crate) fn fact(data: &str) -> NewFact {
    NewFact {
        kind: "tested".into(),
        schema_version: 1,
        data: data.to_owned(),
        meta: r#"{"by":"test"}"#.to_owned(),
    }
}

/// An append of `count` facts, without a command.
pub(crate) fn append(name: &str, expected: Version, count: usize) -> Append {
    Append {
        stream: stream(name),
        expected,
        facts: (0..count).map(|nth| fact(&format!(r#"{{"nth":{nth}}}"#))).collect(),
        command: None,
        claims: Vec::new(),
        releases: Vec::new(),
    }
}

/// The same, as a command.
pub(crate) fn command(id: Uuid, name: &str, expected: Version, count: usize) -> Append {
    let record = CommandRecord { id, fingerprint: [7; 32], result: Some(r#"{"is":"kept"}"#.to_owned()) };
    Append { command: Some(record), ..append(name, expected, count) }
}

/// Positions of the next entries of a subscription, until `count` have come.
pub(crate) async fn positions(subscription: &mut Subscription, count: usize) -> Vec<Position> {
    let mut found = Vec::new();
    while found.len() < count {
        let page = tokio::time::timeout(PATIENCE, subscription.next()).await.expect("entries come");
        found.extend(page.iter().map(|entry: &std::sync::Arc<Entry>| entry.position()));
    }
    found
}
