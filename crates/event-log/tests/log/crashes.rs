//! PostgreSQL crashes: what was answered is there, what was seen is never given out again, and all goes on by itself.

use std::time::Duration;

use revaer_event_log::{AppendError, EventLog, Options, Position, connect, migrate};
use revaer_test_support::CrashableCluster;
use sqlx::PgPool;

use crate::support::{PATIENCE, Running, append, commanded, count, follow_until};

/// Lets unflushed commits stay unflushed, so that a crash takes them back: nobody else commits, and nothing flushes by itself.
const FLUSH_SELDOM: [&str; 3] = [
    "ALTER SYSTEM SET wal_writer_delay = '10s'",
    "ALTER SYSTEM SET autovacuum = off",
    "SELECT pg_reload_conf()",
];

async fn migrated_cluster() -> (CrashableCluster, PgPool) {
    let cluster = CrashableCluster::start().await;
    let pool = connect(cluster.url(), 8).await.unwrap();
    migrate(&pool).await.unwrap();
    (cluster, pool)
}

/// Appends unflushed samples, sees them, crashes, and says what was seen last and what is appended next.
async fn see_and_crash(
    cluster: &mut CrashableCluster,
    pool: &PgPool,
    hide_the_crash: bool,
) -> (Position, Position) {
    // Samples need no writer, and the runner's housekeeping would flush them.
    let (log, _runner) = EventLog::open(pool.clone(), Options::default()).await.unwrap();
    for _ in 0..30 {
        log.append_samples("node", vec![0; 24]).await.unwrap();
    }
    let seen = log.head().await.unwrap();
    cluster.stop_immediate().await;
    cluster.restart().await;
    if hide_the_crash {
        sqlx::query("INSERT INTO log_head DEFAULT VALUES").execute(pool).await.unwrap();
    }
    (seen, log.append_samples("node", vec![0; 24]).await.unwrap())
}

#[tokio::test]
async fn position_that_was_seen_is_never_given_out_again() {
    let (mut cluster, pool) = migrated_cluster().await;
    for setting in FLUSH_SELDOM {
        sqlx::query(setting).execute(&pool).await.unwrap();
    }
    let mut seen_before = Position::ZERO;
    for round in 0..3 {
        let (seen, next) = see_and_crash(&mut cluster, &pool, false).await;
        assert!(seen > seen_before && next > seen, "round {round}: seen {seen}, next {next}");
        seen_before = seen;
    }
    // The mutant: without the emptied table nothing tells of the crash, and the reservation is of no use.
    let mut repeated = false;
    for _ in 0..5 {
        let (seen, next) = see_and_crash(&mut cluster, &pool, true).await;
        repeated |= next <= seen;
        if repeated {
            break;
        }
    }
    assert!(repeated, "no crash took anything back, so the rounds above show nothing");
}

#[tokio::test]
async fn everything_goes_on_when_the_database_comes_back() {
    let (mut cluster, pool) = migrated_cluster().await;
    let running = Running::start(pool.clone(), Options { ring_entries_max: 5, ..Options::default() }).await;
    let log = &running.log;
    let mut near = log.subscribe(Position::ZERO);
    let mut far = log.subscribe(Position::ZERO);
    for version in 0..20 {
        log.append(append("s", version, 1)).await.unwrap();
    }
    assert_eq!(follow_until(&mut near, Position(20)).await.len(), 20);

    cluster.kill9().await;
    // One far behind waits for the database, one near the head for news; neither gives up.
    let (mut far, mut near) = (
        tokio::spawn(async move { follow_until(&mut far, Position(20)).await }),
        tokio::spawn(async move { near.next().await }),
    );
    for id in 0..3 {
        let refused = tokio::time::timeout(PATIENCE, log.append(commanded("s", 20, 1, id)))
            .await
            .expect("answered soon");
        assert!(matches!(refused, Err(AppendError::Unavailable(_))), "{refused:?}");
    }
    log.head().await.expect_err("away");
    assert!(!far.is_finished() && !near.is_finished());

    cluster.restart().await;
    assert_eq!(
        tokio::time::timeout(PATIENCE, &mut far).await.unwrap().unwrap(),
        (1..=20).map(Position).collect::<Vec<_>>()
    );
    // The same command, again: it happens once.
    let appended = loop {
        match log.append(commanded("s", 20, 1, 0)).await {
            Ok(appended) => break appended,
            Err(AppendError::Unavailable(_)) => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
    };
    assert!(appended.position > Position(20) && appended.version == 21);
    let next = tokio::time::timeout(PATIENCE, &mut near).await.unwrap().unwrap();
    assert_eq!(next.iter().map(|entry| entry.position()).collect::<Vec<_>>(), [appended.position]);
    assert_eq!(count(&pool, "events").await, 21);
}

#[tokio::test]
async fn answered_appends_survive_every_crash_and_commands_happen_once() {
    let (mut cluster, pool) = migrated_cluster().await;
    let running = Running::start(
        pool.clone(),
        Options { connect_timeout: Duration::from_secs(1), ..Options::default() },
    )
    .await;
    let mut answered = 0_i64;
    for crash in 0..3_u128 {
        let writers: Vec<_> = (0..8_u128)
            .map(|writer| {
                let log = running.log.clone();
                tokio::spawn(async move {
                    let mut answered = 0;
                    for round in 0.. {
                        let id = crash << 64 | writer << 32 | round;
                        let name = format!("s{crash}-{writer}-{round}");
                        match log.append(commanded(&name, 0, 1, id)).await {
                            Ok(_) | Err(AppendError::AlreadyRecorded(_)) => answered += 1,
                            // The rest of the round would fail as well.
                            Err(AppendError::Unavailable(_)) => return (answered, name, id),
                            Err(error) => panic!("{error}"),
                        }
                    }
                    unreachable!("the database crashes before the numbers end")
                })
            })
            .collect();
        // In the middle of it.
        let busy = running.log.head().await.unwrap();
        let mut subscription = running.log.subscribe(busy);
        follow_until(&mut subscription, Position(busy.0 + 200)).await;
        if crash % 2 == 0 {
            cluster.kill9().await;
        } else {
            cluster.stop_immediate().await;
        }
        let ended = futures::future::join_all(writers).await;
        cluster.restart().await;
        for ended in ended {
            let (before, name, id) = ended.unwrap();
            answered += before;
            // What was refused as unavailable is given again until it is answered; whether it had happened or not.
            loop {
                match running.log.append(commanded(&name, 0, 1, id)).await {
                    Ok(_) | Err(AppendError::AlreadyRecorded(_)) => break,
                    Err(AppendError::Unavailable(_)) => tokio::task::yield_now().await,
                    Err(error) => panic!("{error}"),
                }
            }
            answered += 1;
        }
        assert_eq!(count(&pool, "events").await, answered);
        assert_eq!(count(&pool, "commands").await, answered);
    }
}
