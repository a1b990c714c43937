//! A connection that is lost in the middle of an append: a command happens once, and what has no id isn't tried twice.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod support;

use revaer_event_log::{Append, AppendError, EventLog};
use sqlx::PgPool;
use support::{PATIENCE, append, command, new_log, stream};
use uuid::Uuid;

/// Appends while somebody holds the append lock, cuts the connection that waits for it, and lets go.
async fn append_on_a_connection_that_is_cut(
    log: &EventLog,
    append: Append,
) -> Result<revaer_event_log::Appended, AppendError> {
    let mut holder = log.pool().begin().await.unwrap();
    sqlx::query("SELECT pg_advisory_xact_lock(8245925716347)").execute(&mut *holder).await.unwrap();
    let appending = tokio::spawn({
        let log = log.clone();
        async move { log.append(append).await }
    });
    tokio::time::timeout(PATIENCE, cut_who_waits(log.pool())).await.expect("the append waits for the lock");
    holder.rollback().await.unwrap();
    tokio::time::timeout(PATIENCE, appending).await.expect("the append is answered").unwrap()
}

async fn cut_who_waits(pool: &PgPool) {
    let statement = "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity
                     WHERE datname = current_database() AND wait_event_type = 'Lock' AND wait_event = 'advisory'";
    while sqlx::query_scalar::<_, i64>(statement).fetch_one(pool).await.unwrap() == 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn command_whose_connection_was_cut_happens_once() {
    let (_database, running) = new_log().await;
    running.log.append(append("a", 0, 1)).await.unwrap();
    let id = Uuid::new_v4();
    let appended = append_on_a_connection_that_is_cut(&running.log, command(id, "a", 1, 1)).await.unwrap();
    let facts = running.log.read_stream(&stream("a"), 0, 10).await.unwrap();
    assert_eq!(facts.len(), 2);
    assert_eq!((facts[1].command_id, facts[1].position), (Some(id), appended.position));
}

#[tokio::test(flavor = "multi_thread")]
async fn append_without_an_id_whose_connection_was_cut_is_not_tried_again() {
    let (_database, running) = new_log().await;
    running.log.append(append("a", 0, 1)).await.unwrap();
    let refused = append_on_a_connection_that_is_cut(&running.log, append("a", 1, 1)).await.unwrap_err();
    assert!(matches!(refused, AppendError::Unavailable(_)), "{refused:?}");
    assert_eq!(running.log.read_stream(&stream("a"), 0, 10).await.unwrap().len(), 1);
    // The log goes on with a new connection.
    running.log.append(append("a", 1, 1)).await.unwrap();
}
