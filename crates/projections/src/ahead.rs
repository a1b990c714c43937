//! Facts that are read and understood by a task of their own, while whoever folds them is busy with those before.
//!
//! For what goes through the whole log: a rebuild, a recount. It ends at a position that is given, and its queue is short, so it
//! holds a few pages and no more.

use revaer_event_log::{EventLog, Position, ReadError};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::batch::{Batch, Breadth};

/// Facts of one page.
pub(crate) const PAGE: u32 = 1000;
/// Pages that wait. They are bounded by bytes too, to 8 MiB each, and are mostly a tenth of that.
const PAGES_MAX: usize = 4;
/// Rows that are held before they are written: some 1.5 KB each. A torrent whose facts lie far apart is then written once, and
/// one that comes again after so many others is read again.
pub(crate) const PENDING_MAX: usize = 131_072;

/// A reader that goes ahead. Dropping it ends the reading.
pub(crate) struct ReadAhead {
    batches: mpsc::Receiver<Result<Batch, ReadError>>,
    _reading: JoinSet<()>,
}

impl ReadAhead {
    /// Reads above a position and up to another.
    pub(crate) fn start(log: EventLog, after: Position, until: Position, breadth: Breadth) -> Self {
        let (sender, batches) = mpsc::channel(PAGES_MAX);
        let mut reading = JoinSet::new();
        reading.spawn(read(log, (after, until), breadth, sender));
        Self { batches, _reading: reading }
    }

    /// The next batch; nothing after the last one. A batch that ends before a fact that is not understood is the last.
    pub(crate) async fn next(&mut self) -> Option<Result<Batch, ReadError>> {
        self.batches.recv().await
    }
}

async fn read(
    log: EventLog,
    (mut after, until): (Position, Position),
    breadth: Breadth,
    sender: mpsc::Sender<Result<Batch, ReadError>>,
) {
    while after < until {
        let mut facts = match log.read_facts(after, PAGE).await {
            Ok(facts) => facts,
            Err(error) => {
                // Whoever waits for it is the one to judge; one that waits no more has no use for it.
                let _ = sender.send(Err(error)).await;
                return;
            }
        };
        // A page is bounded in bytes too, so a short one is not the last. An empty one is: only samples are left.
        facts.truncate(facts.partition_point(|fact| fact.position <= until));
        if facts.is_empty() {
            return;
        }
        let batch = Batch::of_facts(after, &facts, breadth);
        after = batch.through;
        let ends = batch.poison.is_some();
        if sender.send(Ok(batch)).await.is_err() || ends {
            return;
        }
    }
}
