//! The job of the file pipeline: what becomes of a finished torrent's files, from the choice of a profile to the undo.
//!
//! A torrent has at most one job at a time, and the job's facts lie in the torrent's own stream: whoever follows a torrent
//! follows its job, and no moment lies between `torrent.completed` and `processing`. The rules say which step may follow
//! which; what a step does to files is not known here.

mod decide;
mod event;
mod job;
mod offer;
mod step;
mod view;

pub use decide::FsopsObservation;
pub(crate) use decide::{cancel, observe, observe_removing, of_completion, retry, undo};
pub use event::{
    FILES_NAMED_MAX, FsopsCancelled, FsopsChosen, FsopsCompleted, FsopsEvent, FsopsFailed, FsopsHeld,
    FsopsJob, FsopsPlaced, FsopsRequested, FsopsStarted, FsopsStepFinished, FsopsUndoFailed, FsopsUndone,
};
pub use job::{Job, JobReason, JobState};
pub use offer::ProfileOffer;
pub use step::Step;
pub use view::JobView;
