//! What the projections count of themselves.

use revaer_metrics::{Collectors, HistogramVec, IntCounterVec, SECONDS};

/// The collectors of all projections of a process. A cheap clone of the same ones.
#[derive(Debug, Clone)]
pub struct Metrics {
    pub(crate) entries: IntCounterVec,
    pub(crate) apply_seconds: HistogramVec,
    pub(crate) failures: IntCounterVec,
    collectors: Collectors,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut all = Collectors::default();
        Self {
            entries: all.counters(
                "revaer_projection_entries_total",
                "Facts and rows of samples that were looked through.",
                &["projection"],
            ),
            apply_seconds: all.histograms(
                "revaer_projection_apply_duration_seconds",
                "Folding a batch and writing what came of it, with the checkpoint.",
                SECONDS,
                &["projection"],
            ),
            failures: all.counters(
                "revaer_projection_failures_total",
                "Times that a projection had to try again, or halted before a fact.",
                &["projection"],
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
