//! The counters of every torrent that moved, recorded once a day: `torrent.counters_recorded`.
//!
//! Between two facts of a torrent its counters are known from samples alone, and those are dropped after hours. A torrent that
//! has seeded for a month would be rebuilt to the upload of a month ago. At midnight (UTC) by the application's clock each
//! torrent whose counters differ from what the log has gets one fact; the rules leave the others alone. A day on which the
//! service was down at midnight is made up for by the next.

use std::time::Duration;

use revaer_application::{Application, CommandError};
use revaer_domain::torrent::{TorrentCommand, Totals};
use revaer_domain::values::TorrentId;
use revaer_engine::EngineHandle;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use crate::Causes;
use crate::backoff::Backoff;

/// The recorder of counters.
pub struct CounterRecorder {
    application: Application,
    engine: EngineHandle,
    causes: Causes,
}

impl CounterRecorder {
    /// A recorder of what this session counts in this log.
    pub fn new(application: Application, engine: EngineHandle, causes: Causes) -> Self {
        Self { application, engine, causes }
    }

    /// Runs until shutdown.
    pub async fn run(self, shutdown: CancellationToken) {
        loop {
            let pause = until_midnight(self.application.clock().now());
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = shutdown.cancelled() => return,
            }
            for (id, totals) in self.engine.totals() {
                if !self.record(id, totals, &shutdown).await {
                    return;
                }
            }
        }
    }

    /// One torrent, until the log has taken it; `false` when shutdown came first.
    async fn record(&self, id: TorrentId, totals: Totals, shutdown: &CancellationToken) -> bool {
        let mut backoff = Backoff::new();
        loop {
            let command = TorrentCommand::RecordCounters(totals);
            match self.application.command(id, command, &self.causes.engine(id)).await {
                Ok(_) => return true,
                Err(CommandError::Unavailable) => tracing::warn!("the counters of the day wait for the log"),
                Err(CommandError::VersionConflict) => {}
                Err(error) => {
                    tracing::debug!(%error, torrent = %id, "the counters of the day are no news");
                    return true;
                }
            }
            if !backoff.wait(shutdown).await {
                return false;
            }
        }
    }
}

/// From now to the next midnight. Never nothing: a clock that stands still must not make a loop that spins.
fn until_midnight(now: OffsetDateTime) -> Duration {
    let of_today = now.time().duration_since(time::Time::MIDNIGHT).unsigned_abs();
    Duration::from_hours(24).saturating_sub(of_today).max(Duration::from_millis(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use time::macros::datetime;

    #[rstest]
    #[case::begun(datetime!(2026-02-28 0:00 UTC), Duration::from_hours(24))]
    #[case::nearly_over(datetime!(2026-02-28 23:59:59.5 UTC), Duration::from_millis(500))]
    #[case::noon(datetime!(2026-02-28 12:00 UTC), Duration::from_hours(12))]
    fn pause_ends_at_the_next_midnight(#[case] now: OffsetDateTime, #[case] pause: Duration) {
        assert_eq!(until_midnight(now), pause);
    }
}
