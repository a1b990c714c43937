//! A torrent and a file as the lists show them.

use revaer_domain::fsops::JobView;
use revaer_domain::selection::SelectionRule;
use revaer_domain::torrent::{Failure, Status};
use revaer_domain::values::{InfoHashes, RateCap, RateLimit, ShareLimits, TorrentId};
use revaer_event_log::{Position, Version};
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use sqlx::{FromRow, Row};
use time::OffsetDateTime;

/// A torrent.
#[derive(Debug, Clone, PartialEq)]
pub struct TorrentRow {
    /// Its id.
    pub id: TorrentId,
    /// Its hashes.
    pub info_hashes: InfoHashes,
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub status: Status,
    /// The verified part of the wanted bytes, 0 to 1.
    pub progress: f64,
    /// All files together, once known.
    pub size_bytes: Option<u64>,
    /// The wanted files together, once known.
    pub wanted_bytes: Option<u64>,
    /// Payload received, ever.
    pub downloaded_bytes: u64,
    /// Payload sent, ever.
    pub uploaded_bytes: u64,
    /// Payload received a second, when last sampled.
    pub download_bytes_per_second: u64,
    /// Payload sent a second, when last sampled.
    pub upload_bytes_per_second: u64,
    /// Connected peers, when last sampled.
    pub peers: u32,
    /// Those of them that have everything.
    pub seeds: u32,
    /// Its labels, in order.
    pub labels: Vec<String>,
    /// The hosts of its trackers.
    pub trackers: Vec<String>,
    /// When it was added.
    pub added_at: OffsetDateTime,
    /// When it was last completed; `None` while something is missing.
    pub completed_at: Option<OffsetDateTime>,
    /// Relative to the download root.
    pub save_path: String,
    /// Why it cannot go on.
    pub error: Option<Failure>,
    /// The rule in force.
    pub selection: SelectionRule,
    /// Its limits.
    pub rate_cap: RateCap,
    /// Its limits of sharing.
    pub share_limits: ShareLimits,
    /// Whether it downloads in order.
    pub sequential: bool,
    /// Its job in the file pipeline, once there was one.
    pub fsops: Option<JobView>,
    /// Its stream's version.
    pub version: Version,
    /// Of its last fact.
    pub position: Position,
}

/// A file of a torrent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRow {
    /// Its place in the torrent's own order.
    pub index: u32,
    /// Path inside the torrent, top folder included.
    pub path: String,
    /// Its size.
    pub size_bytes: u64,
    /// 0 skip, 1 low, 4 normal, 7 high; normal until a selection was applied.
    pub priority: u8,
}

/// A number that the database keeps signed.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(row: &PgRow, column: &str) -> Result<u64, sqlx::Error> {
    row.try_get::<i64, _>(column).map(|number| u64::try_from(number).unwrap_or(0))
}

fn small(row: &PgRow, column: &str) -> Result<u32, sqlx::Error> {
    unsigned(row, column).map(|number| u32::try_from(number).unwrap_or(u32::MAX))
}

fn damaged(column: &str) -> sqlx::Error {
    sqlx::Error::ColumnDecode {
        index: column.to_owned(),
        source: "the read model holds what no projector wrote".into(),
    }
}

fn limit(row: &PgRow, column: &str) -> Result<Option<RateLimit>, sqlx::Error> {
    let limit: Option<i64> = row.try_get(column)?;
    limit
        .map(|limit| u64::try_from(limit).ok().and_then(|limit| RateLimit::try_from(limit).ok()))
        .map(|limit| limit.ok_or_else(|| damaged(column)))
        .transpose()
}

fn hash<const LENGTH: usize>(row: &PgRow, column: &str) -> Result<Option<[u8; LENGTH]>, sqlx::Error> {
    let hash: Option<Vec<u8>> = row.try_get(column)?;
    hash.map(|hash| hash.try_into().map_err(|_| damaged(column))).transpose()
}

fn is_still(status: Status) -> bool {
    matches!(status, Status::Paused | Status::Completed | Status::Failed)
}

impl FromRow<'_, PgRow> for TorrentRow {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let status: &str = row.try_get("status")?;
        let status =
            Status::ALL.into_iter().find(|known| known.name() == status).ok_or_else(|| damaged("status"))?;
        let error: Option<String> = row.try_get("error_code")?;
        let detail: Option<String> = row.try_get("error_detail")?;
        let size_bytes: Option<i64> = row.try_get("size_bytes")?;
        let wanted_bytes: Option<i64> = row.try_get("wanted_bytes")?;
        let selection: Json<SelectionRule> = row.try_get("selection")?;
        // What stands still is sampled no more, and its last sample may have been taken at full speed.
        let rate = |column| if is_still(status) { Ok(0) } else { unsigned(row, column) };
        let count = |column| if is_still(status) { Ok(0) } else { small(row, column) };
        Ok(Self {
            id: row.try_get::<&str, _>("id")?.parse().map_err(|_| damaged("id"))?,
            info_hashes: InfoHashes { v1: hash(row, "info_hash_v1")?, v2: hash(row, "info_hash_v2")? },
            name: row.try_get("name")?,
            status,
            progress: row.try_get("progress")?,
            size_bytes: size_bytes.and_then(|bytes| u64::try_from(bytes).ok()),
            wanted_bytes: wanted_bytes.and_then(|bytes| u64::try_from(bytes).ok()),
            downloaded_bytes: unsigned(row, "downloaded_bytes")?,
            uploaded_bytes: unsigned(row, "uploaded_bytes")?,
            download_bytes_per_second: rate("download_bytes_per_second")?,
            upload_bytes_per_second: rate("upload_bytes_per_second")?,
            peers: count("peers")?,
            seeds: count("seeds")?,
            labels: row.try_get("labels")?,
            trackers: row.try_get("trackers")?,
            added_at: row.try_get("added_at")?,
            completed_at: row.try_get("completed_at")?,
            save_path: row.try_get("save_path")?,
            error: error.map(|code| Failure { code, detail: detail.unwrap_or_default() }),
            selection: selection.0,
            rate_cap: RateCap {
                download_bytes_per_second: limit(row, "download_limit_bytes_per_second")?,
                upload_bytes_per_second: limit(row, "upload_limit_bytes_per_second")?,
            },
            share_limits: row.try_get::<Json<ShareLimits>, _>("share_limits")?.0,
            sequential: row.try_get("sequential")?,
            fsops: row.try_get::<Option<Json<JobView>>, _>("fsops")?.map(|fsops| fsops.0),
            version: small(row, "version")?,
            position: Position(row.try_get("position")?),
        })
    }
}
