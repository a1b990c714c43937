//! The read model `torrent_files`: the priorities that the session took over, for each file of each torrent.
//!
//! Paths and sizes are not copied: they lie in the list that was stored before `torrent.files_discovered` and never change.

use std::collections::{BTreeMap, BTreeSet};

use revaer_domain::selection::Priority;
use revaer_domain::torrent::TorrentEvent;
use revaer_domain::values::TorrentId;
use revaer_event_log::{EventLog, Position};
use serde::Deserialize;
use sqlx::types::Json;
use sqlx::{PgConnection, PgPool};

use crate::batch::Batch;
use crate::checkpoint::Role;
use crate::model::{Pending, ReadModel};
use crate::{Error, FileRow};

/// The name of the projection.
pub(crate) const NAME: &str = "torrent_files";
/// Rows of one statement: its arrays are some megabytes then.
const ROWS_AT_ONCE: usize = 5_000;

/// A file as the list of bodies has it.
#[derive(Debug, Deserialize)]
pub(crate) struct ListedFile {
    pub(crate) path: String,
    pub(crate) size_bytes: u64,
}

/// The projection. It needs no memory: each fact carries all priorities.
pub(crate) struct Files;

/// What batches make of the rows: those that go go first.
#[derive(Default)]
pub(crate) struct Changes {
    gone: BTreeSet<TorrentId>,
    put: BTreeMap<TorrentId, Row>,
}

/// Without runs, those that are there stay.
struct Row {
    runs: Option<String>,
    position: Position,
}

impl Pending for Changes {
    fn rows(&self) -> usize {
        self.gone.len() + self.put.len()
    }
}

impl ReadModel for Files {
    const NAME: &'static str = NAME;
    const VERSION: i32 = 1;
    const SCHEMA: &'static str = include_str!("../../../projections/torrent_files/schema.sql");
    const INDEXES: &'static str = "";
    const TABLES: &'static [(&'static str, &'static str)] = &[("file_priorities", "torrent_id")];
    type Changes = Changes;

    fn new(_log: EventLog, _role: Role) -> Self {
        Self
    }

    async fn fold(&self, mut changes: Changes, batch: &Batch) -> Result<Changes, Error> {
        for fact in &batch.facts {
            let runs = match &fact.event {
                TorrentEvent::FilesDiscovered(_) => None,
                TorrentEvent::SelectionApplied(applied) => {
                    Some(serde_json::to_string(&applied.priorities).expect("numbers always serialise"))
                }
                TorrentEvent::Removed(_) => {
                    changes.put.remove(&fact.id);
                    changes.gone.insert(fact.id);
                    continue;
                }
                _ => continue,
            };
            let earlier = changes.put.remove(&fact.id).and_then(|row| row.runs);
            changes.put.insert(fact.id, Row { runs: runs.or(earlier), position: fact.position });
        }
        Ok(changes)
    }

    async fn write(&self, changes: &Changes, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        if !changes.gone.is_empty() {
            sqlx::query("DELETE FROM file_priorities WHERE torrent_id = ANY ($1)")
                .bind(changes.gone.iter().map(TorrentId::to_string).collect::<Vec<_>>())
                .execute(&mut *connection)
                .await?;
        }
        let put: Vec<_> = changes.put.iter().collect();
        for some in put.chunks(ROWS_AT_ONCE) {
            sqlx::query(include_str!("../../../projections/torrent_files/upsert.sql"))
                .bind(some.iter().map(|(id, _)| id.to_string()).collect::<Vec<_>>())
                .bind(some.iter().map(|(_, row)| row.runs.as_deref()).collect::<Vec<_>>())
                .bind(some.iter().map(|(_, row)| row.position.0).collect::<Vec<_>>())
                .execute(&mut *connection)
                .await?;
        }
        Ok(())
    }

    fn keep(&mut self, _changes: Changes) {}
}

/// The files of a torrent, in its own order; none until they are known.
pub(crate) async fn of(pool: &PgPool, id: TorrentId) -> Result<Vec<FileRow>, sqlx::Error> {
    type Found = (Json<Vec<ListedFile>>, Option<Json<Vec<(u32, u8)>>>);
    let found: Option<Found> = sqlx::query_as(include_str!("../../../projections/torrent_files/select.sql"))
        .bind(id.to_string())
        .fetch_optional(pool)
        .await?;
    let Some((Json(files), runs)) = found else { return Ok(Vec::new()) };
    let priorities = runs
        .into_iter()
        .flat_map(|runs| runs.0)
        .flat_map(|(count, priority)| std::iter::repeat_n(priority, count as usize))
        .chain(std::iter::repeat(u8::from(Priority::Normal)));
    let rows = (0_u32..).zip(files).zip(priorities).map(|((index, file), priority)| FileRow {
        index,
        path: file.path,
        size_bytes: file.size_bytes,
        priority,
    });
    Ok(rows.collect())
}
