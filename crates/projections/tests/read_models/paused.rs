//! A process that is stopped for longer than its lease, as by a suspended machine: another follows within seconds, and what the
//! first does when it wakes up is refused.

use std::process::Stdio;
use std::time::Duration;

use revaer_event_log::{EventLog, Options, connect};
use revaer_projections::{PROJECTIONS, Projector, rebuild};
use revaer_test_support::TestDatabase;
use rstest::rstest;
use rustix::process::{Pid, Signal, kill_process};
use sqlx::{Connection, PgConnection, PgPool};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio_util::sync::CancellationToken;

use crate::common::{BOUND, World, assert_same};
use crate::generations::lives;

const URL_VARIABLE: &str = "REVAER_TEST_PROJECTOR_URL";

/// Notes each write of a row and by which process; a write of the other process waits where the test says.
const NOTED: &str = "
    CREATE TABLE written (id text, version bigint, by text, number bigserial);
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO public.written VALUES (NEW.id, NEW.version, current_setting('application_name'));
        IF current_setting('application_name') = 'revaer' THEN
            PERFORM pg_advisory_xact_lock_shared(77);
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER note AFTER INSERT OR UPDATE ON torrents.torrent FOR EACH ROW EXECUTE FUNCTION note();";

/// Where the process is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stopped {
    /// Nothing is under way.
    AtRest,
    /// In a transaction: what it has locked stays locked until the database ends it.
    InTheMiddleOfABatch,
}

/// Another process that projects, and says how far it knows the projections to be.
struct Other {
    child: Child,
    said: Lines<BufReader<ChildStdout>>,
}

impl Other {
    fn start(database: &TestDatabase) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("this test"))
            .args(["--ignored", "--exact", "--nocapture", "paused::projector_process"])
            .env(URL_VARIABLE, database.url())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("starts");
        let said = BufReader::new(child.stdout.take().expect("was asked for")).lines();
        Self { child, said }
    }

    async fn reaches(&mut self, position: i64) {
        let reaching = async {
            loop {
                let line = self.said.next_line().await.expect("reads").expect("it runs");
                let reached = line.strip_prefix("reached ").and_then(|reached| reached.parse().ok());
                if reached >= Some(position) {
                    return;
                }
            }
        };
        tokio::time::timeout(BOUND, reaching).await.expect("in time");
    }

    fn signal(&self, signal: Signal) {
        let id = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        kill_process(id.expect("it runs"), signal).expect("is signalled");
    }

    /// Returns when it stands still.
    async fn stop(&self) {
        self.signal(Signal::STOP);
        let stat = format!("/proc/{}/stat", self.child.id().expect("it runs"));
        let is_stopped = || std::fs::read_to_string(&stat).expect("it is there").contains(") T ");
        while !is_stopped() {
            tokio::task::yield_now().await;
        }
    }
}

/// Not a test: what the other process runs.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "started by the test below as a process of its own"]
async fn projector_process() {
    #[expect(clippy::disallowed_methods, reason = "a child process has no other way to be told")]
    let url = std::env::var(URL_VARIABLE).expect("started by the test");
    // As the service connects: with its bounds on what a forgotten transaction costs others.
    let pool = connect(&url, 8).await.expect("connects");
    let (log, runner) = EventLog::open(pool, Options::default()).await.expect("opens");
    tokio::spawn(runner.run(CancellationToken::new()));
    let (projections, projector) = Projector::open(log).await.expect("opens");
    tokio::spawn(projector.run(CancellationToken::new()));
    let mut said = None;
    loop {
        let position = projections.position();
        if said != Some(position) {
            println!("reached {position}");
            said = Some(position);
        }
        // Whoever started it kills it.
        projections.wait_for(revaer_event_log::Position(position.0 + 1), BOUND).await;
    }
}

async fn wait_for(pool: &PgPool, condition: &'static str) {
    let waiting = async {
        while !sqlx::query_scalar::<_, bool>(condition).fetch_one(pool).await.expect("asks") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(BOUND, waiting).await.expect(condition);
}

#[rstest]
#[case::at_rest(Stopped::AtRest)]
#[case::in_the_middle_of_a_batch(Stopped::InTheMiddleOfABatch)]
#[tokio::test(flavor = "multi_thread")]
async fn process_that_slept_past_its_lease_is_succeeded_and_writes_nothing(#[case] stopped: Stopped) {
    let world = World::new().await;
    let pool = world.log.pool().clone();
    let (standing_by, _) = world.project().await;
    sqlx::raw_sql(NOTED).execute(&pool).await.expect("notes");
    // It has just started, so it takes over from the one that runs here.
    let mut other = Other::start(world.database());
    other.reaches(0).await;
    lives(&world, 1..4).await;
    other.reaches(world.log.head().await.expect("reads").0).await;
    lives(&world, 5..8).await;
    other.reaches(world.log.head().await.expect("reads").0).await;

    match stopped {
        Stopped::AtRest => other.stop().await,
        Stopped::InTheMiddleOfABatch => {
            let mut gate =
                PgConnection::connect_with(&world.database().connect_options()).await.expect("connects");
            sqlx::query("SELECT pg_advisory_lock(77)").execute(&mut gate).await.expect("locks");
            lives(&world, 9..10).await;
            wait_for(&pool, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'revaer' AND wait_event = 'advisory')").await;
            other.stop().await;
            gate.close().await.expect("opens the gate");
            wait_for(&pool, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'revaer' AND state = 'idle in transaction')").await;
        }
    }
    let taken: i64 = sqlx::query_scalar("SELECT coalesce(max(number), 0) FROM written WHERE by = 'revaer'")
        .fetch_one(&pool)
        .await
        .expect("reads");
    assert!(taken > 0, "the other process had followed");
    lives(&world, 13..16).await;
    let head = world.log.head().await.expect("reads");
    assert!(standing_by.wait_for(head, Duration::from_secs(20)).await, "nobody took over");

    // More to do when it wakes up, and it believes still that it is the one to do it.
    lives(&world, 17..20).await;
    let head = world.log.head().await.expect("reads");
    other.signal(Signal::CONT);
    other.reaches(head.0).await;
    assert!(standing_by.wait_for(head, BOUND).await);
    let after: i64 = sqlx::query_scalar("SELECT count(*) FROM written WHERE by = 'revaer' AND number > $1")
        .bind(taken)
        .fetch_one(&pool)
        .await
        .expect("reads");
    assert_eq!(after, 0, "rows that were written by the one that slept");
    let repeated: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM (SELECT FROM written GROUP BY id, version HAVING count(*) > 1) AS twice",
    )
    .fetch_one(&pool)
    .await
    .expect("reads");
    assert_eq!(repeated, 0);
    let lived = world.rows().await;
    for name in PROJECTIONS {
        rebuild(&world.log, name).await.expect("rebuilds");
    }
    assert_same(&world.rows().await, &lived);
}
