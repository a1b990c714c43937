//! What is told of a job: to clients, and to the rows that lists are made from.

use serde::{Deserialize, Serialize};

use super::job::{Job, JobReason, JobState};
use super::step::Step;
use crate::values::JobId;

/// A job as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobView {
    /// Its id.
    pub job: JobId,
    /// The name of its profile.
    pub profile: String,
    /// Which attempt is under way, counted from 1.
    pub attempt: u32,
    /// The step that it is at, or that it did not come past.
    pub stage: Option<Step>,
    /// Where it stands.
    pub state: JobState,
    /// Why it does not go on, or why it could not be undone.
    pub error: Option<JobReason>,
    /// Where the result is, as an absolute path.
    pub destination: Option<String>,
}

impl From<&Job> for JobView {
    fn from(job: &Job) -> Self {
        Self {
            job: job.id,
            profile: job.profile.clone(),
            attempt: job.attempt,
            stage: job.stage(),
            state: job.state,
            error: job.reason.clone(),
            destination: job.destination.clone(),
        }
    }
}
