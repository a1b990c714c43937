//! The read model `torrents`: one row for each torrent that was added and not removed.

mod facets;
mod fold;
mod write;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::pin::Pin;

use revaer_domain::torrent::TorrentEvent;
use revaer_domain::values::TorrentId;
use revaer_event_log::EventLog;
use sqlx::PgConnection;

use crate::Error;
use crate::batch::Batch;
use crate::checkpoint::Role;
use crate::index::{Attached, ListIndex};
use crate::live::{self, Newest};
use crate::model::ReadModel;
use fold::Folded;

pub use facets::hosts as tracker_hosts;
pub(crate) use write::{NAME_KEY_CHARS, text};

/// The name of the projection.
pub(crate) const NAME: &str = "torrents";
/// Folded torrents that are kept: some 2 KB each. A torrent that is not among them costs one read of its stream.
const CACHED_MAX: usize = 16_384;

/// The projection.
pub(crate) struct Torrents {
    log: EventLog,
    role: Role,
    cache: HashMap<TorrentId, Folded>,
    /// Told of every commit, while this follows.
    index: Option<(ListIndex, Attached)>,
}

/// What a batch makes of the torrents that it is about.
#[derive(Default)]
pub(crate) struct Changes {
    folded: BTreeMap<TorrentId, Folded>,
    /// Those of them whose name, labels or trackers may differ.
    searched: BTreeSet<TorrentId>,
    /// Of those whose files became known.
    extensions: HashMap<TorrentId, Vec<String>>,
    samples: Newest,
    session_began: Option<revaer_event_log::Position>,
}

impl ReadModel for Torrents {
    const NAME: &'static str = NAME;
    const VERSION: i32 = 2;
    const SCHEMA: &'static str = include_str!("../../../../projections/torrents/schema.sql");
    const INDEXES: &'static str = include_str!("../../../../projections/torrents/indexes.sql");
    const TABLES: &'static [(&'static str, &'static str)] = &[("torrent", "id"), ("torrent_search", "id")];
    type Changes = Changes;

    fn new(log: EventLog, role: Role) -> Self {
        Self { log, role, cache: HashMap::new(), index: None }
    }

    fn following(log: EventLog, index: &ListIndex) -> Self {
        Self { index: Some((index.clone(), index.attach())), ..Self::new(log, Role::Live) }
    }

    fn beside(&self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        match &self.index {
            Some((index, _)) => Box::pin(index.clone().load(self.log.pool().clone())),
            None => Box::pin(std::future::ready(())),
        }
    }

    async fn fold(&self, batch: &Batch) -> Result<Option<Changes>, Error> {
        let mut changes = Changes::default();
        let mut discovered = Vec::new();
        for fact in &batch.facts {
            let known = changes.folded.remove(&fact.id).or_else(|| self.cache.get(&fact.id).cloned());
            let before = match known {
                Some(folded) if folded.version + 1 == fact.version => folded,
                _ => fold::before(&self.log, fact.id, fact.version).await?,
            };
            // Whatever brings a torrent into the list, it comes with all that it is searched by.
            let appears = before.torrent.status().is_none();
            let folded = before.and(fact.version, fact.position, &fact.event);
            let learned = matches!(fact.event, TorrentEvent::FilesDiscovered(_));
            let named = matches!(fact.event, TorrentEvent::Added(_) | TorrentEvent::LabelsChanged(_));
            if appears || learned || named {
                changes.searched.insert(fact.id);
            }
            if learned || (appears && folded.torrent.files.is_some()) {
                discovered.push(fact.id);
            }
            changes.folded.insert(fact.id, folded);
        }
        changes.extensions = facets::extensions(self.log.pool(), &discovered).await?;
        // Samples and sessions are of the moment: a rebuild leaves them to whoever follows.
        if self.role == Role::Live {
            changes.session_began = batch.session_began;
            let newest =
                batch.samples.iter().map(|(position, sample)| (sample.torrent, (*position, *sample)));
            changes.samples = newest.collect();
        }
        let nothing =
            changes.folded.is_empty() && changes.samples.is_empty() && changes.session_began.is_none();
        Ok((!nothing).then_some(changes))
    }

    async fn write(&self, changes: &Changes, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        let gone: Vec<_> = changes
            .folded
            .iter()
            .filter(|(_, folded)| folded.torrent.status().is_none())
            .map(|(id, _)| id.to_string())
            .collect();
        write::rows(changes, connection).await?;
        write::search(changes, connection).await?;
        if !gone.is_empty() {
            sqlx::query(include_str!("../../../../projections/torrents/delete.sql"))
                .bind(&gone)
                .execute(&mut *connection)
                .await?;
            if self.role == Role::Live {
                live::forget(&gone, connection).await?;
            }
        }
        if !changes.samples.is_empty() {
            live::write(&changes.samples, connection).await?;
        }
        // After the samples: one that was taken before the new session stands still too.
        if let Some(began) = changes.session_began {
            live::still(began, connection).await?;
        }
        Ok(())
    }

    async fn committed(&self, changes: &Changes) -> Result<(), Error> {
        if let Some((index, _)) = &self.index {
            let ids: BTreeSet<_> = changes.folded.keys().chain(changes.samples.keys()).copied().collect();
            index.tell(self.log.pool(), ids.into_iter().collect()).await?;
        }
        Ok(())
    }

    fn keep(&mut self, changes: Changes) {
        if self.cache.len() + changes.folded.len() > CACHED_MAX {
            self.cache.clear();
        }
        for (id, folded) in changes.folded {
            if folded.torrent.status().is_some() {
                self.cache.insert(id, folded);
            } else {
                self.cache.remove(&id);
            }
        }
    }
}
