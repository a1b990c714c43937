//! Reading what the log holds at one moment, from a position to the head of that moment.
//!
//! The head is taken once. Since nothing is ever added below a position that was seen, the pages together are one consistent
//! log, however long they take and whoever appends meanwhile. Nothing is kept but the cursor.

use std::sync::Arc;

use crate::{Body, Entry, EventLog, Position, ReadError};

/// What is read of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contents {
    /// What is kept for ever.
    Facts,
    /// And the samples between, as far back as they are kept.
    FactsAndSamples,
}

/// A cursor that ends at the head of the moment at which it was made.
#[derive(Debug)]
pub struct Replay {
    log: EventLog,
    contents: Contents,
    cursor: Position,
    until: Position,
}

impl Replay {
    pub(crate) const fn new(log: EventLog, contents: Contents, after: Position, until: Position) -> Self {
        Self { log, contents, cursor: after, until }
    }

    /// The head of the moment: the last position that can come.
    pub const fn until(&self) -> Position {
        self.until
    }

    /// The next page, bounded in entries and in bytes; an empty one at the end.
    ///
    /// It may be cancelled; what was not returned comes with the next call.
    pub async fn next(&mut self) -> Result<Vec<Arc<Entry>>, ReadError> {
        if self.cursor >= self.until {
            return Ok(Vec::new());
        }
        let page_max = self.log.page_max();
        let mut page = match self.contents {
            Contents::FactsAndSamples => self.log.read_all(self.cursor, page_max).await?,
            Contents::Facts => {
                let facts = self.log.read_facts(self.cursor, page_max).await?;
                facts.into_iter().map(|fact| Arc::new(Entry::new(Body::Fact(fact)))).collect()
            }
        };
        page.truncate(page.partition_point(|entry| entry.position() <= self.until));
        self.cursor = page.last().map_or(self.until, |entry| entry.position());
        Ok(page)
    }
}
