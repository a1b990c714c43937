//! A job as its facts tell it.

use serde::{Deserialize, Serialize};

use super::event::{FsopsChosen, FsopsEvent, FsopsRequested, FsopsStarted};
use super::step::Step;
use crate::values::JobId;

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Waits for its turn.
    Queued,
    /// Is at work.
    Running,
    /// Waits until the machine is well again.
    Held,
    /// The result is in the library.
    Completed,
    /// Goes no further by itself.
    Failed,
    /// Was ended by an operator, and nothing of it is left.
    Cancelled,
    /// The result is being taken back.
    Undoing,
    /// The result was taken back.
    Undone,
}

impl JobState {
    /// The name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Held => "held",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Undoing => "undoing",
            Self::Undone => "undone",
        }
    }
}

/// Why a job is held or has failed, or why it could not be undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobReason {
    /// Stable and short.
    pub code: String,
    /// The rule that a path broke.
    pub rule: Option<String>,
    /// The path that it is about.
    pub path: Option<String>,
    /// For people.
    pub detail: String,
}

/// A job, folded from the stream of its torrent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// The name of its profile.
    pub profile: String,
    /// Which attempt is under way, counted from 1.
    pub attempt: u32,
    /// Where it stands.
    pub state: JobState,
    /// What was decided when it last started.
    pub started: Option<FsopsStarted>,
    /// The last step that is done.
    pub done: Option<Step>,
    /// Whether an operator asked to end it.
    pub cancel_requested: bool,
    /// Why it does not go on.
    pub reason: Option<JobReason>,
    /// Where the result is, as an absolute path, while it is there.
    pub destination: Option<String>,
    /// Whether the result was there before, so that nothing of it is the job's own.
    pub was_there: bool,
    /// The selection that it is about: another one is worth another job.
    pub revision: u32,
}

impl Job {
    pub(crate) fn chosen(chosen: &FsopsChosen, revision: u32) -> Self {
        let FsopsChosen { job, profile } = chosen.clone();
        Self::requested(&FsopsRequested { job, profile, attempt: 1 }, None, revision)
    }

    /// The job as it is when it is asked for: one that is tried again remembers how far it came.
    pub(crate) fn requested(requested: &FsopsRequested, earlier: Option<&Self>, revision: u32) -> Self {
        let earlier = earlier.filter(|earlier| earlier.id == requested.job);
        Self {
            id: requested.job,
            profile: requested.profile.clone(),
            attempt: requested.attempt,
            state: JobState::Queued,
            started: earlier.and_then(|earlier| earlier.started.clone()),
            done: earlier
                .filter(|earlier| earlier.state == JobState::Failed)
                .and_then(|earlier| earlier.done),
            cancel_requested: false,
            reason: None,
            destination: None,
            was_there: false,
            revision,
        }
    }

    /// Takes one fact into the state. `None` before the first; `revision` is the selection in force.
    pub(crate) fn fold(known: Option<Box<Self>>, event: &FsopsEvent, revision: u32) -> Option<Box<Self>> {
        if let FsopsEvent::Requested(requested) = event {
            return Some(Box::new(Self::requested(requested, known.as_deref(), revision)));
        }
        let mut job = known?;
        job.take(event);
        Some(job)
    }

    fn take(&mut self, event: &FsopsEvent) {
        match event {
            FsopsEvent::Requested(_) => {}
            FsopsEvent::Started(started) => {
                self.id = started.job;
                self.done = started.from.previous();
                self.started = Some((**started).clone());
                self.go_on();
            }
            FsopsEvent::StepFinished(finished) => {
                self.done = Some(finished.step);
                self.go_on();
            }
            FsopsEvent::Held(held) => {
                self.state = JobState::Held;
                self.reason = Some(JobReason {
                    code: held.code.clone(),
                    rule: None,
                    path: held.path.clone(),
                    detail: held.detail.clone(),
                });
            }
            FsopsEvent::Resumed(_) => self.go_on(),
            FsopsEvent::Completed(completed) => {
                self.end(JobState::Completed);
                self.destination = Some(completed.destination.clone());
                self.was_there = completed.was_there;
            }
            FsopsEvent::Failed(failed) => {
                self.end(JobState::Failed);
                self.reason = Some(JobReason {
                    code: failed.code.clone(),
                    rule: failed.rule.clone(),
                    path: failed.path.clone(),
                    detail: failed.detail.clone(),
                });
            }
            FsopsEvent::CancelRequested(_) => self.cancel_requested = true,
            FsopsEvent::Cancelled(_) => self.end(JobState::Cancelled),
            FsopsEvent::UndoRequested(_) => {
                self.state = JobState::Undoing;
                self.reason = None;
            }
            FsopsEvent::Undone(_) => {
                self.end(JobState::Undone);
                self.destination = None;
            }
            FsopsEvent::UndoFailed(failed) => {
                self.state = JobState::Completed;
                self.reason = Some(JobReason {
                    code: failed.code.clone(),
                    rule: None,
                    path: failed.paths.first().cloned(),
                    detail: failed.detail.clone(),
                });
            }
        }
    }

    fn go_on(&mut self) {
        self.state = JobState::Running;
        self.reason = None;
    }

    fn end(&mut self, state: JobState) {
        self.state = state;
        self.cancel_requested = false;
        self.reason = None;
    }

    /// Whether it is on its way: its torrent is `processing`.
    pub const fn is_active(&self) -> bool {
        matches!(self.state, JobState::Queued | JobState::Running | JobState::Held)
    }

    /// Whether somebody has to do something about it.
    pub const fn is_pending(&self) -> bool {
        self.is_active() || matches!(self.state, JobState::Undoing) || self.cancel_requested
    }

    /// The step that it is at, or that it did not come past.
    pub fn stage(&self) -> Option<Step> {
        match self.state {
            JobState::Completed | JobState::Cancelled | JobState::Undoing | JobState::Undone => None,
            _ => self.done.map_or(Some(Step::Verify), Step::next),
        }
    }
}
