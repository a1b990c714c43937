//! What the log counts of itself. The writer and the followers move these as they go; nothing is asked of the database for them.

use std::time::Duration;

use revaer_metrics::{COUNTS, Collectors, Histogram, IntCounter, IntCounterVec, SECONDS};

use crate::{AppendError, Appended, Unavailable};

/// The collectors of one log. A cheap clone of the same ones.
#[derive(Debug, Clone)]
pub struct Metrics {
    appends: IntCounterVec,
    append_seconds: Histogram,
    pub(crate) commit_seconds: Histogram,
    batch_facts: Histogram,
    facts: IntCounter,
    pub(crate) checked_batches: IntCounter,
    pub(crate) unknown_outcomes: IntCounter,
    samples: IntCounterVec,
    pub(crate) tail_entries: IntCounter,
    pub(crate) tail_failures: IntCounter,
    pub(crate) catch_up_pages: IntCounter,
    pub(crate) partitions_dropped: IntCounter,
    pub(crate) commands_forgotten: IntCounter,
    collectors: Collectors,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut all = Collectors::default();
        Self {
            appends: all.counters(
                "revaer_log_appends_total",
                "Appends that were answered, by what became of them.",
                &["outcome"],
            ),
            append_seconds: all.histogram(
                "revaer_log_append_duration_seconds",
                "From the call of an append to its answer: the wait for the writer, and the commit.",
                SECONDS,
            ),
            commit_seconds: all.histogram(
                "revaer_log_commit_duration_seconds",
                "One statement of the writer, which commits a batch and returns when the database has flushed it.",
                SECONDS,
            ),
            batch_facts: all.histogram(
                "revaer_log_batch_facts",
                "Facts that were committed together.",
                COUNTS,
            ),
            facts: all.counter("revaer_log_facts_total", "Facts that this process appended."),
            checked_batches: all.counter(
                "revaer_log_checked_batches_total",
                "Batches that were committed append by append, since something in them did not hold or was in doubt.",
            ),
            unknown_outcomes: all.counter(
                "revaer_log_unknown_outcomes_total",
                "Batches whose connection was lost before the answer came, so that the database was asked what became of them.",
            ),
            samples: all.counters(
                "revaer_log_sample_rows_total",
                "Rows of samples, by whether the database took them.",
                &["outcome"],
            ),
            tail_entries: all.counter(
                "revaer_log_tail_entries_total",
                "Facts and rows of samples that the tailer read for the followers of this process.",
            ),
            tail_failures: all.counter(
                "revaer_log_tail_failures_total",
                "Times that the end of the log could not be read.",
            ),
            catch_up_pages: all.counter(
                "revaer_log_catch_up_pages_total",
                "Pages that followers too far behind for the memory read from the database.",
            ),
            partitions_dropped: all.counter(
                "revaer_log_sample_partitions_dropped_total",
                "Hours of samples that were dropped after their retention.",
            ),
            commands_forgotten: all.counter(
                "revaer_log_commands_forgotten_total",
                "Commands whose repeats are answered no longer, after their retention.",
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

    pub(crate) fn appended(&self, result: &Result<Appended, AppendError>, took: Duration) {
        self.appends.with_label_values(&[outcome(result)]).inc();
        self.append_seconds.observe(took.as_secs_f64());
    }

    /// A batch that was committed, with so many facts.
    pub(crate) fn committed(&self, facts: u32) {
        self.batch_facts.observe(f64::from(facts));
        self.facts.inc_by(facts.into());
    }

    pub(crate) fn sampled(&self, is_taken: bool) {
        self.samples.with_label_values(&[if is_taken { "appended" } else { "lost" }]).inc();
    }
}

fn outcome(result: &Result<Appended, AppendError>) -> &'static str {
    match result {
        Ok(_) => "appended",
        Err(AppendError::VersionConflict { .. }) => "version_conflict",
        Err(AppendError::AlreadyRecorded(_)) => "already_recorded",
        Err(AppendError::Claimed { .. }) => "claimed",
        Err(AppendError::TooLarge { .. }) => "too_large",
        Err(AppendError::Invalid(_)) => "invalid",
        Err(AppendError::Unavailable(Unavailable::QueueFull)) => "queue_full",
        Err(AppendError::Unavailable(_)) => "unavailable",
        Err(AppendError::Stopped) => "stopped",
    }
}
