//! What the write side counts of itself.

use std::time::Duration;

use revaer_metrics::{Collectors, Histogram, IntCounter, IntCounterVec, SECONDS};

use crate::{CommandError, Done};

/// The collectors of one application. A cheap clone of the same ones.
#[derive(Debug, Clone)]
pub struct Metrics {
    commands: IntCounterVec,
    command_seconds: Histogram,
    pub(crate) redecisions: IntCounter,
    folds: IntCounterVec,
    collectors: Collectors,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut all = Collectors::default();
        Self {
            commands: all.counters(
                "revaer_commands_total",
                "Commands to torrents, of clients and of the service itself, by what became of them.",
                &["outcome"],
            ),
            command_seconds: all.histogram(
                "revaer_command_duration_seconds",
                "From a command to its answer, the wait for the torrent's stream included.",
                SECONDS,
            ),
            redecisions: all.counter(
                "revaer_command_redecisions_total",
                "Commands that were decided again, since another process had appended to the stream meanwhile.",
            ),
            folds: all.counters(
                "revaer_command_folds_total",
                "Torrents that a command was decided on, by whether they were at hand or read from the log.",
                &["from"],
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

    pub(crate) fn answered(&self, answer: &Result<Done, CommandError>, took: Duration) {
        self.commands.with_label_values(&[outcome(answer)]).inc();
        self.command_seconds.observe(took.as_secs_f64());
    }

    pub(crate) fn folded(&self, is_at_hand: bool) {
        self.folds.with_label_values(&[if is_at_hand { "memory" } else { "log" }]).inc();
    }
}

fn outcome(answer: &Result<Done, CommandError>) -> &'static str {
    match answer {
        Ok(Done { repeated: false, .. }) => "done",
        Ok(Done { repeated: true, .. }) => "repeated",
        Err(CommandError::NotFound) => "not_found",
        Err(CommandError::Refused(_)) => "refused",
        Err(CommandError::TorrentExists { .. }) => "torrent_exists",
        Err(CommandError::InvalidMetainfo(_)) => "invalid_metainfo",
        Err(CommandError::VersionConflict) => "version_conflict",
        Err(CommandError::PreconditionFailed { .. }) => "precondition_failed",
        Err(CommandError::KeyReused) => "key_reused",
        Err(CommandError::Unavailable) => "unavailable",
        Err(CommandError::TooLarge { .. }) => "too_large",
        Err(CommandError::Internal(_)) => "internal",
    }
}
