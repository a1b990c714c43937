//! The order of the log under several appending processes: every follower sees each entry once and in order.
//!
//! The same run against an append function without its lock must show a miss; else this test could not fail.

use std::process::{Child, Command, Stdio};

use revaer_event_log::{EventLog, Options, Position};
use revaer_test_support::TestDatabase;
use sqlx::{Connection, PgConnection};
use tokio::task::JoinSet;

use crate::support::{PATIENCE, Running, TestLog, append, mutate, recorded_positions};

/// One fact of a new stream, by the function alone: what another program than ours could do.
pub(crate) const RAW_APPEND: &str =
    "SELECT base FROM append(false, ARRAY[$1], '{0}', '{1}', '{0}', '{NULL}', '{1}',
    '{1}', '{1}', '{1}', '{test.happened}', '{\"{}\"}', '{\"{}\"}', '{}', '{}', '{}', '{}', '{}', '{}', '{}')";

const URL_VARIABLE: &str = "REVAER_TEST_APPENDER_URL";
const PROCESSES: usize = 3;
const WRITERS: usize = 4;
const ROUNDS: u32 = 40;

/// What followers missed, of all entries.
struct Report {
    missed: usize,
    entries: usize,
    in_order: bool,
}

#[tokio::test]
async fn followers_see_every_entry_once_and_in_order_whoever_appends() {
    let test = TestLog::start().await;
    let report = observe(&test).await;
    assert!(report.in_order);
    assert_eq!(report.missed, 0, "of {}", report.entries);
    assert!(report.entries > 500, "{}", report.entries);
}

#[tokio::test]
async fn without_the_append_lock_followers_miss_entries() {
    let test = TestLog::start().await;
    for function in ["append", "append_samples"] {
        mutate(&test.pool, function, "PERFORM pg_advisory_xact_lock(8245925716347);", "").await;
    }
    let report = observe(&test).await;
    assert!(report.missed > 0, "this oracle sees nothing in {} entries", report.entries);
}

/// Lets several processes append, one of which is killed, while subscriptions of two logs follow.
async fn observe(test: &TestLog) -> Report {
    let other = test.another().await;
    let mut followers = JoinSet::new();
    let (head, told) = tokio::sync::watch::channel(None);
    for log in [&test.log, &test.log, &other.log] {
        followers.spawn(follow(log.clone(), told.clone()));
    }
    let mut processes: Vec<_> = (0..PROCESSES).map(|_| spawn_appender(&test.database)).collect();
    let mut progress = test.log.subscribe(Position::ZERO);
    // Killed in the middle of its work: by then it has begun and, with these numbers, it has not ended.
    while progress.position() < Position(50) {
        tokio::time::timeout(PATIENCE, progress.next()).await.expect("the processes append");
    }
    let mut killed = processes.pop().expect("several");
    killed.kill().unwrap();
    killed.wait().unwrap();
    for mut process in processes {
        let status = tokio::task::spawn_blocking(move || process.wait()).await.unwrap().unwrap();
        assert!(status.success(), "{status}");
    }
    // A statement of the killed process may still run.
    crate::support::wait_for(
        &test.pool,
        "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'appender')",
    )
    .await;
    // The mark at the end tells followers where to stop; a follower that is there has passed all before it.
    let mark = test.log.append(append("mark", 0, 1)).await.unwrap();
    head.send_replace(Some(mark.position));

    let every = recorded_positions(&test.pool).await;
    let mut report = Report { missed: 0, entries: every.len(), in_order: true };
    while let Some(seen) = tokio::time::timeout(PATIENCE, followers.join_next()).await.expect("followers end")
    {
        let seen = seen.unwrap();
        report.in_order &= seen.is_sorted_by(|a, b| a < b);
        report.missed += every.iter().filter(|position| seen.binary_search(position).is_err()).count();
        assert!(
            seen.iter().all(|position| every.binary_search(position).is_ok()),
            "seen but never committed"
        );
    }
    report
}

async fn follow(log: EventLog, mut end: tokio::sync::watch::Receiver<Option<Position>>) -> Vec<Position> {
    let mut subscription = log.subscribe(Position::ZERO);
    let mut seen = Vec::new();
    loop {
        let is_over = end.borrow_and_update().is_some_and(|end| subscription.position() >= end);
        if is_over {
            return seen;
        }
        tokio::select! {
            page = subscription.next() => seen.extend(page.iter().map(|entry| entry.position())),
            changed = end.changed() => changed.unwrap(),
        }
    }
}

fn spawn_appender(database: &TestDatabase) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "oracle::appender_process"])
        .env(URL_VARIABLE, database.url())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// Not a test: what the processes above run. Appends through a log of its own and by bare transactions, of which some end in
/// a rollback, and appends samples. Without the lock some fail; nobody here minds.
#[tokio::test]
#[ignore = "started by the oracle's tests as a process of its own"]
async fn appender_process() {
    #[expect(clippy::disallowed_methods, reason = "a child process has no other way to be told")]
    let url = std::env::var(URL_VARIABLE).expect("started by the oracle");
    let connect: sqlx::postgres::PgConnectOptions = url.parse().unwrap();
    let pool = sqlx::PgPool::connect_with(connect.clone().application_name("appender")).await.unwrap();
    let running = Running::start(pool, Options::default()).await;
    let process = std::process::id();
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let log = running.log.clone();
        writers.spawn(async move {
            for round in 0..ROUNDS {
                let _ = log.append(append(&format!("p{process}-{writer}-{round}"), 0, 2)).await;
                if round % 4 == 0 {
                    let _ = log.append_samples("node", vec![0]).await;
                }
            }
        });
        let connect = connect.clone().application_name("appender");
        writers.spawn(async move {
            let mut connection = PgConnection::connect_with(&connect).await.unwrap();
            for round in 0..ROUNDS {
                let mut transaction = connection.begin().await.unwrap();
                let name = format!("raw{process}-{writer}-{round}");
                let appended = sqlx::query(RAW_APPEND).bind(name).execute(&mut *transaction).await;
                // Time passes between an append and its commit, in which others may overtake it if they can.
                for _ in 0..(round % 3) * 2 {
                    if appended.is_ok() {
                        sqlx::query("SELECT 1").execute(&mut *transaction).await.unwrap();
                    }
                }
                if round % 5 == 0 { transaction.rollback().await } else { transaction.commit().await }
                    .unwrap();
            }
        });
    }
    writers.join_all().await;
}
