//! Migrations, and what the log says to a database that it does not know.

use revaer_event_log::{EventLog, MigrateError, OpenError, Options, migrate};
use revaer_test_support::TestDatabase;

#[tokio::test]
async fn migrations_run_once_also_when_several_processes_start() {
    let database = TestDatabase::create().await;
    let pools = [database.pool().await, database.pool().await, database.pool().await];
    let (one, two, three) = tokio::join!(migrate(&pools[0]), migrate(&pools[1]), migrate(&pools[2]));
    one.and(two).and(three).unwrap();
    migrate(&pools[0]).await.unwrap();
    let (log, _runner) = EventLog::open(pools[0].clone(), Options::default()).await.unwrap();
    assert_eq!(log.log_tag().len(), 6);
    let (again, _runner) = EventLog::open(pools[1].clone(), Options::default()).await.unwrap();
    assert_eq!(log.log_tag(), again.log_tag());
}

#[tokio::test]
async fn database_of_another_schema_is_not_opened() {
    let database = TestDatabase::create().await;
    let pool = database.pool().await;
    let opened = EventLog::open(pool.clone(), Options::default()).await;
    assert!(matches!(opened, Err(OpenError::NotMigrated { found: 0, .. })), "{opened:?}");
    migrate(&pool).await.unwrap();
    let newer = "INSERT INTO _sqlx_migrations VALUES (9999, 'of tomorrow', now(), true, '', 0)";
    sqlx::query(newer).execute(&pool).await.unwrap();
    let opened = EventLog::open(pool.clone(), Options::default()).await;
    assert!(matches!(opened, Err(OpenError::NewerSchema { found: 9999, .. })), "{opened:?}");
    let migrated = migrate(&pool).await;
    assert!(matches!(migrated, Err(MigrateError::NewerSchema { found: 9999, .. })), "{migrated:?}");
}
