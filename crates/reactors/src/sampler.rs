//! Progress of the torrents that moved, packed into one sample row a tick.
//!
//! It sleeps until something moves and appends at most `hertz` times a second. A tick that the log cannot take is lost:
//! a sample is true for a moment, and the next one says more.

use std::time::Duration;

use revaer_engine::EngineHandle;
use revaer_event_log::EventLog;
use revaer_event_schema::{ProgressSample, pack_progress};
use tokio_util::sync::CancellationToken;

use crate::Metrics;

/// Torrents in one row; more make several rows in the same tick.
const TORRENTS_PER_ROW: usize = 10_000;

/// The sampler.
pub struct Sampler {
    engine: EngineHandle,
    log: EventLog,
    node: String,
    hertz: Box<dyn Fn() -> u8 + Send + Sync>,
    metrics: Metrics,
}

impl Sampler {
    /// Samples at most `hertz` times a second, 1 to 10; asked before each pause, so that a change holds from the next tick on.
    pub fn new(
        engine: EngineHandle,
        log: EventLog,
        node: String,
        hertz: impl Fn() -> u8 + Send + Sync + 'static,
        metrics: Metrics,
    ) -> Self {
        Self { engine, log, node, hertz: Box::new(hertz), metrics }
    }

    /// Runs until shutdown.
    pub async fn run(self, shutdown: CancellationToken) {
        loop {
            tokio::select! {
                () = self.engine.progress_changed() => {}
                () = shutdown.cancelled() => return,
            }
            self.sample().await;
            let pause = Duration::from_secs(1) / u32::from((self.hertz)().clamp(1, 10));
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = shutdown.cancelled() => return,
            }
        }
    }

    async fn sample(&self) {
        let samples: Vec<_> = self
            .engine
            .take_progress()
            .into_iter()
            .map(|progress| ProgressSample {
                torrent: progress.id,
                wanted_done_bytes: progress.totals.wanted_done_bytes,
                downloaded_bytes: progress.totals.downloaded_bytes,
                uploaded_bytes: progress.totals.uploaded_bytes,
                download_bytes_per_second: progress.download_bytes_per_second,
                upload_bytes_per_second: progress.upload_bytes_per_second,
                peers: progress.peers,
                seeds: progress.seeds,
            })
            .collect();
        self.metrics.ticks.inc();
        self.metrics.samples.inc_by(samples.len() as u64);
        for row in samples.chunks(TORRENTS_PER_ROW) {
            if let Err(error) = self.log.append_samples(&self.node, pack_progress(row)).await {
                self.metrics.ticks_lost.inc();
                tracing::debug!(%error, "a tick of samples is lost");
                return;
            }
        }
    }
}
