//! Keeps what is not kept for ever: the partitions of samples, made hours ahead and dropped after the retention, and the
//! commands that are remembered for their repeats.

use std::time::Duration;

use sqlx::PgPool;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{Metrics, Retention, statements};

/// The hours beyond this one that have their partition: the database may be busy, or its owner asleep, for that long.
const HOURS_AHEAD: i32 = 2;
/// How often the keeper looks.
const INTERVAL: Duration = Duration::from_mins(10);
/// How soon it comes again when a lock wasn't to be had at once.
const RETRY: Duration = Duration::from_secs(2);
/// Commands forgotten by one statement, so that none of them lasts.
const COMMANDS_PER_STATEMENT: i64 = 1000;

/// Runs until shutdown.
pub(crate) async fn run(
    pool: PgPool,
    retention: watch::Receiver<Retention>,
    metrics: Metrics,
    shutdown: CancellationToken,
) {
    shutdown.run_until_cancelled(keep(&pool, retention, &metrics)).await;
}

async fn keep(pool: &PgPool, mut retention: watch::Receiver<Retention>, metrics: &Metrics) {
    loop {
        let now = *retention.borrow_and_update();
        let pause = match round(pool, now, metrics).await {
            Ok(()) => INTERVAL,
            Err(error) => {
                tracing::debug!(%error, "the log's housekeeping could not be done; trying again");
                RETRY
            }
        };
        // A shorter retention holds at once. Nobody changes it any more once the log is gone, and then only the time counts.
        let _ = tokio::time::timeout(pause, async {
            if retention.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        })
        .await;
    }
}

/// Everything that is due.
pub(crate) async fn round(pool: &PgPool, retention: Retention, metrics: &Metrics) -> Result<(), sqlx::Error> {
    for hour in 0..=HOURS_AHEAD {
        make_partition(pool, hour).await?;
    }
    let retention_seconds = retention.samples.as_secs_f64();
    while sqlx::query_scalar(statements::DROP_SAMPLE_PARTITION)
        .bind(retention_seconds)
        .fetch_one(pool)
        .await?
    {
        metrics.partitions_dropped.inc();
        tracing::info!("an hour of samples was dropped after its retention");
    }
    let forget = || {
        sqlx::query(statements::FORGET_COMMANDS)
            .bind(retention.commands.as_secs_f64())
            .bind(COMMANDS_PER_STATEMENT)
            .execute(pool)
    };
    loop {
        let forgotten = forget().await?.rows_affected();
        metrics.commands_forgotten.inc_by(forgotten);
        if forgotten == 0 {
            return Ok(());
        }
    }
}

/// Makes the partition of an hour, counted from this one, if it is missing.
pub(crate) async fn make_partition(pool: &PgPool, hour: i32) -> Result<(), sqlx::Error> {
    sqlx::query(statements::MAKE_SAMPLE_PARTITION).bind(hour).execute(pool).await.map(drop)
}
