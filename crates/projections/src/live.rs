//! What samples say of each torrent at the moment, outside the generations.

use std::collections::HashMap;

use revaer_domain::values::TorrentId;
use revaer_event_log::Position;
use revaer_event_schema::ProgressSample;
use sqlx::{PgConnection, PgPool};

use crate::generation;
use crate::row::signed;

/// The newest sample of each torrent.
pub(crate) type Newest = HashMap<TorrentId, (Position, ProgressSample)>;

/// Makes the table, if it is missing.
pub(crate) async fn prepare(pool: &PgPool) -> Result<(), sqlx::Error> {
    let mut transaction = pool.begin().await?;
    generation::lock(&mut transaction).await?;
    sqlx::raw_sql(include_str!("../../../projections/live/schema.sql")).execute(&mut *transaction).await?;
    transaction.commit().await
}

/// Writes the newest samples; those of torrents that are not in the list are left out.
pub(crate) async fn write(newest: &Newest, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    // In the order of ids, so that two writers could not wait for each other.
    let mut samples: Vec<_> = newest.values().collect();
    samples.sort_by_key(|(_, sample)| sample.torrent);
    let column = |of: fn(&ProgressSample) -> u64| -> Vec<i64> {
        samples.iter().map(|(_, sample)| signed(of(sample))).collect()
    };
    sqlx::query(include_str!("../../../projections/live/upsert.sql"))
        .bind(samples.iter().map(|(_, sample)| sample.torrent.to_string()).collect::<Vec<_>>())
        .bind(samples.iter().map(|(position, _)| position.0).collect::<Vec<_>>())
        .bind(column(|sample| sample.wanted_done_bytes))
        .bind(column(|sample| sample.downloaded_bytes))
        .bind(column(|sample| sample.uploaded_bytes))
        .bind(column(|sample| sample.download_bytes_per_second))
        .bind(column(|sample| sample.upload_bytes_per_second))
        .bind(column(|sample| u64::from(sample.peers)))
        .bind(column(|sample| u64::from(sample.seeds)))
        .execute(connection)
        .await
        .map(drop)
}

/// Sets the rates of an ended session to zero.
pub(crate) async fn still(before: Position, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query(include_str!("../../../projections/live/still.sql"))
        .bind(before.0)
        .execute(connection)
        .await
        .map(drop)
}

/// Forgets removed torrents.
pub(crate) async fn forget(ids: &[String], connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM public.torrent_live WHERE id = ANY ($1)")
        .bind(ids)
        .execute(connection)
        .await
        .map(drop)
}
