//! Following the log from a position: catching up from Postgres, then from the ring.
//!
//! A subscription is a cursor and nothing else, so a slow one costs nothing and holds nobody up: it falls below the ring and
//! pages from Postgres until it is near the head again. It doesn't filter and does not decode.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::followers::Place;
use crate::log::Inner;
use crate::ring::Near;
use crate::{Entry, FactPage, Position, read};

/// The first and the longest wait of a follower that finds the database away.
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// A cursor in the log.
#[derive(Debug)]
pub struct Subscription {
    log: Arc<Inner>,
    tail: watch::Receiver<Position>,
    cursor: Position,
    /// Where others see how far it is, if it has a name.
    place: Option<Place>,
}

impl Subscription {
    pub(crate) fn new(log: Arc<Inner>, after: Position, place: Option<Place>) -> Self {
        let tail = log.ring.watch();
        Self { log, tail, cursor: after, place }
    }

    /// The next page above the cursor: at least one entry, at most `page_max`.
    ///
    /// Waits as long as it takes, also while the database is away and after the log was shut down: race it with what should
    /// end it. It may be cancelled; what was not returned comes with the next call.
    pub async fn next(&mut self) -> Vec<Arc<Entry>> {
        self.tell();
        let mut pause = PAUSE_MIN;
        loop {
            // Marked as seen before looking, so that what is pushed meanwhile ends the wait below.
            self.tail.borrow_and_update();
            let page = match self.log.ring.above(self.cursor, self.log.options.page_max as usize) {
                Near::Here(page) => page,
                Near::Below(floor) => match self.read_page().await {
                    Ok(page) => {
                        if page.is_empty() {
                            // What lay between was dropped: nothing is left up to where the ring begins.
                            self.cursor = floor;
                            self.tell();
                            continue;
                        }
                        page
                    }
                    Err(error) => {
                        tracing::debug!(%error, position = %self.cursor, "a follower waits for the database");
                        tokio::time::sleep(pause).await;
                        pause = (pause * 2).min(PAUSE_MAX);
                        continue;
                    }
                },
            };
            let Some(last) = page.last() else {
                // Cannot fail: the sender lives in the log, which this holds.
                let _ = self.tail.changed().await;
                continue;
            };
            self.cursor = last.position();
            return page;
        }
    }

    /// Facts above the cursor up to and including a position, while [`Subscription::lagging`] and the cursor is below that position;
    /// samples between them are passed over. None means that there are none so far below the head: what comes next comes by
    /// [`Subscription::next`].
    ///
    /// They are read from Postgres as they are, for this follower alone. It waits and may be cancelled as the other.
    pub async fn next_facts(&mut self, until: Position) -> FactPage {
        self.tell();
        let mut pause = PAUSE_MIN;
        loop {
            // Taken before the read: everything up to here was committed by then.
            let floor = self.log.ring.floor().min(until);
            if self.cursor >= floor {
                return FactPage::default();
            }
            match self.read_facts(until).await {
                Ok(page) => {
                    self.cursor = page.last().unwrap_or(floor);
                    return page;
                }
                Err(error) => {
                    tracing::debug!(%error, position = %self.cursor, "a follower waits for the database");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(PAUSE_MAX);
                }
            }
        }
    }

    /// The position up to which everything was returned.
    pub const fn position(&self) -> Position {
        self.cursor
    }

    /// Whether it is too far behind for the ring, and reads from Postgres.
    pub fn lagging(&self) -> bool {
        self.log.ring.is_below(self.cursor)
    }

    fn tell(&self) {
        if let Some(place) = &self.place {
            place.reach(self.cursor);
        }
    }

    /// In a task of its own: a `COPY` that is not read to its end leaves a connection that nobody can use, and whoever takes the
    /// facts apart has a thread to himself.
    async fn read_facts(&self, until: Position) -> Result<FactPage, sqlx::Error> {
        let (log, after) = (Arc::clone(&self.log), self.cursor);
        let reading = tokio::spawn(async move {
            let _permit = log.catch_up.acquire().await.expect("this semaphore is never closed");
            read::fact_page(&log.pool, after, until, &log.options).await
        });
        reading.await.unwrap_or(Err(sqlx::Error::WorkerCrashed))
    }

    async fn read_page(&self) -> Result<Vec<Arc<Entry>>, sqlx::Error> {
        let _permit = self.log.catch_up.acquire().await.expect("this semaphore is never closed");
        let options = &self.log.options;
        let page = read::page(&self.log.pool, self.cursor, options.page_max, options.page_bytes_max).await?;
        self.log.metrics.catch_up_pages.inc();
        Ok(page.entries)
    }
}
