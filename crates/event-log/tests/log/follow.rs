//! Subscriptions: from Postgres, then from the ring, whatever is lost on the way.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::join_all;
use revaer_event_log::{Options, Position};

use crate::support::{PATIENCE, TestLog, append, follow_until, mutate, recorded_positions, wait_for};

/// So small that almost every follower falls out of it.
fn small_ring() -> Options {
    Options { ring_entries_max: 10, page_max: 7, ..Options::default() }
}

/// Facts of one stream, some in flight together; returns the last one's position.
async fn append_facts(log: &revaer_event_log::EventLog, name: &str, facts: u32) -> Position {
    let mut last = Position::ZERO;
    for from in (0..facts).step_by(20) {
        let versions = from..facts.min(from + 20);
        let answers = join_all(versions.map(|version| log.append(append(name, version, 1)))).await;
        last = answers.into_iter().map(|answer| answer.unwrap().position).max().unwrap();
    }
    last
}

#[tokio::test]
async fn subscriber_catches_up_and_then_follows() {
    let test = TestLog::with(small_ring()).await;
    append_facts(&test.log, "before", 100).await;
    let mut from_start = test.log.subscribe(Position::ZERO);
    let mut from_middle = test.log.subscribe(Position(50));
    let mut from_now = test.log.subscribe(test.log.head().await.unwrap());
    let last = append_facts(&test.log, "after", 100).await;
    let every = recorded_positions(&test.pool).await;
    assert_eq!(follow_until(&mut from_start, last).await, every);
    assert_eq!(follow_until(&mut from_middle, last).await, every[50..]);
    assert_eq!(follow_until(&mut from_now, last).await, every[100..]);
    // Near the head nothing is read from Postgres any more.
    assert!(!from_start.lagging());
    test.pool.close().await;
}

#[tokio::test]
async fn many_subscribers_see_the_same_entries() {
    let test = TestLog::with(Options { ring_entries_max: 50, ..Options::default() }).await;
    let followers: Vec<_> = (0..200)
        .map(|n| {
            let mut subscription = test.log.subscribe(Position::ZERO);
            tokio::spawn(async move {
                let mut entries = Vec::new();
                while subscription.position() < Position(300) {
                    entries.extend(subscription.next().await);
                    if n % 10 == 0 {
                        tokio::task::yield_now().await;
                    }
                }
                entries
            })
        })
        .collect();
    assert_eq!(append_facts(&test.log, "s", 300).await, Position(300));
    let followed = tokio::time::timeout(PATIENCE, join_all(followers)).await.unwrap();
    let followed: Vec<_> = followed.into_iter().map(Result::unwrap).collect();
    for entries in &followed {
        let positions: Vec<_> = entries.iter().map(|entry| entry.position()).collect();
        assert_eq!(positions, (1..=300).map(Position).collect::<Vec<_>>());
    }
    // From the ring all have the same entry, hence one serialisation.
    let shared = followed.iter().filter(|entries| Arc::ptr_eq(&entries[299], &followed[0][299])).count();
    assert!(shared > 100, "{shared} of 200 share the newest entry");
    followed[0][299].memo.set(Bytes::from_static(b"frame")).unwrap();
    assert!(followed[0][299].memo.get().is_some());
}

#[tokio::test]
async fn slow_subscriber_blocks_nobody_and_misses_nothing() {
    let test = TestLog::with(small_ring()).await;
    let mut slow = test.log.subscribe(Position::ZERO);
    append_facts(&test.log, "s", 1).await;
    assert_eq!(slow.next().await.len(), 1);
    let mut quick = test.log.subscribe(Position(1));
    let last = append_facts(&test.log, "t", 300).await;
    assert_eq!(follow_until(&mut quick, last).await.len(), 300);
    assert!(slow.lagging(), "it fell out of the ring");
    assert!(slow.next().await.len() <= 7, "pages are bounded");
    follow_until(&mut slow, last).await;
    assert!(!slow.lagging());
}

