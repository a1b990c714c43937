//! Following the log from a position: catch up from Postgres, then from the ring.
//!
//! A subscription is a cursor and nothing else, so a slow one costs nothing and holds nobody up: it falls below the ring
//! and pages from Postgres until it is near the head again.

use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use tokio::sync::watch;

use crate::read;
use crate::ring::{Near, Ring};
use crate::types::{Entry, Position};

/// A cursor in the log.
pub struct Subscription {
    pool: PgPool,
    ring: Arc<Ring>,
    tail: watch::Receiver<Position>,
    cursor: Position,
    page_max: u32,
}

impl Subscription {
    pub(crate) fn new(pool: PgPool, ring: Arc<Ring>, after: Position, page_max: u32) -> Self {
        let tail = ring.watch();
        Self { pool, ring, tail, cursor: after, page_max }
    }

    /// The next page above the cursor, at least one entry. Waits as long as it takes, also while the database is away.
    /// Cancel-safe: a page that was not returned is returned by the next call.
    pub async fn next(&mut self) -> Vec<Arc<Entry>> {
        let mut pause = Duration::from_millis(100);
        loop {
            // Marked as seen before looking, so that what is pushed meanwhile wakes the wait below.
            self.tail.borrow_and_update();
            let page = match self.ring.above(self.cursor, self.page_max as usize) {
                Near::Here(page) if page.is_empty() => {
                    if self.tail.changed().await.is_err() {
                        // The log was shut down; nothing will come any more.
                        std::future::pending::<()>().await;
                    }
                    continue;
                }
                Near::Here(page) => page,
                Near::Below(floor) => match read::read_all(&self.pool, self.cursor, self.page_max).await {
                    Ok(page) if page.is_empty() => {
                        // Only samples lay between, and they were dropped.
                        self.cursor = floor;
                        continue;
                    }
                    Ok(page) => page,
                    Err(error) => {
                        tracing::debug!(%error, "a follower waits for the database");
                        tokio::time::sleep(pause).await;
                        pause = (pause * 2).min(Duration::from_secs(2));
                        continue;
                    }
                },
            };
            if let Some(last) = page.last() {
                self.cursor = last.position();
            }
            return page;
        }
    }

    /// The position of the last entry that was returned.
    pub const fn position(&self) -> Position {
        self.cursor
    }

    /// Whether it is too far behind for the ring.
    pub fn lagging(&self) -> bool {
        matches!(self.ring.above(self.cursor, 0), Near::Below(_))
    }
}
