//! Folded torrents as rows, a batch in two statements.

use revaer_domain::fsops::JobView;
use revaer_domain::torrent::{Status, Torrent};
use revaer_domain::values::{InfoHashes, Label, RateLimit, TorrentId};
use sqlx::PgConnection;
use time::OffsetDateTime;

use super::{Changes, Folded, facets};
use crate::row::signed;

/// Characters of a name that it is sorted by: at four bytes each they fit into an entry of an index.
pub(crate) const NAME_KEY_CHARS: usize = 512;

/// Rows of one statement: its arrays are some megabytes then.
const AT_ONCE: usize = 5_000;

/// Text without NUL, which PostgreSQL does not take and torrents do contain.
pub(crate) fn text(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// What a name is sorted by.
fn name_key(name: &str) -> String {
    text(name).to_lowercase().chars().take(NAME_KEY_CHARS).collect()
}

/// Writes the rows of the torrents that are not gone.
pub(crate) async fn rows(changes: &Changes, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let here: Vec<(String, &Folded, Status)> = changes
        .folded
        .iter()
        .filter_map(|(id, folded)| Some((id.to_string(), folded, folded.torrent.status()?)))
        .collect();
    for some in here.chunks(AT_ONCE) {
        upsert(some, connection).await?;
    }
    Ok(())
}

async fn upsert(
    here: &[(String, &Folded, Status)],
    connection: &mut PgConnection,
) -> Result<(), sqlx::Error> {
    macro_rules! column {
        (|$torrent:ident| $value:expr) => {
            here.iter()
                .map(|(_, folded, _)| {
                    let $torrent = &folded.torrent;
                    $value
                })
                .collect::<Vec<_>>()
        };
    }
    sqlx::query(include_str!("../../../../projections/torrents/upsert.sql"))
        .bind(here.iter().map(|(id, ..)| id.as_str()).collect::<Vec<_>>())
        .bind(column!(|torrent| v1(&torrent.info_hashes)))
        .bind(column!(|torrent| v2(&torrent.info_hashes)))
        .bind(column!(|torrent| text(&torrent.name)))
        .bind(column!(|torrent| name_key(&torrent.name)))
        .bind(here.iter().map(|(.., status)| status.name()).collect::<Vec<_>>())
        .bind(column!(|torrent| torrent.files.as_ref().map(|files| signed(files.size_bytes))))
        .bind(column!(|torrent| torrent.wanted_bytes().map(signed)))
        .bind(column!(|torrent| signed(torrent.totals.wanted_done_bytes)))
        .bind(column!(|torrent| signed(torrent.totals.downloaded_bytes)))
        .bind(column!(|torrent| signed(torrent.totals.uploaded_bytes)))
        .bind(here.iter().map(|(_, folded, _)| folded.totals_position.0).collect::<Vec<_>>())
        .bind(column!(|torrent| torrent.added_at.unwrap_or(OffsetDateTime::UNIX_EPOCH)))
        .bind(column!(|torrent| torrent.completed_at))
        .bind(column!(|torrent| torrent.save_path.as_str().to_owned()))
        .bind(column!(|torrent| torrent.failure.as_ref().map(|failure| text(&failure.code))))
        .bind(column!(|torrent| torrent.failure.as_ref().map(|failure| text(&failure.detail))))
        .bind(column!(|torrent| selection(torrent)))
        .bind(column!(|torrent| limit(torrent.rate_cap.download_bytes_per_second)))
        .bind(column!(|torrent| limit(torrent.rate_cap.upload_bytes_per_second)))
        .bind(column!(|torrent| torrent.sequential))
        .bind(here.iter().map(|(_, folded, _)| i64::from(folded.version)).collect::<Vec<_>>())
        .bind(here.iter().map(|(_, folded, _)| folded.position.0).collect::<Vec<_>>())
        .bind(column!(|torrent| share_limits(torrent)))
        .bind(column!(|torrent| fsops(torrent)))
        .bind(column!(|torrent| torrent.fsops.as_ref().is_some_and(|job| job.is_pending())))
        .execute(connection)
        .await
        .map(drop)
}

/// Writes what they are searched by, where it changed.
pub(crate) async fn search(changes: &Changes, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let here: Vec<_> = changes
        .searched
        .iter()
        .filter_map(|id| Some((id, &changes.folded.get(id)?.torrent)))
        .filter(|(_, torrent)| torrent.status().is_some())
        .collect();
    for some in here.chunks(AT_ONCE) {
        upsert_search(changes, some, connection).await?;
    }
    Ok(())
}

async fn upsert_search(
    changes: &Changes,
    here: &[(&TorrentId, &Torrent)],
    connection: &mut PgConnection,
) -> Result<(), sqlx::Error> {
    let labels = |torrent: &Torrent| list(&torrent.labels.iter().map(Label::as_str).collect::<Vec<_>>());
    let trackers = |torrent: &Torrent| {
        let hosts = facets::hosts(&torrent.trackers);
        list(&hosts.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let extensions = |id: &TorrentId| {
        let known: Option<&Vec<String>> = changes.extensions.get(id);
        known.map(|extensions| list(&extensions.iter().map(String::as_str).collect::<Vec<_>>()))
    };
    sqlx::query(include_str!("../../../../projections/torrents/upsert_search.sql"))
        .bind(here.iter().map(|(id, _)| id.to_string()).collect::<Vec<_>>())
        .bind(here.iter().map(|(_, torrent)| text(&torrent.name).to_lowercase()).collect::<Vec<_>>())
        .bind(here.iter().map(|(_, torrent)| labels(torrent)).collect::<Vec<_>>())
        .bind(here.iter().map(|(_, torrent)| trackers(torrent)).collect::<Vec<_>>())
        .bind(here.iter().map(|(id, _)| extensions(id)).collect::<Vec<_>>())
        .execute(connection)
        .await
        .map(drop)
}

fn list(texts: &[&str]) -> String {
    serde_json::to_string(texts).expect("texts always serialise")
}

fn selection(torrent: &Torrent) -> String {
    serde_json::to_string(&torrent.selection).expect("a rule is plain data")
}

fn share_limits(torrent: &Torrent) -> String {
    serde_json::to_string(&torrent.share_limits).expect("limits are plain data")
}

fn fsops(torrent: &Torrent) -> Option<String> {
    let view = torrent.fsops.as_deref().map(JobView::from);
    view.map(|view| serde_json::to_string(&view).expect("a view is plain data"))
}

fn limit(limit: Option<RateLimit>) -> Option<i64> {
    limit.map(|limit| i64::from(limit.bytes_per_second()))
}

fn v1(hashes: &InfoHashes) -> Option<Vec<u8>> {
    hashes.v1.map(|hash| hash.to_vec())
}

fn v2(hashes: &InfoHashes) -> Option<Vec<u8>> {
    hashes.v2.map(|hash| hash.to_vec())
}
