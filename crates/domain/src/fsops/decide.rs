//! The rules of a job: what an operator may ask, and what of that which was seen is news.

use serde::Serialize;

use super::event::{
    FsopsCancelled, FsopsChosen, FsopsCompleted, FsopsEvent, FsopsFailed, FsopsHeld, FsopsJob,
    FsopsRequested, FsopsStarted, FsopsStepFinished, FsopsUndoFailed, FsopsUndone,
};
use super::job::{Job, JobState};
use super::offer::ProfileOffer;
use crate::torrent::{Refused, RemoveRequested, Torrent, TorrentEvent};
use crate::values::JobId;

/// Something that was seen of a job. Each names its job: what is said of an earlier one is no news.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FsopsObservation {
    /// What will be done was decided. `of` is the job as the log knows it.
    Started {
        /// The job that is meant.
        of: JobId,
        /// What was decided.
        started: Box<FsopsStarted>,
    },
    /// A step is done.
    StepFinished(FsopsStepFinished),
    /// It cannot go on now.
    Held(FsopsHeld),
    /// What it waited for is there again.
    Resumed(FsopsJob),
    /// The result is in the library.
    Completed {
        /// The result.
        completed: FsopsCompleted,
        /// Whether the torrent goes now, with what it downloaded.
        remove_torrent: bool,
    },
    /// It goes no further.
    Failed(FsopsFailed),
    /// It was ended, and what it had made is gone.
    Cancelled(FsopsCancelled),
    /// The result was taken back.
    Undone(FsopsUndone),
    /// The result could not be taken back.
    UndoFailed(FsopsUndoFailed),
}

impl FsopsObservation {
    /// The job that it is about.
    const fn job(&self) -> JobId {
        match self {
            Self::Started { of, .. } => *of,
            Self::StepFinished(finished) => finished.job,
            Self::Held(held) => held.job,
            Self::Resumed(resumed) => resumed.job,
            Self::Completed { completed, .. } => completed.job,
            Self::Failed(failed) => failed.job,
            Self::Cancelled(cancelled) => cancelled.job,
            Self::Undone(undone) => undone.job,
            Self::UndoFailed(failed) => failed.job,
        }
    }
}

/// The job that begins with a completion, if one does. What ended well is not done again for the same files, and what an
/// operator ended or took back stays so; a job that was under way began with files that have changed since, and begins anew.
pub(crate) fn of_completion(torrent: &Torrent, offer: Option<&ProfileOffer>) -> Option<FsopsChosen> {
    let again = match torrent.fsops.as_deref() {
        None => true,
        Some(job) => match job.state {
            JobState::Queued | JobState::Running | JobState::Held | JobState::Failed => true,
            JobState::Completed => job.revision != torrent.selection_revision,
            JobState::Cancelled | JobState::Undoing | JobState::Undone => false,
        },
    };
    offer.filter(|_| again)?.chosen(torrent.fsops_profile.as_deref(), &torrent.labels)
}

/// Begins the job of a complete torrent, or tries it again.
pub(crate) fn retry(
    torrent: &Torrent,
    named: Option<&str>,
    offer: Option<&ProfileOffer>,
) -> Result<Option<FsopsEvent>, Refused> {
    let known = torrent.fsops.as_deref();
    // It goes on by itself, or has ended well.
    if known
        .is_some_and(|job| job.is_active() || matches!(job.state, JobState::Completed | JobState::Undoing))
    {
        return Ok(None);
    }
    if !torrent.is_complete() {
        return Err(Refused::Incomplete);
    }
    let offer = offer.ok_or(Refused::NoProfile)?;
    if let Some(name) = named.filter(|name| !offer.has(name)) {
        return Err(Refused::UnknownProfile(name.to_owned()));
    }
    let named = named.or(torrent.fsops_profile.as_deref());
    let chosen = offer.chosen(named, &torrent.labels).ok_or(Refused::NoProfile)?;
    let again = known.filter(|job| job.profile == chosen.profile);
    let requested = FsopsRequested {
        job: again.map_or(chosen.job, |job| job.id),
        attempt: again.map_or(1, |job| job.attempt + 1),
        profile: chosen.profile,
    };
    Ok(Some(FsopsEvent::Requested(requested)))
}

