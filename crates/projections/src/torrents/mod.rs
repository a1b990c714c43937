//! The read model `torrents`: one row for each torrent that was added and not removed.

mod facets;
mod fold;
mod write;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::pin::Pin;

use revaer_domain::torrent::TorrentEvent;
use revaer_domain::values::TorrentId;
use revaer_event_log::{EventLog, Position};
use sqlx::PgConnection;

use crate::Error;
use crate::batch::Batch;
use crate::checkpoint::Role;
use crate::index::{Attached, ListIndex};
use crate::live::{self, Newest};
use crate::model::{Pending, ReadModel};
use crate::standing::Standing;
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

/// What batches make of the torrents that they are about.
#[derive(Default)]
pub(crate) struct Changes {
    folded: BTreeMap<TorrentId, Folded>,
    /// Those of them whose name, labels or trackers may differ.
    searched: BTreeSet<TorrentId>,
    /// Of those whose files became known.
    extensions: HashMap<TorrentId, Vec<String>>,
    samples: Newest,
    session_began: Option<Position>,
}

impl Pending for Changes {
    fn rows(&self) -> usize {
        self.folded.len() + self.samples.len() + usize::from(self.session_began.is_some())
    }
}

impl Torrents {
    /// Sees to it that every torrent of a batch is folded up to its first fact in there: by earlier batches that are not written
    /// yet, by what is kept, or else from the log, all of them in few questions.
    async fn recall(&self, changes: &mut Changes, batch: &Batch) -> Result<(), Error> {
        let mut missing = Vec::new();
        let mut seen = HashSet::new();
        for fact in &batch.facts {
            if !seen.insert(fact.id) {
                continue;
            }
            let comes_next = |folded: &&Folded| folded.version + 1 == fact.version;
            if changes.folded.get(&fact.id).as_ref().is_some_and(comes_next) {
                continue;
            }
            if let Some(kept) = self.cache.get(&fact.id).filter(comes_next) {
                changes.folded.insert(fact.id, kept.clone());
            } else if fact.version == 1 {
                changes.folded.insert(fact.id, Folded::default());
            } else {
                missing.push((fact.id, fact.version));
            }
        }
        changes.folded.extend(fold::all_before(&self.log, &missing).await?);
        Ok(())
    }
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

    fn standing_by(
        log: &EventLog,
        index: &ListIndex,
        generation: i64,
        reached: Position,
    ) -> Option<Standing> {
        Some(Standing::begin(log, index, generation, reached))
    }

    fn beside(&self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        match &self.index {
            Some((index, _)) => Box::pin(index.clone().load(self.log.pool().clone())),
            None => Box::pin(std::future::ready(())),
        }
    }

    async fn fold(&self, mut changes: Changes, batch: &Batch) -> Result<Changes, Error> {
        self.recall(&mut changes, batch).await?;
        let mut discovered = Vec::new();
        for fact in &batch.facts {
            let folded = changes.folded.entry(fact.id).or_default();
            if folded.version + 1 != fact.version {
                *folded = fold::before(&self.log, fact.id, fact.version).await?;
            }
            // Whatever brings a torrent into the list, it comes with all that it is searched by.
            let appears = folded.torrent.status().is_none();
            folded.take(fact.version, fact.position, &fact.event);
            let learned = matches!(fact.event, TorrentEvent::FilesDiscovered(_));
            let named = matches!(fact.event, TorrentEvent::Added(_) | TorrentEvent::LabelsChanged(_));
            if learned || (appears && folded.torrent.files.is_some()) {
                discovered.push(fact.id);
            }
            if appears || learned || named {
                changes.searched.insert(fact.id);
            }
        }
        changes.extensions.extend(facets::extensions(self.log.pool(), &discovered).await?);
        // Samples and sessions are of the moment: a rebuild leaves them to whoever follows.
        if self.role == Role::Live {
            changes.session_began = batch.session_began.or(changes.session_began);
            let newest =
                batch.samples.iter().map(|(position, sample)| (sample.torrent, (*position, *sample)));
            changes.samples.extend(newest);
        }
        Ok(changes)
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
        // What is built is folded in one go: little comes again.
        if self.role == Role::Building {
            return;
        }
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
