//! `(state, command)` into events: the rules.
//!
//! Repeating what already holds gives no event. What the engine observes of a torrent that is gone, or that the log knows
//! already, is no news and gives no event either: libtorrent's alerts come late and come again after a restart.

use super::command::{Add, TorrentCommand};
use super::error::Refused;
use super::event::{
    Completed, FilesDiscovered, LabelsChanged, MoveFailed, MoveRequested, Moved, RateCapChanged, Rechecked,
    RemoveRequested, Removed, Requested, SelectionChanged, SequentialChanged, ShareLimitReached,
    ShareLimitsChanged, StateChanged, TorrentEvent,
};
use super::state::{Lifecycle, Torrent};
use crate::selection::{InvalidSelection, SelectionRule};
use crate::settings::ShareAction;
use crate::values::SavePath;

/// Decides on one command.
pub(super) fn decide(torrent: &Torrent, command: TorrentCommand) -> Result<Vec<TorrentEvent>, Refused> {
    match (torrent.lifecycle, command) {
        (_, command) if command.is_observation() => Ok(observe(torrent, command)),
        (Lifecycle::Absent, TorrentCommand::Add(add)) => begin(*add),
        (Lifecycle::Absent, _) => Err(Refused::Absent),
        (Lifecycle::Removed, _) => Err(Refused::Removed),
        (_, TorrentCommand::Add(_)) => Err(Refused::Exists),
        // The files may still be asked to go; once asked they cannot be asked back.
        (Lifecycle::Removing { delete_data: false }, TorrentCommand::Remove { delete_data: true }) => {
            Ok(vec![TorrentEvent::RemoveRequested(RemoveRequested { delete_data: true })])
        }
        (Lifecycle::Removing { .. }, TorrentCommand::Remove { .. }) => Ok(Vec::new()),
        (Lifecycle::Removing { .. }, _) => Err(Refused::Removing),
        (Lifecycle::Live, command) => obey(torrent, command),
    }
}

/// The first facts of a torrent.
fn begin(add: Add) -> Result<Vec<TorrentEvent>, Refused> {
    check_rule(&add.added.selection, add.files.as_ref())?;
    let files = add.files.map(TorrentEvent::FilesDiscovered);
    Ok(std::iter::once(TorrentEvent::Added(Box::new(add.added))).chain(files).collect())
}

/// A rule is checked against the files as soon as they are known; until then only by itself.
fn check_rule(rule: &SelectionRule, files: Option<&FilesDiscovered>) -> Result<(), InvalidSelection> {
    rule.compile()?;
    files.map_or(Ok(()), |files| rule.check_indices(files.file_count))
}

/// A command of an operator to a live torrent.
fn obey(torrent: &Torrent, command: TorrentCommand) -> Result<Vec<TorrentEvent>, Refused> {
    let event = match command {
        TorrentCommand::Select(rule) => {
            check_rule(&rule, torrent.files.as_ref())?;
            (rule != torrent.selection).then(|| {
                let from = torrent.selection.clone();
                TorrentEvent::SelectionChanged(SelectionChanged { from, to: rule })
            })
        }
        TorrentCommand::Pause => (!torrent.paused).then_some(TorrentEvent::Paused),
        TorrentCommand::Resume => {
            let retries = torrent.failure.is_some() && !torrent.retry.is_pending();
            (torrent.paused || retries).then_some(TorrentEvent::Resumed)
        }
        TorrentCommand::Remove { delete_data } => {
            Some(TorrentEvent::RemoveRequested(RemoveRequested { delete_data }))
        }
        TorrentCommand::Reannounce => {
            let request = torrent.reannounce.requested + 1;
            // One that waits already will announce for both.
            (!torrent.reannounce.is_pending())
                .then_some(TorrentEvent::ReannounceRequested(Requested { request }))
        }
        TorrentCommand::Recheck => {
            if torrent.files.is_none() {
                return Err(Refused::NoMetadata);
            }
            let request = torrent.recheck.requested + 1;
            (!torrent.recheck.is_pending()).then_some(TorrentEvent::RecheckRequested(Requested { request }))
        }
        TorrentCommand::SetSequential { enable } => (enable != torrent.sequential)
            .then_some(TorrentEvent::SequentialChanged(SequentialChanged { enabled: enable })),
        TorrentCommand::SetRateCap(cap) => (cap != torrent.rate_cap)
            .then_some(TorrentEvent::RateCapChanged(RateCapChanged { from: torrent.rate_cap, to: cap })),
        TorrentCommand::SetShareLimits(limits) => {
            (limits != torrent.share_limits).then_some(TorrentEvent::ShareLimitsChanged(ShareLimitsChanged {
                from: torrent.share_limits,
                to: limits,
            }))
        }
        TorrentCommand::Move { save_path } => match &torrent.moving_to {
            Some(to) if *to == save_path => None,
            Some(_) => return Err(Refused::Moving),
            None => (save_path != torrent.save_path).then(|| {
                TorrentEvent::MoveRequested(MoveRequested { from: torrent.save_path.clone(), to: save_path })
            }),
        },
        TorrentCommand::SetLabels(labels) => (labels != torrent.labels)
            .then(|| TorrentEvent::LabelsChanged(LabelsChanged { from: torrent.labels.clone(), to: labels })),
        // What was seen is told apart before.
        _ => None,
    };
    Ok(event.into_iter().collect())
}

