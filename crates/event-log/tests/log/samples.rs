//! Samples: positions shared with facts, kept by the hour, dropped without the head falling.

use std::time::Duration;

use revaer_event_log::{Body, Options, Position, Retention, migrate};
use revaer_test_support::TestDatabase;

use crate::support::{Running, TestLog, append, count, follow_until, recorded_positions, wait_for};

/// Samples that are kept for no time at all.
const NOTHING: Retention = Retention { samples: Duration::ZERO, commands: Duration::from_hours(30 * 24) };
const PARTITIONS: &str = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'samples'::regclass";

#[tokio::test]
async fn samples_and_facts_share_one_order() {
    let test = TestLog::start().await;
    let mut subscription = test.log.subscribe(Position::ZERO);
    for round in 0..10 {
        assert_eq!(
            test.log.append_samples("node-a", vec![round, 0, 255]).await.unwrap().0,
            i64::from(round) * 2 + 1
        );
        test.log.append(append("s", round.into(), 1)).await.unwrap();
    }
    let seen = follow_until(&mut subscription, Position(20)).await;
    assert_eq!(seen, (1..=20).map(Position).collect::<Vec<_>>());
    let entries = test.log.read_all(Position(16), 2).await.unwrap();
    let Body::Samples(samples) = &entries[0].body else { panic!("{entries:?}") };
    assert_eq!(
        (samples.position, samples.node.as_str(), &samples.data[..]),
        (Position(17), "node-a", &[8, 0, 255][..])
    );
    assert!(
        matches!(&entries[1].body, Body::Fact(fact) if fact.position == Position(18) && fact.version == 9)
    );
    assert_eq!(test.log.read_facts(Position::ZERO, 100).await.unwrap().len(), 10);
}

#[tokio::test]
async fn missing_partition_is_made_by_the_first_sample() {
    let test = TestLog::start().await;
    sqlx::raw_sql("DO $$ DECLARE p regclass; BEGIN FOR p IN SELECT inhrelid FROM pg_inherits WHERE inhparent = 'samples'::regclass LOOP EXECUTE 'DROP TABLE ' || p; END LOOP; END $$")
        .execute(&test.pool)
        .await
        .unwrap();
    test.log.append_samples("node", vec![1]).await.unwrap();
    assert_eq!(count(&test.pool, "samples").await, 1);
}

#[tokio::test]
async fn old_samples_and_commands_go_and_the_head_stays() {
    let database = TestDatabase::create().await;
    let pool = database.pool().await;
    migrate(&pool).await.unwrap();
    // Two hours of the past, as if the service had run then.
    let past = "
        SELECT make_sample_partition(now() - hours * interval '1 hour') FROM generate_series(30, 31) AS hours;
        SET revaer.appending = 'yes';
        INSERT INTO samples SELECT 10 + h, now() - h * interval '1 hour', 'node', '\\x00' FROM generate_series(30, 31) AS h;
        RESET revaer.appending;
        SELECT setval('log_positions', 41);
        INSERT INTO commands SELECT gen_random_uuid(), '\\x00', 0, 0, 0, 's', 0, NULL, now() - interval '31 days'
        FROM generate_series(1, 2500);
        INSERT INTO commands SELECT gen_random_uuid(), '\\x00', 0, 0, 0, 's', 0, NULL, now() - interval '29 days';";
    let mut connection = pool.acquire().await.unwrap();
    sqlx::raw_sql(past).execute(&mut *connection).await.unwrap();
    drop(connection);
    let running = Running::start(pool.clone(), Options::default()).await;
    // The keeper needs no other occasion than its start. Three hours: this one and two ahead.
    wait_for(&pool, "SELECT count(*) = 3 FROM pg_inherits WHERE inhparent = 'samples'::regclass").await;
    wait_for(&pool, "SELECT count(*) = 1 FROM commands").await;
    assert_eq!(count(&pool, "samples").await, 0);
    assert_eq!(
        running.log.head().await.unwrap(),
        Position(41),
        "a client that was there has not been ahead of the log"
    );
    assert_eq!(running.log.samples_floor().await.unwrap(), Position(41));
    // A follower from before finds nothing there, and what comes then.
    let mut subscription = running.log.subscribe(Position(5));
    let appended = running.log.append(append("s", 0, 1)).await.unwrap();
    assert!(appended.position > Position(41));
    assert_eq!(follow_until(&mut subscription, appended.position).await, [appended.position]);
}

#[tokio::test]
async fn shorter_retention_holds_at_once() {
    let database = TestDatabase::create().await;
    let pool = database.pool().await;
    migrate(&pool).await.unwrap();
    sqlx::query("SELECT make_sample_partition(now() - interval '5 hours')").execute(&pool).await.unwrap();
    let running = Running::start(pool.clone(), Options::default()).await;
    // The first round is over when the hours ahead have their partitions.
    wait_for(&pool, "SELECT count(*) = 4 FROM pg_inherits WHERE inhparent = 'samples'::regclass").await;
    running.log.retain(NOTHING);
    wait_for(&pool, "SELECT count(*) = 3 FROM pg_inherits WHERE inhparent = 'samples'::regclass").await;
}

#[tokio::test]
async fn housekeeping_waits_for_no_long_reader_and_facts_for_no_housekeeping() {
    let options = Options { retention: NOTHING, ..Options::default() };
    let database = TestDatabase::create().await;
    let pool = database.pool().await;
    migrate(&pool).await.unwrap();
    sqlx::query("SELECT make_sample_partition(now() - interval '5 hours')").execute(&pool).await.unwrap();
    let mut reader = pool.begin().await.unwrap();
    sqlx::query("SELECT * FROM samples").fetch_all(&mut *reader).await.unwrap();
    let running = Running::start(pool.clone(), options).await;
    // The reader holds the table: dropping gives up and comes again, and leaves others their turn in between.
    for version in 0..200 {
        running.log.append(append("s", version, 1)).await.unwrap();
        running.log.append_samples("node", vec![0]).await.unwrap();
    }
    assert!(sqlx::query_scalar::<_, i64>(PARTITIONS).fetch_one(&mut *reader).await.unwrap() >= 4);
    reader.commit().await.unwrap();
    wait_for(&pool, "SELECT count(*) = 3 FROM pg_inherits WHERE inhparent = 'samples'::regclass").await;
    assert_eq!(recorded_positions(&pool).await.len(), 400);
}
