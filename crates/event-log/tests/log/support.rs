//! A running log, and short ways to say what the tests append.

use std::borrow::Cow;
use std::time::Duration;

use revaer_event_log::{
    Append, CommandRecord, Entry, EventLog, NewFact, Options, Position, Repeat, StreamId, Subscription,
    migrate,
};
use revaer_test_support::TestDatabase;
use sqlx::{AssertSqlSafe, PgPool};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Far longer than anything here takes; what waits this long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A log whose runner runs.
pub(crate) struct Running {
    pub(crate) log: EventLog,
    runner: JoinHandle<()>,
}

impl Running {
    pub(crate) async fn start(pool: PgPool, options: Options) -> Running {
        let (log, runner) = EventLog::open(pool, options).await.unwrap();
        let runner = tokio::spawn(runner.run(CancellationToken::new()));
        Running { log, runner }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.runner.abort();
    }
}

/// A migrated database with a running log.
pub(crate) struct TestLog {
    _running: Running,
    pub(crate) log: EventLog,
    pub(crate) pool: PgPool,
    pub(crate) database: TestDatabase,
}

impl TestLog {
    pub(crate) async fn start() -> TestLog {
        TestLog::with(Options::default()).await
    }

    pub(crate) async fn with(options: Options) -> TestLog {
        let database = TestDatabase::create().await;
        let pool = database.pool().await;
        migrate(&pool).await.unwrap();
        let running = Running::start(pool.clone(), options).await;
        TestLog { log: running.log.clone(), _running: running, pool, database }
    }

    /// Another process's view of the same database, as far as the log can tell.
    pub(crate) async fn another(&self) -> Running {
        Running::start(self.database.pool().await, Options::default()).await
    }
}

pub(crate) fn stream(name: &str) -> StreamId {
    StreamId::new(name).unwrap()
}

pub(crate) fn fact(n: usize) -> NewFact {
    NewFact {
        kind: Cow::Borrowed("test.happened"),
        schema_version: 1,
        data: format!("{{\"n\": {n}}}"),
        meta: "{}".to_owned(),
    }
}

/// An append of some facts, without a command.
pub(crate) fn append(name: &str, expected: u32, facts: usize) -> Append {
    Append {
        stream: stream(name),
        expected,
        facts: (0..facts).map(fact).collect(),
        command: None,
        claims: Vec::new(),
        releases: Vec::new(),
    }
}

/// The same under a command id.
pub(crate) fn commanded(name: &str, expected: u32, facts: usize, id: u128) -> Append {
    let command = CommandRecord {
        id: Uuid::from_u128(id),
        fingerprint: [7; 32],
        result: Some("{\"id\": 1}".to_owned()),
        repeat: Repeat::MayCome,
    };
    Append { command: Some(command), ..append(name, expected, facts) }
}

/// The same under an id that nobody knows, hence without a repeat.
pub(crate) fn once(name: &str, expected: u32, facts: usize, id: u128) -> Append {
    let mut append = commanded(name, expected, facts, id);
    append.command.as_mut().expect("just made").repeat = Repeat::CannotCome;
    append
}

/// Everything that a subscription gives up to a position.
pub(crate) async fn follow_until(subscription: &mut Subscription, last: Position) -> Vec<Position> {
    let follow = async {
        let mut seen = Vec::new();
        while subscription.position() < last {
            seen.extend(subscription.next().await.iter().map(|entry| Entry::position(entry)));
        }
        seen
    };
    tokio::time::timeout(PATIENCE, follow).await.expect("followed to the end")
}

/// Every position of the log in order: what any follower has to see.
pub(crate) async fn recorded_positions(pool: &PgPool) -> Vec<Position> {
    let statement = "SELECT position FROM events UNION ALL SELECT position FROM samples ORDER BY position";
    let positions: Vec<i64> = sqlx::query_scalar(statement).fetch_all(pool).await.unwrap();
    positions.into_iter().map(Position).collect()
}

pub(crate) async fn count(pool: &PgPool, table: &str) -> i64 {
    sqlx::query_scalar(AssertSqlSafe(format!("SELECT count(*) FROM {table}"))).fetch_one(pool).await.unwrap()
}

/// Replaces a function of the database by a copy in which a text is another: a mutant.
pub(crate) async fn mutate(pool: &PgPool, function: &str, from: &str, to: &str) {
    let source: String = sqlx::query_scalar("SELECT pg_get_functiondef($1::regproc)")
        .bind(function)
        .fetch_one(pool)
        .await
        .unwrap();
    assert!(source.contains(from), "{function} does not say {from}");
    sqlx::raw_sql(AssertSqlSafe(source.replace(from, to))).execute(pool).await.unwrap();
}

/// Waits until a query that gives a boolean says so.
pub(crate) async fn wait_for(pool: &PgPool, condition: &'static str) {
    let wait = async {
        while !sqlx::query_scalar::<_, bool>(condition).fetch_one(pool).await.unwrap() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect(condition);
}
