//! Reads the log's end into the ring: one LISTEN connection and one reader for the whole process.
//!
//! A notification is a hint and nothing more. The process's own commits wake the tailer without one, and a timer finds what
//! a lost one would have told.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::link::{self, Link};
use crate::read::{self, Page};
use crate::ring::Ring;
use crate::{Metrics, Options, Position};

/// The channel that `append` and `append_samples` notify.
const CHANNEL: &str = "revaer_log";
/// The first and the longest wait for a database that is away.
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(1);

pub(crate) struct Tailer {
    pub(crate) link: Link,
    pub(crate) listen_at: PgConnectOptions,
    pub(crate) options: Options,
    pub(crate) ring: Arc<Ring>,
    /// The newest position that this process has committed.
    pub(crate) committed: watch::Receiver<Position>,
    pub(crate) metrics: Metrics,
}

impl Tailer {
    /// Runs until shutdown.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        shutdown.clone().run_until_cancelled_owned(self.follow()).await;
    }

    async fn follow(&mut self) {
        let mut listener = None;
        let mut pause = PAUSE_MIN;
        loop {
            if listener.is_none() {
                listener = self.listen().await;
            }
            // After LISTEN: what commits from here on either is read or notifies.
            if let Err(error) = self.read_to_the_end().await {
                self.metrics.tail_failures.inc();
                tracing::warn!(%error, position = %self.ring.tail(), "the end of the log cannot be read");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSE_MAX);
                continue;
            }
            pause = PAUSE_MIN;
            self.wait_for_news(&mut listener).await;
        }
    }

    /// Waits until something may have come that was not read yet. What this process committed comes as a notification too,
    /// when it was read long since.
    async fn wait_for_news(&mut self, listener: &mut Option<PgListener>) {
        let tail = self.ring.tail();
        let timer = Instant::now() + self.options.follow_timer;
        loop {
            tokio::select! {
                heard = notification(listener) => match heard {
                    Heard::Of(position) if position <= tail => {}
                    Heard::Of(_) => return,
                    Heard::NoMore => {
                        *listener = None;
                        return;
                    }
                },
                () = newer(&mut self.committed, tail) => return,
                () = tokio::time::sleep_until(timer) => return,
            }
        }
    }

    /// A listener on a connection of its own: it stays for as long as the process does.
    async fn listen(&self) -> Option<PgListener> {
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .max_lifetime(None)
            .idle_timeout(None)
            .acquire_timeout(self.options.connect_timeout)
            .connect_lazy_with(self.listen_at.clone().application_name("revaer log listener"));
        let listen = async {
            let mut listener = PgListener::connect_with(&pool).await?;
            // Connecting again is done here, followed by a read.
            listener.eager_reconnect(false);
            listener.ignore_pool_close_event(true);
            listener.listen(CHANNEL).await?;
            Ok::<_, sqlx::Error>(listener)
        };
        match tokio::time::timeout(self.options.connect_timeout, listen).await {
            Ok(Ok(listener)) => Some(listener),
            Ok(Err(error)) => {
                tracing::debug!(%error, "cannot listen; the timer serves meanwhile");
                None
            }
            Err(_) => None,
        }
    }

    async fn read_to_the_end(&mut self) -> Result<(), sqlx::Error> {
        loop {
            let page = self.read_page().await.inspect_err(|_| self.link.discard())?;
            self.metrics.tail_entries.inc_by(page.entries.len() as u64);
            self.ring.push(page.entries);
            if page.reached_the_end {
                return Ok(());
            }
        }
    }

    async fn read_page(&mut self) -> Result<Page, sqlx::Error> {
        let patience = self.link.patience();
        let connection = self.link.ready().await?;
        let read =
            read::page(connection, self.ring.tail(), self.options.page_max, self.options.page_bytes_max);
        tokio::time::timeout(patience, read).await.unwrap_or_else(|_| Err(link::timed_out()))
    }
}

/// What the listener heard.
enum Heard {
    /// A position was committed, and every one below it.
    Of(Position),
    /// The connection is lost.
    NoMore,
}

/// Waits for a notification. Without a listener it waits for ever.
async fn notification(listener: &mut Option<PgListener>) -> Heard {
    let Some(listener) = listener else { return std::future::pending().await };
    let Ok(Some(first)) = listener.try_recv().await else { return Heard::NoMore };
    // One read serves all that has come so far; this also keeps their number from growing. What is no position came from
    // somebody else's hand, and is news to be on the safe side.
    let position = |payload: &str| payload.parse().unwrap_or(Position(i64::MAX));
    let mut newest = position(first.payload());
    while let Some(next) = listener.next_buffered() {
        newest = newest.max(position(next.payload()));
    }
    Heard::Of(newest)
}

/// Waits until this process has committed something newer. Told once: what a crash took back is not looked for again and again.
async fn newer(committed: &mut watch::Receiver<Position>, tail: Position) {
    while committed.changed().await.is_ok() {
        if *committed.borrow_and_update() > tail {
            return;
        }
    }
    // Nobody is left who could commit.
    std::future::pending::<()>().await;
}
