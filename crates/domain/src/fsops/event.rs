//! What happened to a job. Each payload is the JSON of a fact in the torrent's stream; `event-schema` gives it its persisted
//! name.
//!
//! A torrent may have a hundred thousand files, and a fact is bounded: lists name the first of them and count the rest, which
//! the record beside the result has in full.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::step::Step;
use crate::values::JobId;

/// The most files that one fact names: with paths of 4 KiB they stay below what a fact may hold.
pub const FILES_NAMED_MAX: usize = 200;

/// A fact of a job, in the stream of its torrent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FsopsEvent {
    /// Somebody asked for it.
    Requested(FsopsRequested),
    /// What will be done was decided.
    Started(Box<FsopsStarted>),
    /// A step is done, and the next one begins.
    StepFinished(FsopsStepFinished),
    /// It waits until the machine is well again.
    Held(FsopsHeld),
    /// What it waited for is there again.
    Resumed(FsopsJob),
    /// The result is in the library.
    Completed(Box<FsopsCompleted>),
    /// It goes no further by itself.
    Failed(FsopsFailed),
    /// An operator asked to end it.
    CancelRequested(FsopsJob),
    /// It was ended.
    Cancelled(FsopsCancelled),
    /// An operator asked to take the result back.
    UndoRequested(FsopsJob),
    /// The result was taken back.
    Undone(FsopsUndone),
    /// The result could not be taken back.
    UndoFailed(FsopsUndoFailed),
}

/// The job that begins with a completion, in `torrent.completed`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FsopsChosen {
    /// The job.
    pub job: JobId,
    /// The name of the profile.
    pub profile: String,
}

/// `fsops.requested`: somebody asked for the job, again or for the first time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FsopsRequested {
    /// The job.
    pub job: JobId,
    /// The name of the profile.
    pub profile: String,
    /// Which attempt this is, counted from 1.
    pub attempt: u32,
}

/// `fsops.started`: what will be done was decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FsopsStarted {
    /// The job, by the name that its staging directory has. One that an earlier database began keeps its own.
    pub job: JobId,
    /// Which attempt this is, counted from 1.
    pub attempt: u32,
    /// The step that it begins at: the first, or the one at which an earlier attempt ended.
    pub from: Step,
    /// The profile as the settings had it. The job goes by this one until its end, however the settings change.
    pub rules: Value,
    /// The library.
    pub library: String,
    /// The place of the result beneath it.
    pub destination: String,
    /// Files that are taken from the download.
    pub files: u64,
    /// Bytes in them.
    pub bytes: u64,
}

/// `fsops.step_finished`: with it the next step begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FsopsStepFinished {
    /// The job.
    pub job: JobId,
    /// The step.
    pub step: Step,
    /// Files that it dealt with.
    pub files: u64,
    /// Bytes in them.
    pub bytes: u64,
    /// What it left out and why, in words; at most [`FILES_NAMED_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
}

/// `fsops.held`: it waits until the machine is well again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FsopsHeld {
    /// The job.
    pub job: JobId,
    /// The step that it stands before; none before it was planned.
    pub step: Option<Step>,
    /// Stable and short, for instance `root_absent`.
    pub code: String,
    /// The path that it is about.
    pub path: Option<String>,
    /// For people.
    pub detail: String,
}

/// `fsops.resumed`, `.cancel_requested` and `.undo_requested`: which job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FsopsJob {
    /// The job.
    pub job: JobId,
}

/// A file of a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FsopsPlaced {
    /// Its path within the result; of a result that is one file, its name.
    pub path: String,
    /// Its size.
    pub size_bytes: u64,
    /// Hexadecimal digits, if the profile asks for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<String>,
}

/// `fsops.completed`: the result is in the library.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FsopsCompleted {
    /// The job.
    pub job: JobId,
    /// The result: an absolute path.
    pub destination: String,
    /// Whether the same was there already, and nothing was made.
    pub was_there: bool,
    /// How its checksums were made: `none`, `sha256` or `blake3`.
    pub checksum: String,
    /// How many files it has.
    pub file_count: u64,
    /// Bytes in them.
    pub size_bytes: u64,
    /// The first of them, at most [`FILES_NAMED_MAX`].
    pub files: Vec<FsopsPlaced>,
}

/// `fsops.failed`: it goes no further by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FsopsFailed {
    /// The job.
    pub job: JobId,
    /// The step that failed; none before it was planned.
    pub step: Option<Step>,
    /// Stable and short, for instance `conflict`.
    pub code: String,
    /// The rule that a path broke, where the code is `refused`.
    pub rule: Option<String>,
    /// The path that it is about.
    pub path: Option<String>,
    /// For people.
    pub detail: String,
}

/// `fsops.cancelled`: nothing of it is left in the library.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FsopsCancelled {
    /// The job.
    pub job: JobId,
    /// The step that it stood before; none before it was planned.
    pub step: Option<Step>,
}

/// `fsops.undone`: the library is as it was before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FsopsUndone {
    /// The job.
    pub job: JobId,
    /// Files that were removed from the library.
    pub removed: u64,
    /// Files that were the last copy and were put back into the download; at most [`FILES_NAMED_MAX`].
    pub put_back: Vec<String>,
}

/// `fsops.undo_failed`: the library stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FsopsUndoFailed {
    /// The job.
    pub job: JobId,
    /// Stable and short, for instance `changed`.
    pub code: String,
    /// For people.
    pub detail: String,
    /// The files that stand in the way, at most [`FILES_NAMED_MAX`].
    pub paths: Vec<String>,
}
