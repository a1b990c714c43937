//! A database per test on a real server, and a server that survives being killed.

use revaer_test_support::{CrashableCluster, TestDatabase};
use sqlx::{Connection, PgConnection};

#[tokio::test]
async fn databases_are_empty_and_apart() {
    let (one, other) = tokio::join!(TestDatabase::create(), TestDatabase::create());
    let (one_pool, other_pool) = (one.pool().await, other.pool().await);
    sqlx::query("CREATE TABLE only_here (n int)").execute(&one_pool).await.unwrap();
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(sqlx::query_scalar::<_, i64>(tables).fetch_one(&one_pool).await.unwrap(), 1);
    assert_eq!(sqlx::query_scalar::<_, i64>(tables).fetch_one(&other_pool).await.unwrap(), 0);
}

#[tokio::test]
async fn dropped_database_is_gone_though_a_pool_is_open() {
    let kept = TestDatabase::create().await;
    let dropped = TestDatabase::create().await;
    let name = dropped.name().to_owned();
    let _open = dropped.pool().await;
    drop(dropped);
    let found = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM pg_database WHERE datname = $1");
    assert_eq!(found.bind(name).fetch_one(&kept.pool().await).await.unwrap(), 0);
}

#[tokio::test]
async fn name_search_knows_letters_beyond_ascii() {
    let database = TestDatabase::create().await;
    let same: bool = sqlx::query_scalar("SELECT lower('ÄÖÜ ПРИВЕТ') = 'äöü привет'")
        .fetch_one(&database.pool().await)
        .await
        .unwrap();
    assert!(same);
}

#[tokio::test]
async fn committed_rows_survive_every_kind_of_crash_and_the_pool_reconnects() {
    let mut cluster = CrashableCluster::start().await;
    let pool = cluster.pool().await;
    sqlx::query("CREATE TABLE kept (n int)").execute(&pool).await.unwrap();
    for crash in 0..2 {
        sqlx::query("INSERT INTO kept VALUES ($1)").bind(crash).execute(&pool).await.unwrap();
        if crash == 0 {
            cluster.kill9().await;
        } else {
            cluster.stop_immediate().await;
        }
        assert!(PgConnection::connect(cluster.url()).await.is_err(), "the server is gone");
        cluster.restart().await;
    }
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM kept").fetch_one(&pool).await.unwrap();
    assert_eq!(rows, 2);
}