/// Ends a job that has not ended, or clears away what a failed one left.
pub(crate) fn cancel(torrent: &Torrent) -> Result<Option<FsopsEvent>, Refused> {
    match torrent.fsops.as_deref() {
        Some(job) if job.cancel_requested || job.state == JobState::Cancelled => Ok(None),
        Some(job) if job.is_active() || job.state == JobState::Failed => {
            Ok(Some(FsopsEvent::CancelRequested(FsopsJob { job: job.id })))
        }
        _ => Err(Refused::NoJob),
    }
}

/// Takes the result of a job back.
pub(crate) fn undo(torrent: &Torrent) -> Result<Option<FsopsEvent>, Refused> {
    match torrent.fsops.as_deref() {
        Some(job) if job.state == JobState::Completed => {
            Ok(Some(FsopsEvent::UndoRequested(FsopsJob { job: job.id })))
        }
        Some(job) if matches!(job.state, JobState::Undoing | JobState::Undone) => Ok(None),
        _ => Err(Refused::NoJob),
    }
}

/// What was seen of the job of a live torrent.
pub(crate) fn observe(torrent: &Torrent, observation: FsopsObservation) -> Vec<TorrentEvent> {
    let Some(job) = torrent.fsops.as_deref().filter(|job| job.id == observation.job()) else {
        return Vec::new();
    };
    let news = match observation {
        FsopsObservation::Started { started, .. } => {
            (job.is_active() && starts(job, &started)).then_some(FsopsEvent::Started(started))
        }
        FsopsObservation::StepFinished(finished) => (job.is_active()
            && job.done.is_none_or(|done| done < finished.step))
        .then_some(FsopsEvent::StepFinished(finished)),
        FsopsObservation::Held(held) => {
            let known = job.state == JobState::Held
                && job
                    .reason
                    .as_ref()
                    .is_some_and(|reason| reason.code == held.code && reason.path == held.path);
            (job.is_active() && !known).then_some(FsopsEvent::Held(held))
        }
        FsopsObservation::Resumed(resumed) => {
            (job.state == JobState::Held).then_some(FsopsEvent::Resumed(resumed))
        }
        FsopsObservation::Completed { completed, remove_torrent } if job.is_active() => {
            let gone = TorrentEvent::RemoveRequested(RemoveRequested { delete_data: true });
            let completed = TorrentEvent::Fsops(FsopsEvent::Completed(Box::new(completed)));
            // In one append: no end of the process comes between the two.
            return std::iter::once(completed).chain(remove_torrent.then_some(gone)).collect();
        }
        FsopsObservation::Completed { .. } => None,
        FsopsObservation::Failed(failed) => job.is_active().then_some(FsopsEvent::Failed(failed)),
        FsopsObservation::Cancelled(cancelled) => {
            job.cancel_requested.then_some(FsopsEvent::Cancelled(cancelled))
        }
        FsopsObservation::Undone(undone) => {
            (job.state == JobState::Undoing).then_some(FsopsEvent::Undone(undone))
        }
        FsopsObservation::UndoFailed(failed) => {
            (job.state == JobState::Undoing).then_some(FsopsEvent::UndoFailed(failed))
        }
    };
    news.map(TorrentEvent::Fsops).into_iter().collect()
}

/// What was seen of the job of a torrent that is on its way out: whatever it was at ended with that.
pub(crate) fn observe_removing(torrent: &Torrent, observation: FsopsObservation) -> Option<FsopsEvent> {
    let job = torrent.fsops.as_deref().filter(|job| job.id == observation.job() && job.is_active())?;
    match observation {
        FsopsObservation::Cancelled(cancelled) => Some(FsopsEvent::Cancelled(cancelled)),
        // It came to its end before it heard of the removal.
        FsopsObservation::Completed { completed, .. } if job.is_active() => {
            Some(FsopsEvent::Completed(Box::new(completed)))
        }
        _ => None,
    }
}

/// Whether a start is news: the first of its attempt, or of another plan. Where it begins does not matter, since a process
/// that ended in the middle goes on with what was begun.
fn starts(job: &Job, started: &FsopsStarted) -> bool {
    job.started.as_ref().is_none_or(|known| FsopsStarted { from: known.from, ..started.clone() } != *known)
}
