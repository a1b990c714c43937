//! The index of the lists in a process that stands by, kept up with rows that another process writes.
//!
//! The index takes in what rows say, whoever wrote them; all that it has to be told is which torrents to read again. The other
//! process's checkpoint says how far the rows are, and the log says which torrents are meant up to there. What this process then
//! calls reached is in the index, as it is where the rows are written.

use std::collections::BTreeSet;

use revaer_event_log::{EventLog, Position};
use tokio::task::JoinSet;

use crate::Error;
use crate::batch::{Batch, Breadth};
use crate::index::{Attached, ListIndex};

/// Entries that are looked through at once.
const PAGE: u32 = 1000;

/// An index that is kept up from outside, as long as this is there.
pub(crate) struct Standing {
    log: EventLog,
    index: ListIndex,
    /// Whose rows it was loaded from: those of another may say other things of torrents that nothing happens to.
    pub(crate) generation: i64,
    seen: Position,
    _attached: Attached,
    /// Ends with this.
    _loading: JoinSet<()>,
}

impl Standing {
    /// Begins to load. The rows had come to a position before, so what lies above it is told.
    pub(crate) fn begin(log: &EventLog, index: &ListIndex, generation: i64, reached: Position) -> Self {
        let attached = index.attach();
        let mut loading = JoinSet::new();
        loading.spawn(index.clone().load(log.pool().clone()));
        Self {
            log: log.clone(),
            index: index.clone(),
            generation,
            seen: reached,
            _attached: attached,
            _loading: loading,
        }
    }

    /// Takes in what the rows say of every torrent that something happened to, up to where they have come.
    pub(crate) async fn follow(&mut self, reached: Position) -> Result<(), Error> {
        while self.seen < reached {
            let mut entries = self.log.read_all(self.seen, PAGE).await?;
            entries.truncate(entries.partition_point(|entry| entry.position() <= reached));
            let batch = Batch::of_entries(self.seen, &entries, Breadth::Torrents);
            let facts = batch.facts.iter().map(|fact| fact.id);
            let ids: BTreeSet<_> =
                facts.chain(batch.samples.iter().map(|(_, sample)| sample.torrent)).collect();
            self.index.tell(self.log.pool(), ids.into_iter().collect()).await?;
            // Without entries nothing is left up to there. A fact that is not understood halts whoever writes the rows, too.
            let is_through = entries.is_empty() || batch.poison.is_some();
            self.seen = if is_through { reached } else { batch.through };
        }
        Ok(())
    }
}
