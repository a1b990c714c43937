//! The database itself refuses to change a fact, whoever asks.

use revaer_event_log::{Options, Position};
use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection, PgConnection};

use crate::support::{Running, TestLog, append, commanded, count};

const CHANGES: [&str; 7] = [
    "UPDATE events SET kind = 'other'",
    "UPDATE events SET kind = 'other' WHERE false",
    "DELETE FROM events",
    "TRUNCATE events",
    "INSERT INTO events SELECT position + 100, stream_id, version + 100, recorded_at, NULL, 1, kind, data, meta FROM events",
    "UPDATE samples SET node = 'other'",
    "INSERT INTO samples SELECT position + 100, at, node, data FROM samples",
];

#[tokio::test]
async fn owner_and_superuser_cannot_change_facts() {
    let test = TestLog::start().await;
    test.log.append(append("s", 0, 2)).await.unwrap();
    test.log.append_samples("node", vec![1]).await.unwrap();
    let owner: bool = sqlx::query_scalar(
        "SELECT pg_has_role(tableowner, 'USAGE') FROM pg_tables WHERE tablename = 'events'",
    )
    .fetch_one(&test.pool)
    .await
    .unwrap();
    assert!(owner, "the strongest of roles is asked");
    for change in CHANGES {
        let error = sqlx::query(change).execute(&test.pool).await.expect_err(change);
        let code = error.as_database_error().and_then(|error| error.code().map(std::borrow::Cow::into_owned));
        assert_eq!(code.as_deref(), Some("42501"), "{change}: {error}");
    }
    // Nor when triggers are off for the session, as replication tools have them.
    let mut connection = PgConnection::connect_with(&test.database.connect_options()).await.unwrap();
    sqlx::query("SET session_replication_role = replica").execute(&mut connection).await.unwrap();
    for change in &CHANGES[..5] {
        sqlx::query(*change).execute(&mut connection).await.expect_err(change);
    }
    assert_eq!((count(&test.pool, "events").await, count(&test.pool, "samples").await), (2, 1));
}

#[tokio::test]
async fn insert_is_refused_right_after_an_append_in_the_same_transaction() {
    let test = TestLog::start().await;
    let mut transaction = test.pool.begin().await.unwrap();
    sqlx::query(crate::oracle::RAW_APPEND).bind("s").execute(&mut *transaction).await.unwrap();
    sqlx::query(CHANGES[4]).execute(&mut *transaction).await.expect_err("the append function has returned");
}

#[tokio::test]
async fn append_refuses_a_snapshot_older_than_its_lock() {
    let test = TestLog::start().await;
    let mut connection = test.pool.acquire().await.unwrap();
    sqlx::query("BEGIN ISOLATION LEVEL REPEATABLE READ").execute(&mut *connection).await.unwrap();
    sqlx::query(crate::oracle::RAW_APPEND).bind("s").execute(&mut *connection).await.expect_err("refused");
}

#[tokio::test]
async fn service_role_appends_and_reads_and_has_no_right_to_more() {
    let test = TestLog::start().await;
    let pool = PgPoolOptions::new()
        .max_connections(2)
        .after_connect(|connection, _| {
            Box::pin(async move {
                sqlx::query("SET ROLE revaer_service").execute(&mut *connection).await.map(drop)
            })
        })
        .connect_with(test.database.connect_options())
        .await
        .unwrap();
    // The writer's own connection has the rights of the pool's options; the functions are tried as the role itself.
    sqlx::query(crate::oracle::RAW_APPEND).bind("s").execute(&pool).await.unwrap();
    let service = Running::start(pool.clone(), Options::default()).await;
    service.log.append_samples("node", vec![1]).await.unwrap();
    service.log.append(commanded("t", 0, 1, 1)).await.unwrap();
    assert_eq!(service.log.read_all(Position::ZERO, 10).await.unwrap().len(), 3);
    assert_eq!(service.log.head().await.unwrap(), Position(3));
    let forbidden = [
        "INSERT INTO events SELECT * FROM events",
        "UPDATE log_meta SET reserved = 0",
        "INSERT INTO claims VALUES ('aa', 's')",
        "INSERT INTO log_head DEFAULT VALUES",
        "SELECT setval('log_positions', 1)",
        "SELECT take_positions(1)",
        "DROP TABLE samples",
    ];
    for statement in CHANGES.iter().chain(&forbidden) {
        let error = sqlx::query(*statement).execute(&pool).await.expect_err(statement);
        assert!(
            error.to_string().contains("permission denied") || error.to_string().contains("owner"),
            "{error}"
        );
    }
}
