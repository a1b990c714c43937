//! Reads the log's end into the ring: one LISTEN connection and one reader for the whole process.
//!
//! A notification is a hint and nothing more: the timer finds what a lost one would have told, and our own writer wakes
//! the tailer without any.

use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::ring::Ring;
use crate::{Options, Position, read};

pub(crate) struct Tailer {
    pub(crate) pool: PgPool,
    pub(crate) options: Options,
    pub(crate) ring: Arc<Ring>,
    pub(crate) committed: watch::Receiver<Position>,
}

impl Tailer {
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        let mut listener = None;
        let mut pause = Duration::from_millis(100);
        loop {
            if listener.is_none() {
                listener = self.listen().await;
            }
            match self.read_to_the_end().await {
                Ok(()) => pause = Duration::from_millis(100),
                Err(error) => {
                    tracing::warn!(%error, "the log's tail cannot be read");
                    tokio::select! {
                        () = tokio::time::sleep(pause) => {}
                        () = shutdown.cancelled() => return,
                    }
                    pause = (pause * 2).min(Duration::from_secs(2));
                    continue;
                }
            }
            tokio::select! {
                notified = notification(&mut listener) => if !notified { listener = None },
                changed = self.committed.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(self.options.follow_timer) => {}
                () = shutdown.cancelled() => return,
            }
        }
    }

    async fn listen(&self) -> Option<PgListener> {
        let listen = async {
            let mut listener = PgListener::connect_with(&self.pool).await?;
            listener.listen("revaer_log").await?;
            Ok::<_, sqlx::Error>(listener)
        };
        listen
            .await
            .inspect_err(|error| tracing::debug!(%error, "cannot listen; the timer serves meanwhile"))
            .ok()
    }

    async fn read_to_the_end(&self) -> Result<(), crate::ReadError> {
        loop {
            let page = read::read_all(&self.pool, self.ring.tail(), self.options.page_max).await?;
            let is_last_page = page.len() < self.options.page_max as usize;
            self.ring.push(page);
            if is_last_page {
                return Ok(());
            }
        }
    }
}

/// Waits for a notification; `false` when the connection is lost. Without a listener it waits for ever.
async fn notification(listener: &mut Option<PgListener>) -> bool {
    match listener {
        Some(listener) => matches!(listener.try_recv().await, Ok(Some(_))),
        None => std::future::pending().await,
    }
}
