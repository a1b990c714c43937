//! The tail oracle: whoever follows by position sees each fact once and in order, however many processes append.
//!
//! The mutant is the same function without its lock. It must miss a fact, or the oracle would prove nothing.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod support;

use std::collections::HashMap;
use std::process::Command;

use revaer_event_log::{AppendError, Body, EventLog, Options, Position, connect, migrate};
use revaer_test_support::TestDatabase;
use sqlx::{AssertSqlSafe, PgPool};
use support::{PATIENCE, Running, append, new_log};

const URL: &str = "REVAER_TEST_APPENDER_URL";
const FACTS_EACH: u32 = 150;
const PROCESSES: u32 = 3;

async fn append_many(log: &EventLog, name: String) {
    for version in 0..FACTS_EACH {
        log.append(append(&name, version, 1)).await.expect("nobody else writes this stream");
        if version % 10 == 0 {
            // A command that is refused takes the same lock and leaves nothing.
            let refused = log.append(append(&name, 0, 1)).await;
            assert!(matches!(refused, Err(AppendError::VersionConflict { .. })), "{refused:?}");
            log.append_samples(&name, vec![1; 24]).await.expect("samples are taken");
        }
    }
}

/// Not a test: the other processes of the one below run this.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by appenders_of_several_processes_are_followed_without_a_gap"]
async fn appender_process() {
    #[expect(clippy::disallowed_methods, reason = "the parent has no other way to tell")]
    let Ok(url) = std::env::var(URL) else { return };
    let running = Running::open(connect(&url, 8).await.unwrap(), Options::default()).await;
    let pid = std::process::id();
    futures::future::join_all((0..2).map(|nth| append_many(&running.log, format!("p{pid}-{nth}")))).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn appenders_of_several_processes_are_followed_without_a_gap() {
    let (database, running) = new_log().await;
    let mut subscription = running.log.subscribe(Position::ZERO);
    let children: Vec<_> = (0..PROCESSES)
        .map(|_| {
            Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "appender_process", "--ignored"])
                .env(URL, database.url())
                .spawn()
                .expect("this program can be run again")
        })
        .collect();
    let total = 2 * PROCESSES * FACTS_EACH + 2 * PROCESSES * FACTS_EACH.div_ceil(10);
    let following = async {
        let (mut seen, mut versions) = (Vec::new(), HashMap::new());
        while seen.len() < total as usize {
            for entry in subscription.next().await {
                if let Body::Fact(fact) = &entry.body {
                    let version = versions.entry(fact.stream.clone()).or_insert(0);
                    *version += 1;
                    assert_eq!(fact.version, *version, "{:?} came out of order", fact.stream);
                }
                seen.push(entry.position());
            }
        }
        seen
    };
    let seen = tokio::time::timeout(PATIENCE, following).await.expect("every entry arrives");
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert!(seen.is_sorted_by(|one, next| one < next), "an entry came twice or out of order");
    let mut stored = Vec::new();
    loop {
        let after = stored.last().copied().unwrap_or(Position::ZERO);
        let page = running.log.read_all(after, 1000).await.unwrap();
        if page.is_empty() {
            break;
        }
        stored.extend(page.iter().map(|entry| entry.position()));
    }
    assert_eq!(seen, stored);
}

/// Two appends, the first of which is held open; what a follower sees of them, in order.
///
/// With the lock the second waits for the first. Without it the second commits first, and takes the follower past it.
async fn followed_while_one_append_hangs(pool: &PgPool) -> Vec<i64> {
    let one = "SELECT append_samples('one', 'x')";
    let mut hanging = pool.begin().await.unwrap();
    let first: i64 = sqlx::query_scalar(one).fetch_one(&mut *hanging).await.unwrap();
    let second = tokio::spawn({
        let pool = pool.clone();
        async move { sqlx::query_scalar::<_, i64>("SELECT append_samples('two', 'y')").fetch_one(&pool).await }
    });
    let mut seen = Vec::new();
    let follow = async |seen: &mut Vec<i64>| {
        let after = seen.last().copied().unwrap_or(0);
        let page: Vec<i64> =
            sqlx::query_scalar("SELECT position FROM samples WHERE position > $1 ORDER BY position")
                .bind(after)
                .fetch_all(pool)
                .await
                .unwrap();
        seen.extend(page);
    };
    // Until the second has committed, or is seen to wait for the lock.
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !second.is_finished() && !waits_for_the_lock(pool).await {
        assert!(tokio::time::Instant::now() < deadline, "the second append neither waits nor ends");
    }
    follow(&mut seen).await;
    hanging.commit().await.unwrap();
    let second = second.await.unwrap().unwrap();
    assert!(first < second);
    follow(&mut seen).await;
    assert_eq!(seen.last(), Some(&second));
    seen
}

async fn waits_for_the_lock(pool: &PgPool) -> bool {
    sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
                        AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))",
    )
    .fetch_one(pool)
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn append_that_hangs_is_not_overtaken() {
    let (_database, running) = new_log().await;
    assert_eq!(followed_while_one_append_hangs(running.log.pool()).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_lock_a_follower_misses_what_commits_late() {
    let database = TestDatabase::create().await;
    let pool = database.pool().await;
    migrate(&pool).await.unwrap();
    drop(EventLog::open(pool.clone(), Options::default()).await.unwrap());
    let definition: String = sqlx::query_scalar("SELECT pg_get_functiondef('append_samples'::regproc)")
        .fetch_one(&pool)
        .await
        .unwrap();
    let lock =
        definition.lines().find(|line| line.contains("pg_advisory_xact_lock")).expect("it takes the lock");
    let mutant = definition.replace(lock, "");
    sqlx::raw_sql(AssertSqlSafe(mutant)).execute(&pool).await.unwrap();
    // Positions without the reservation, which would make the second wait for the first by accident.
    sqlx::raw_sql(
        "CREATE SEQUENCE naive;
         CREATE OR REPLACE FUNCTION take_positions(n bigint) RETURNS bigint LANGUAGE sql VOLATILE AS
         $$ SELECT 1000 + nextval('naive') $$",
    )
    .execute(&pool)
    .await
    .unwrap();
    assert_eq!(followed_while_one_append_hangs(&pool).await.len(), 1, "the mutant should miss the first");
}