/// Something that the engine saw. Never an error: at worst it is no news.
fn observe(torrent: &Torrent, observation: TorrentCommand) -> Vec<TorrentEvent> {
    let news = match (torrent.lifecycle, observation) {
        (Lifecycle::Live, TorrentCommand::ReachShareLimit(reached)) => return reach(torrent, reached),
        (Lifecycle::Live, observation) => observe_live(torrent, observation),
        (Lifecycle::Removing { .. }, observation) => observe_removing(torrent, observation),
        (Lifecycle::Absent | Lifecycle::Removed, _) => None,
    };
    news.into_iter().collect()
}

/// What becomes of a torrent that has shared enough, with the reason before it. One that was already dealt with for this limit
/// goes on as an operator asked, also when it had come to the other limit meanwhile.
fn reach(torrent: &Torrent, reached: ShareLimitReached) -> Vec<TorrentEvent> {
    if torrent.share_limits_reached.has(reached.limit) || torrent.paused || !torrent.is_complete() {
        return Vec::new();
    }
    let consequence = match reached.action {
        ShareAction::Pause => TorrentEvent::Paused,
        ShareAction::Remove => TorrentEvent::RemoveRequested(RemoveRequested { delete_data: false }),
        ShareAction::Nothing => return Vec::new(),
    };
    vec![TorrentEvent::ShareLimitReached(reached), consequence]
}

fn observe_removing(torrent: &Torrent, observation: TorrentCommand) -> Option<TorrentEvent> {
    match observation {
        TorrentCommand::ObserveRemoved { data_deleted, left } => {
            Some(TorrentEvent::Removed(Removed { data_deleted, left }))
        }
        // Where its files are decides what is deleted, also when the move ends after the request.
        TorrentCommand::ObserveMoved { save_path } => moved(torrent, save_path),
        _ => None,
    }
}

fn observe_live(torrent: &Torrent, observation: TorrentCommand) -> Option<TorrentEvent> {
    match observation {
        TorrentCommand::ObserveFiles(files) => {
            torrent.files.is_none().then_some(TorrentEvent::FilesDiscovered(files))
        }
        TorrentCommand::ObserveSelection(applied) => {
            let news = torrent.applied.as_ref() != Some(&applied);
            let current = applied.revision == torrent.selection_revision && torrent.files.is_some();
            (news && current).then_some(TorrentEvent::SelectionApplied(applied))
        }
        TorrentCommand::ObservePhase { phase, totals } => {
            let changed = StateChanged { from: torrent.phase, to: phase, totals };
            (torrent.phase != Some(phase)).then_some(TorrentEvent::StateChanged(changed))
        }
        TorrentCommand::ObserveCompletion { at, totals } => {
            // While nothing is wanted libtorrent says "finished" of a torrent that has not begun.
            let news = !torrent.is_complete() && torrent.selection_is_applied();
            news.then_some(TorrentEvent::Completed(Completed { at, totals }))
        }
        TorrentCommand::ObserveFailure(failure) => {
            // A disk that is full fails every piece: one fact until somebody tries again.
            let known = torrent.failure.as_ref().is_some_and(|known| known.code == failure.code);
            (!known || torrent.retry.is_pending()).then_some(TorrentEvent::Failed(failure))
        }
        TorrentCommand::ObserveRecovery => torrent.failure.is_some().then_some(TorrentEvent::Recovered),
        TorrentCommand::ObserveReannounced { request } => {
            torrent.reannounce.awaits(request).then_some(TorrentEvent::Reannounced(Requested { request }))
        }
        TorrentCommand::ObserveRechecked { request, totals, complete } => torrent
            .recheck
            .awaits(request)
            .then_some(TorrentEvent::Rechecked(Rechecked { request, totals, complete })),
        TorrentCommand::ObserveMoved { save_path } => moved(torrent, save_path),
        TorrentCommand::ObserveMoveFailed { save_path, detail } => {
            let asked = torrent.moving_to.as_ref() == Some(&save_path);
            asked.then_some(TorrentEvent::MoveFailed(MoveFailed { to: save_path, detail }))
        }
        // An occurrence and not a state: the same may be found again after the next restart.
        TorrentCommand::ObserveDivergence(reconciled) => Some(TorrentEvent::Reconciled(reconciled)),
        TorrentCommand::RecordCounters(totals) => {
            (totals != torrent.totals).then_some(TorrentEvent::CountersRecorded(totals))
        }
        // It is gone only when that was asked for; commands of an operator do not come here.
        _ => None,
    }
}

/// Only the place that was asked for is one that its files can be in.
fn moved(torrent: &Torrent, save_path: SavePath) -> Option<TorrentEvent> {
    let asked = torrent.moving_to.as_ref() == Some(&save_path);
    asked.then_some(TorrentEvent::Moved(Moved { save_path }))
}

impl TorrentCommand {
    /// Whether the engine's observer says this rather than an operator.
    pub const fn is_observation(&self) -> bool {
        match self {
            Self::Add(_)
            | Self::Select(_)
            | Self::Pause
            | Self::Resume
            | Self::Remove { .. }
            | Self::Reannounce
            | Self::Recheck
            | Self::SetSequential { .. }
            | Self::SetRateCap(_)
            | Self::SetShareLimits(_)
            | Self::Move { .. }
            | Self::SetLabels(_) => false,
            Self::ObserveFiles(_)
            | Self::ObserveSelection(_)
            | Self::ObservePhase { .. }
            | Self::ObserveCompletion { .. }
            | Self::ObserveFailure(_)
            | Self::ObserveRecovery
            | Self::ObserveReannounced { .. }
            | Self::ObserveRechecked { .. }
            | Self::ObserveMoved { .. }
            | Self::ObserveMoveFailed { .. }
            | Self::ObserveRemoved { .. }
            | Self::ObserveDivergence(_)
            | Self::ReachShareLimit(_)
            | Self::RecordCounters(_) => true,
        }
    }
}
