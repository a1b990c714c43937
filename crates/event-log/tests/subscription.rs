//! Following: first from Postgres, then from memory; with lost notifications, and without holding anybody up.

mod support;

use std::time::Duration;

use revaer_event_log::{Body, Options, Position};
use support::{PATIENCE, Running, append, new_log, new_log_with, positions};

#[tokio::test(flavor = "multi_thread")]
async fn follower_catches_up_from_postgres_and_goes_on_from_memory() {
    let (database, running) = new_log().await;
    for version in 0..30 {
        running.log.append(append("a", version, 1)).await.unwrap();
    }
    running.stop().await;
    // A new process: nothing of the past is in its memory.
    let options = Options { page_max: 7, ..Options::default() };
    let running = Running::open(database.pool().await, options).await;
    let mut subscription = running.log.subscribe(Position::ZERO);
    assert!(subscription.lagging());
    let past = positions(&mut subscription, 30).await;
    assert!(!subscription.lagging());
    let newest = running.log.append(append("a", 30, 2)).await.unwrap();
    let live = positions(&mut subscription, 2).await;
    assert_eq!(live.last(), Some(&newest.position));
    assert!(past.iter().chain(&live).is_sorted_by(|one, next| one < next));
    assert_eq!((past.len(), live.len()), (30, 2));
    assert_eq!(subscription.position(), newest.position);
    assert_eq!(running.log.tail_position(), newest.position);
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_follower_holds_nobody_up_and_misses_nothing() {
    let (_database, running) = new_log_with(Options { ring_entries_max: 8, ..Options::default() }).await;
    let mut slow = running.log.subscribe(Position::ZERO);
    let mut quick = running.log.subscribe(Position::ZERO);
    let mut quickly = Vec::new();
    for version in 0..50 {
        running.log.append(append("a", version, 1)).await.unwrap();
        quickly.extend(positions(&mut quick, 1).await);
    }
    assert!(slow.lagging(), "the ring holds eight");
    assert_eq!(positions(&mut slow, 50).await, quickly);
}

#[tokio::test(flavor = "multi_thread")]
async fn facts_and_samples_come_in_one_order() {
    let (_database, running) = new_log().await;
    let mut subscription = running.log.subscribe(Position::ZERO);
    let one = running.log.append(append("a", 0, 1)).await.unwrap().position;
    let two = running.log.append_samples("node", vec![1, 2, 3]).await.unwrap();
    let three = running.log.append(append("a", 1, 1)).await.unwrap().position;
    assert_eq!(positions(&mut subscription, 3).await, [one, two, three]);
    let entries = running.log.read_all(one, 1).await.unwrap();
    let Body::Samples(samples) = &entries[0].body else { panic!("samples are read as samples") };
    assert_eq!((samples.node.as_str(), samples.data.as_ref()), ("node", [1, 2, 3].as_slice()));
    assert_eq!(running.log.read_facts(one, 10).await.unwrap().len(), 1);
    assert_eq!(running.log.head().await.unwrap(), three);
}

#[tokio::test(flavor = "multi_thread")]
async fn follower_goes_on_after_the_listening_connection_was_cut() {
    let options = Options { follow_timer: Duration::from_millis(200), ..Options::default() };
    let (database, running) = new_log_with(options).await;
    let elsewhere = Running::open(database.pool().await, Options::default()).await;
    let mut subscription = running.log.subscribe(Position::ZERO);
    elsewhere.log.append(append("a", 0, 1)).await.unwrap();
    positions(&mut subscription, 1).await;
    let cut: i64 = sqlx::query_scalar(
        "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity
         WHERE datname = current_database() AND query LIKE 'LISTEN%' AND pid <> pg_backend_pid()",
    )
    .fetch_one(elsewhere.log.pool())
    .await
    .unwrap();
    assert!(cut > 0, "somebody listened");
    elsewhere.log.append(append("a", 1, 1)).await.unwrap();
    positions(&mut subscription, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn notification_wakes_the_follower_of_another_process() {
    // The timer alone would be too late by far.
    let options = Options { follow_timer: 4 * PATIENCE, ..Options::default() };
    let (database, running) = new_log_with(options.clone()).await;
    let elsewhere = Running::open(database.pool().await, options).await;
    let mut subscription = running.log.subscribe(Position::ZERO);
    for version in 0..5 {
        elsewhere.log.append(append("a", version, 1)).await.unwrap();
        positions(&mut subscription, 1).await;
    }
}
