//! What the reactors count of themselves.

use revaer_engine::{EngineNotice, Reconciliation};
use revaer_metrics::{Collectors, Histogram, IntCounter, IntCounterVec};

/// The collectors of all reactors of a process. A cheap clone of the same ones.
#[derive(Debug, Clone)]
pub struct Metrics {
    reconciliations: IntCounterVec,
    pub(crate) sweep_seconds: Histogram,
    observations: IntCounterVec,
    pub(crate) ticks: IntCounter,
    pub(crate) ticks_lost: IntCounter,
    pub(crate) samples: IntCounter,
    collectors: Collectors,
}

/// Up to five minutes: a start with a large library compares all of it.
const SWEEP_SECONDS: &[f64] = &[0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0];

impl Default for Metrics {
    fn default() -> Self {
        let mut all = Collectors::default();
        Self {
            reconciliations: all.counters(
                "revaer_reconciliations_total",
                "Torrents that were compared with the session, by what came of it.",
                &["outcome"],
            ),
            sweep_seconds: all.histogram(
                "revaer_reconcile_sweep_duration_seconds",
                "Comparing every torrent of the log with the session: at the start, after a rebuild, and once an hour.",
                SWEEP_SECONDS,
            ),
            observations: all.counters(
                "revaer_observations_total",
                "What the session said, by kind and by whether the rules took it.",
                &["kind", "outcome"],
            ),
            ticks: all.counter("revaer_sampler_ticks_total", "Ticks in which torrents had moved."),
            ticks_lost: all.counter("revaer_sampler_ticks_lost_total", "Ticks of samples that the log could not take."),
            samples: all.counter("revaer_sampler_samples_total", "Samples of torrents that had moved."),
            collectors: all,
        }
    }
}

impl Metrics {
    /// All of them.
    pub const fn collectors(&self) -> &Collectors {
        &self.collectors
    }

    /// One torrent that was compared; `None` where that has to wait.
    pub(crate) fn reconciled(&self, reconciliation: Option<Reconciliation>) {
        let outcome = match reconciliation {
            Some(Reconciliation::Done) => "done",
            Some(Reconciliation::TooEarly) => "too_early",
            Some(Reconciliation::NeedsMaterials) | None => "waits",
        };
        self.reconciliations.with_label_values(&[outcome]).inc();
    }

    /// One notice that was given to the rules.
    pub(crate) fn observed(&self, notice: &EngineNotice, outcome: &str) {
        self.observations.with_label_values(&[name(notice), outcome]).inc();
    }
}

const fn name(notice: &EngineNotice) -> &'static str {
    match notice {
        EngineNotice::SelectionApplied { .. } => "selection_applied",
        EngineNotice::Phase { .. } => "phase",
        EngineNotice::Finished { .. } => "finished",
        EngineNotice::Failed { .. } => "failed",
        EngineNotice::Recovered { .. } => "recovered",
        EngineNotice::Reannounced { .. } => "reannounced",
        EngineNotice::Rechecked { .. } => "rechecked",
        EngineNotice::Moved { .. } => "moved",
        EngineNotice::MoveFailed { .. } => "move_failed",
        EngineNotice::Removed { .. } => "removed",
        EngineNotice::Diverged { .. } => "diverged",
        EngineNotice::MetadataReceived { .. } => "metadata_received",
        EngineNotice::ResumeData { .. } => "resume_data",
        EngineNotice::RateCapApplied { .. } => "rate_cap_applied",
        EngineNotice::Faulted { .. } => "faulted",
        EngineNotice::Restarted { .. } => "restarted",
        EngineNotice::GaveUp { .. } => "gave_up",
        EngineNotice::Started { .. } => "started",
    }
}
