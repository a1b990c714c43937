//! What a crash of the database spares: what was answered is there, and no position comes twice.

mod support;

use revaer_event_log::{AppendError, Options, Position, connect, migrate};
use revaer_test_support::CrashableCluster;
use support::{PATIENCE, Running, append, positions};

#[tokio::test(flavor = "multi_thread")]
async fn appends_fail_while_the_database_is_away_and_followers_resume() {
    let mut cluster = CrashableCluster::start().await;
    let pool = connect(cluster.url(), 8).await.unwrap();
    migrate(&pool).await.unwrap();
    let running = Running::open(pool, Options::default()).await;
    let mut subscription = running.log.subscribe(Position::ZERO);
    running.log.append(append("a", 0, 1)).await.unwrap();
    let before = positions(&mut subscription, 1).await;

    cluster.stop_immediate().await;
    let refused = tokio::time::timeout(PATIENCE, running.log.append(append("b", 0, 1))).await.unwrap();
    assert!(matches!(refused, Err(AppendError::Unavailable(_))), "{refused:?}");

    cluster.restart().await;
    let appending = async {
        loop {
            match running.log.append(append("a", 1, 1)).await {
                Ok(appended) => return appended,
                Err(AppendError::Unavailable(_)) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
    };
    let appended = tokio::time::timeout(PATIENCE, appending).await.expect("the log comes back");
    let after = positions(&mut subscription, 1).await;
    assert_eq!(after, [appended.position]);
    assert!(before[0] < after[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn positions_never_repeat_though_unflushed_samples_are_lost() {
    let mut cluster = CrashableCluster::start().await;
    let pool = connect(cluster.url(), 8).await.unwrap();
    migrate(&pool).await.unwrap();
    let mut newest_seen = Position::ZERO;
    let mut version = 0;
    for round in 0..3 {
        let running = Running::open(pool.clone(), Options::default()).await;
        let appended = running.log.append(append("a", version, 1)).await.unwrap();
        assert!(appended.position > newest_seen, "round {round}: {} after {newest_seen}", appended.position);
        version += 1;
        for _ in 0..200 {
            newest_seen = running.log.append_samples("node", vec![0; 24]).await.unwrap();
        }
        // Kept from flushing by nothing but its own delay: some of the samples are gone after this.
        cluster.kill9().await;
        cluster.restart().await;
        running.stop().await;
        let facts = Running::open(pool.clone(), Options::default()).await;
        let kept = facts.log.read_facts(Position::ZERO, 10).await.unwrap();
        assert_eq!(kept.len(), version as usize, "what was answered is there");
        facts.stop().await;
    }
}
