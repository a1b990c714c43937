//! `GET /v1/torrents/{id}/files`

use revaer_application::LiveError;
use revaer_domain::values::TorrentId;
use revaer_event_log::Position;
use revaer_projections::FileRow;
use revaer_wire::{FileEntry, FileList};

use super::resolve::resolve_live;
use crate::context::Context;
use crate::payload::JsonOf;
use crate::problem::Refusal;

pub(super) async fn files(
    context: &Context,
    id: &str,
    min_position: Option<Position>,
) -> Result<JsonOf<FileList>, Refusal> {
    context.reflect(min_position).await?;
    let id = resolve_live(context, id).await?;
    let rows = context.projections.files(id).await?;
    let done = if rows.is_empty() { Vec::new() } else { verified_bytes(context, id, &rows).await? };
    let items = rows.into_iter().enumerate().map(|(place, row)| FileEntry {
        progress: progress(done.get(place).copied().unwrap_or(0), row.size_bytes),
        index: row.index,
        path: row.path,
        size_bytes: row.size_bytes,
        priority: row.priority,
    });
    Ok(JsonOf::new(&FileList { items: items.collect() }))
}

/// Verified bytes of each file. A torrent that the session does not have is as the log last had it: all of the wanted files,
/// or nothing that could be told by file.
async fn verified_bytes(context: &Context, id: TorrentId, rows: &[FileRow]) -> Result<Vec<u64>, Refusal> {
    match context.application.live().file_progress(id).await {
        Ok(bytes) => Ok(bytes),
        Err(LiveError::NotInSession) => {
            let known = context.application.torrent(id).await?;
            let complete = known.is_some_and(|(torrent, ..)| torrent.is_complete());
            let bytes = rows.iter().map(|row| if complete && row.priority > 0 { row.size_bytes } else { 0 });
            Ok(bytes.collect())
        }
        Err(error @ LiveError::Unavailable(_)) => Err(error.into()),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a fraction to show: 53 bits are plenty")]
fn progress(done: u64, size: u64) -> f64 {
    if done >= size { 1.0 } else { done as f64 / size as f64 }
}
