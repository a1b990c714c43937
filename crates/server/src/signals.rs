//! The signals that end the service: the first in order, the second at once.

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Signals so soon after the first are the same wish.
const SAME_WISH: Duration = Duration::from_secs(1);

/// Waits for SIGTERM and SIGINT; asked once, it cancels `shutdown`, asked again, it ends the process.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Watches from now on, so that a signal during the start is not lost.
    pub(crate) fn watch() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Runs until the process ends.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        self.next().await;
        tracing::info!("told to end; a second signal ends at once");
        shutdown.cancel();
        // One wish may come twice: a terminal and `timeout` tell the whole process group, and make hands it on.
        let once_told = tokio::time::Instant::now() + SAME_WISH;
        loop {
            self.next().await;
            if tokio::time::Instant::now() >= once_told {
                break;
            }
        }
        tracing::warn!("told to end again: ends at once");
        // The kernel tells the private PostgreSQL; the log has every fact that was answered, and libtorrent's files are whole.
        std::process::exit(1);
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
