//! PostgreSQL crashes: what was answered is there, what was seen is never given out again, and all goes on by itself.

use std::time::Duration;

use revaer_event_log::{AppendError, EventLog, Options, Position, connect, migrate};
use revaer_test_support::CrashableCluster;
use sqlx::{Connection, PgConnection, PgPool};

use crate::support::{PATIENCE, Running, append, commanded, count, follow_until, mutate};

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

/// How PostgreSQL crashes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Crash {
    /// Whole, as by `pg_ctl stop -m immediate`.
    ImmediateStop,
    /// One backend by `SIGKILL`: the server recovers by itself, and nobody outside is told.
    OneBackend,
}

impl Crash {
    pub(crate) async fn strike(self, cluster: &mut CrashableCluster, pool: &PgPool) {
        match self {
            Self::ImmediateStop => {
                cluster.stop_immediate().await;
                cluster.restart().await;
            }
            Self::OneBackend => {
                let mut witness = pool.acquire().await.unwrap();
                let killed = sqlx::query("COPY (SELECT 1) TO PROGRAM 'kill -KILL $PPID'").execute(pool).await;
                killed.expect_err("the backend is gone");
                let back = async {
                    // All others are ended too, a moment later, and only then nobody new is let in until all is recovered.
                    while witness.ping().await.is_ok() {
                        tokio::task::yield_now().await;
                    }
                    while PgConnection::connect_with(&pool.connect_options()).await.is_err() {
                        tokio::task::yield_now().await;
                    }
                };
                tokio::time::timeout(PATIENCE, back).await.expect("the server recovers");
            }
        }
    }
}

/// Appends unflushed samples, reads them, crashes, and says what was read last and what is appended next.
async fn see_and_crash(cluster: &mut CrashableCluster, pool: &PgPool, crash: Crash) -> (Position, Position) {
    // Samples need no writer, and the runner's housekeeping would flush them.
    let (log, _runner) = EventLog::open(pool.clone(), Options::default()).await.unwrap();
    let mut seen = log.head().await.unwrap();
    for _ in 0..30 {
        log.append_samples("node", vec![0; 24]).await.unwrap();
        seen = log.read_all(seen, 100).await.unwrap().last().unwrap().position();
    }
    crash.strike(cluster, pool).await;
    (seen, log.append_samples("node", vec![0; 24]).await.unwrap())
}

/// Whether any of the crashes lets a position be given out that a reader has passed.
async fn any_repeats(
    cluster: &mut CrashableCluster,
    pool: &PgPool,
    crashes: impl Iterator<Item = Crash>,
) -> bool {
    for crash in crashes {
        let (seen, next) = see_and_crash(cluster, pool, crash).await;
        if next <= seen {
            return true;
        }
    }
    false
}

/// The law over some rounds, and then its mutants, each of which has to break it: else the rounds show nothing.
async fn positions_survive(rounds: usize) {
    let (mut cluster, pool) = migrated_cluster().await;
    for setting in FLUSH_SELDOM {
        sqlx::query(setting).execute(&pool).await.unwrap();
    }
    let crashes = || [Crash::ImmediateStop, Crash::OneBackend].into_iter().cycle();
    let mut seen_before = Position::ZERO;
    for (round, crash) in crashes().take(rounds).enumerate() {
        let (seen, next) = see_and_crash(&mut cluster, &pool, crash).await;
        assert!(seen > seen_before && next > seen, "round {round}, {crash:?}: seen {seen}, next {next}");
        seen_before = seen;
    }
    // Without the jump to the reservation, what the crash took back is given out again.
    mutate(&pool, "take_positions", "last := greatest(last, ceiling);", "").await;
    for crash in [Crash::ImmediateStop, Crash::OneBackend] {
        let repeats = any_repeats(&mut cluster, &pool, std::iter::repeat_n(crash, 10)).await;
        assert!(repeats, "{crash:?} takes nothing back");
    }
    mutate(
        &pool,
        "take_positions",
        "INSERT INTO log_head",
        "last := greatest(last, ceiling); INSERT INTO log_head",
    )
    .await;
    // Without the table that a recovery empties, nobody knows when to jump.
    sqlx::query("ALTER TABLE log_head SET LOGGED").execute(&pool).await.unwrap();
    let repeats = any_repeats(&mut cluster, &pool, crashes().take(20)).await;
    assert!(repeats, "a recovery that leaves no trace is noticed all the same");
}

#[tokio::test]
async fn position_that_a_reader_has_passed_is_never_given_out_again() {
    positions_survive(4).await;
}

#[tokio::test]
#[ignore = "thirty rounds, for `make soak`"]
async fn soak_position_that_a_reader_has_passed_is_never_given_out_again() {
    positions_survive(30).await;
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
