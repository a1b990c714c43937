//! The queries. A cheap clone; it reads the live generation whoever writes it.

use std::sync::Arc;
use std::time::Duration;

use revaer_domain::values::{InfoHash, TorrentId};
use revaer_event_log::Position;
use sqlx::{AssertSqlSafe, PgPool};
use tokio::sync::watch;

use crate::index::ListIndex;
use crate::{
    AuditPage, AuditQuery, FileRow, Metrics, PROJECTIONS, Page, ProjectorHealth, QueryError, TorrentQuery,
    TorrentRow, audit, files, list,
};

/// The read models.
#[derive(Clone)]
pub struct Projections {
    pub(crate) pool: PgPool,
    /// How far each projection has come, as this process knows; in the order of [`PROJECTIONS`].
    pub(crate) reached: Arc<[watch::Receiver<Position>]>,
    pub(crate) health: watch::Receiver<ProjectorHealth>,
    pub(crate) index: ListIndex,
    pub(crate) metrics: Metrics,
}

impl Projections {
    /// A page of a list.
    pub async fn torrents(&self, query: &TorrentQuery) -> Result<Page, QueryError> {
        // Before the rows: they may be younger than the position, never older, so nothing is missed from there.
        let position = self.position();
        let (items, next_cursor) = list::page(&self.pool, &self.index, query).await?;
        Ok(Page { items, next_cursor, position })
    }

    /// A torrent that was not removed.
    pub async fn torrent(&self, id: TorrentId) -> Result<Option<TorrentRow>, QueryError> {
        let statement = format!("{}WHERE torrent.id = $1", list::SELECT);
        let query = sqlx::query_as(AssertSqlSafe(statement)).bind(id.to_string());
        Ok(query.fetch_optional(&self.pool).await?)
    }

    /// The files of a torrent, in its own order; none until they are known.
    pub async fn files(&self, id: TorrentId) -> Result<Vec<FileRow>, QueryError> {
        Ok(files::of(&self.pool, id).await?)
    }

    /// The torrent that has an info hash and was not removed.
    pub async fn resolve(&self, hash: &InfoHash) -> Result<Option<TorrentId>, QueryError> {
        let (column, bytes) = match hash {
            InfoHash::V1(bytes) => ("info_hash_v1", bytes.as_slice()),
            InfoHash::V2(bytes) => ("info_hash_v2", bytes.as_slice()),
        };
        let statement =
            format!("SELECT id FROM torrents.torrent WHERE {column} = $1 ORDER BY id DESC LIMIT 1");
        let id: Option<String> =
            sqlx::query_scalar(AssertSqlSafe(statement)).bind(bytes).fetch_optional(&self.pool).await?;
        Ok(id.and_then(|id| id.parse().ok()))
    }

    /// A page of the audit, newest first.
    pub async fn audit(&self, query: &AuditQuery) -> Result<AuditPage, QueryError> {
        audit::page(&self.pool, query).await
    }

    /// How far each projection has come, by its name.
    pub fn positions(&self) -> impl Iterator<Item = (&'static str, Position)> {
        PROJECTIONS.into_iter().zip(self.reached.iter().map(|reached| *reached.borrow()))
    }

    /// How far every projection has come.
    pub fn position(&self) -> Position {
        self.positions().map(|(_, position)| position).min().unwrap_or_default()
    }

    /// Waits until every projection has come to a position; `false` when they have not in time.
    pub async fn wait_for(&self, position: Position, at_most: Duration) -> bool {
        let all = async {
            for reached in self.reached.iter() {
                if reached.clone().wait_for(|reached| *reached >= position).await.is_err() {
                    return false;
                }
            }
            true
        };
        tokio::time::timeout(at_most, all).await.unwrap_or(false)
    }

    /// Whether lists are found in memory; they are read from the rows alone until it is loaded.
    pub fn lists_in_memory(&self) -> watch::Receiver<bool> {
        self.index.loaded()
    }

    /// What they count of themselves.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// How the projections are; changes can be awaited.
    pub fn health(&self) -> watch::Receiver<ProjectorHealth> {
        self.health.clone()
    }
}
