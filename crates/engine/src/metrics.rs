//! What the session's thread counts of itself. libtorrent's own counters are asked for: see
//! [`EngineHandle::counters`](crate::EngineHandle::counters).

use revaer_metrics::{Collectors, Histogram, IntCounter, IntCounterVec, SECONDS};

/// The collectors of one engine, over all of its sessions. A cheap clone of the same ones.
#[derive(Debug, Clone)]
pub struct Metrics {
    pub(crate) alerts: IntCounterVec,
    pub(crate) alerts_dropped: IntCounter,
    pub(crate) statuses: IntCounter,
    pub(crate) pump_seconds: Histogram,
    pub(crate) actions: IntCounterVec,
    pub(crate) faults: IntCounter,
    pub(crate) restarts: IntCounter,
    collectors: Collectors,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut all = Collectors::default();
        Self {
            alerts: all.counters(
                "revaer_engine_alerts_total",
                "Alerts of libtorrent, by kind; those that nobody here asks for are `other`.",
                &["kind"],
            ),
            alerts_dropped: all.counter(
                "revaer_engine_alerts_dropped_total",
                "Times that libtorrent's queue was full, so that every torrent was looked at again.",
            ),
            statuses: all.counter(
                "revaer_engine_statuses_total",
                "Statuses of torrents that had changed since the last tick.",
            ),
            pump_seconds: all.histogram(
                "revaer_engine_pump_duration_seconds",
                "Taking everything that waited, and dealing with it.",
                SECONDS,
            ),
            actions: all.counters(
                "revaer_engine_actions_total",
                "Steps from what the session is to what the log says, by what became of them.",
                &["action", "outcome"],
            ),
            faults: all.counter("revaer_engine_faults_total", "Sessions that broke."),
            restarts: all.counter(
                "revaer_engine_restarts_total",
                "Sessions that were built in place of a broken one.",
            ),
            collectors: all,
        }
    }
}

impl Metrics {
    /// All of them.
    pub const fn collectors(&self) -> &Collectors {
        &self.collectors
    }
}