#[tokio::test]
async fn cancelled_wait_loses_nothing() {
    let test = TestLog::with(small_ring()).await;
    let mut subscription = test.log.subscribe(Position::ZERO);
    let last = append_facts(&test.log, "s", 60).await;
    let mut seen = Vec::new();
    // Given up at whatever await point it has come to, each time a little later: on a busy machine one look at the database
    // takes more polls than any fixed number, and each that is given up costs a connection.
    let mut polls = 0;
    while subscription.position() < last {
        polls += 1;
        let before = subscription.position();
        let mut next = Box::pin(subscription.next());
        for _ in 0..polls {
            if let std::task::Poll::Ready(page) = futures::poll!(&mut next) {
                seen.extend(page.iter().map(|entry| entry.position()));
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(next);
        assert!(subscription.position() >= before);
    }
    assert_eq!(seen, recorded_positions(&test.pool).await);
}

#[tokio::test]
async fn notification_wakes_followers_of_another_process() {
    // Without the notification the timer would take an hour.
    let test = TestLog::with(Options { follow_timer: Duration::from_hours(1), ..Options::default() }).await;
    let other = test.another().await;
    let mut subscription = test.log.subscribe(Position::ZERO);
    wait_for(&test.pool, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'revaer log listener' AND query LIKE 'LISTEN%')").await;
    for version in 0..20 {
        let appended = other.log.append(append("s", version, 1)).await.unwrap();
        assert_eq!(follow_until(&mut subscription, appended.position).await, [appended.position]);
        let sampled = other.log.append_samples("node", vec![0]).await.unwrap();
        assert_eq!(follow_until(&mut subscription, sampled).await, [sampled]);
    }
}

/// Whoever orders by the oldest transaction that runs stands still for as long as somebody reads, writes or forgets to commit.
#[tokio::test]
async fn followers_wait_for_no_transaction_of_others() {
    let test = TestLog::with(Options { follow_timer: Duration::from_hours(1), ..Options::default() }).await;
    let other = test.another().await;
    test.log.append(append("before", 0, 1)).await.unwrap();
    // One that only reads, as a backup does, and one that has changed something, hence has a number.
    let mut reading = test.pool.begin().await.unwrap();
    sqlx::raw_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM events; SELECT count(*) FROM samples")
        .execute(&mut *reading)
        .await
        .unwrap();
    let mut writing = test.pool.begin().await.unwrap();
    sqlx::raw_sql("CREATE TABLE of_another_program (n int); SELECT txid_current()")
        .execute(&mut *writing)
        .await
        .unwrap();

    let mut near = test.log.subscribe(test.log.head().await.unwrap());
    for version in 0..20 {
        let sampled = test.log.append_samples("node", vec![0]).await.unwrap();
        let appended = other.log.append(append("s", version, 1)).await.unwrap();
        // Who follows has it while they go on, and so has who reads from the tables.
        assert_eq!(follow_until(&mut near, appended.position).await, [sampled, appended.position]);
        assert_eq!(test.log.head().await.unwrap(), appended.position);
        let page = test.log.read_all(Position(sampled.0 - 1), 10).await.unwrap();
        assert_eq!(
            page.iter().map(|entry| entry.position()).collect::<Vec<_>>(),
            [sampled, appended.position]
        );
    }
    let seen_by_reader: i64 =
        sqlx::query_scalar("SELECT count(*) FROM events").fetch_one(&mut *reading).await.unwrap();
    assert_eq!(seen_by_reader, 1, "its moment is held");
    writing.rollback().await.unwrap();
    reading.rollback().await.unwrap();
}

#[tokio::test]
async fn lost_notification_delays_and_loses_nothing() {
    let test = TestLog::with(Options { follow_timer: Duration::from_millis(20), ..Options::default() }).await;
    mutate(&test.pool, "append", "PERFORM pg_notify('revaer_log', (base + total)::text);", "").await;
    let other = test.another().await;
    let mut subscription = test.log.subscribe(Position::ZERO);
    let last = append_facts(&other.log, "s", 20).await;
    assert_eq!(follow_until(&mut subscription, last).await, (1..=20).map(Position).collect::<Vec<_>>());
}

#[tokio::test]
async fn dropped_listener_listens_again() {
    let test = TestLog::with(Options { follow_timer: Duration::from_hours(1), ..Options::default() }).await;
    let other = test.another().await;
    let mut subscription = test.log.subscribe(Position::ZERO);
    for version in 0..5 {
        // Every connection of the one process that has the hour-long timer, and of the other; the appends retry by hand.
        sqlx::query("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND application_name IN ('revaer log listener', 'revaer log tailer')")
            .execute(&test.pool)
            .await
            .unwrap();
        let appended = other.log.append(append("s", version, 1)).await.unwrap();
        assert_eq!(follow_until(&mut subscription, appended.position).await, [appended.position]);
    }
}
