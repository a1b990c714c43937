//! The database itself refuses to change a fact, whoever asks.

mod support;

use rstest::rstest;
use sqlx::AssertSqlSafe;
use support::{append, new_log, stream};

#[rstest]
#[case::update("UPDATE events SET data = '{}'")]
#[case::update_of_nothing("UPDATE events SET data = '{}' WHERE false")]
#[case::delete("DELETE FROM events")]
#[case::truncate("TRUNCATE events")]
#[case::truncate_cascade("TRUNCATE events CASCADE")]
#[case::insert("INSERT INTO events VALUES (999, 'a', 2, now(), NULL, 1::smallint, 'forged', '{}', '{}')")]
#[tokio::test(flavor = "multi_thread")]
async fn fact_cannot_be_changed_even_by_the_owner(#[case] statement: &str) {
    let (_database, running) = new_log().await;
    running.log.append(append("a", 0, 1)).await.unwrap();
    let before = running.log.read_stream(&stream("a"), 0, 10).await.unwrap();
    let refused = sqlx::query(AssertSqlSafe(statement)).execute(running.log.pool()).await.unwrap_err();
    assert!(refused.to_string().contains("is refused"), "{refused}");
    assert_eq!(running.log.read_stream(&stream("a"), 0, 10).await.unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn insert_stays_refused_in_the_transaction_of_an_append() {
    let (_database, running) = new_log().await;
    let mut transaction = running.log.pool().begin().await.unwrap();
    sqlx::query("SELECT append_samples('n', 'x')").execute(&mut *transaction).await.unwrap();
    let forged = "INSERT INTO events VALUES (999, 'a', 1, now(), NULL, 1::smallint, 'forged', '{}', '{}')";
    let refused = sqlx::query(forged).execute(&mut *transaction).await.unwrap_err();
    assert!(refused.to_string().contains("is refused"), "{refused}");
}
