//! Keeps the partitions of the samples: made hours ahead, dropped after the retention.

use std::time::Duration;

use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

/// Partitions that exist ahead of now.
const HOURS_AHEAD: i32 = 3;
/// How often the keeper looks.
const INTERVAL: Duration = Duration::from_mins(10);

/// Makes the partitions of the next hours.
pub(crate) async fn make_partitions(pool: &PgPool) -> Result<(), sqlx::Error> {
    let mut transaction = pool.begin().await?;
    // DDL that waits behind a long reader would make everybody wait behind itself.
    sqlx::query("SET LOCAL lock_timeout = '200ms'").execute(&mut *transaction).await?;
    sqlx::query("SELECT keep_sample_partitions($1)").bind(HOURS_AHEAD).execute(&mut *transaction).await?;
    transaction.commit().await
}

/// Drops the partitions that are older than the retention.
pub(crate) async fn drop_expired(pool: &PgPool, retention: Duration) -> Result<i32, sqlx::Error> {
    let mut transaction = pool.begin().await?;
    sqlx::query("SET LOCAL lock_timeout = '200ms'").execute(&mut *transaction).await?;
    let dropped = sqlx::query_scalar("SELECT drop_samples_before(now() - make_interval(secs => $1))")
        .bind(retention.as_secs_f64())
        .fetch_one(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(dropped)
}

/// Runs until shutdown. What fails is tried again at the next look: partitions are made three hours ahead.
pub(crate) async fn keep(pool: PgPool, retention: Duration, shutdown: CancellationToken) {
    let mut look = tokio::time::interval(INTERVAL);
    loop {
        tokio::select! {
            _ = look.tick() => {}
            () = shutdown.cancelled() => return,
        }
        if let Err(error) = make_partitions(&pool).await {
            tracing::warn!(%error, "sample partitions could not be made; trying again later");
        }
        match drop_expired(&pool, retention).await {
            Ok(0) => {}
            Ok(dropped) => tracing::info!(dropped, "sample partitions beyond the retention were dropped"),
            Err(error) => tracing::warn!(%error, "old samples could not be dropped; trying again later"),
        }
    }
}
