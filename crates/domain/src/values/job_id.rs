//! The identity of a job of the file pipeline: a ULID. It names the job in the torrent's stream, its staging directory and the
//! record beside its result, so that each of the three leads to the others.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use ulid::Ulid;

/// A job's identity.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(Ulid);

/// The text is not a ULID of 26 characters in Crockford's base 32.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a job id: expected a ULID of 26 characters")]
pub struct InvalidJobId;

impl JobId {
    /// Names a job by a ULID that the caller drew.
    pub const fn new(ulid: Ulid) -> Self {
        Self(ulid)
    }

    /// The ULID itself.
    pub const fn ulid(self) -> Ulid {
        self.0
    }
}

impl FromStr for JobId {
    type Err = InvalidJobId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ulid::from_string(text).map(Self).map_err(|_| InvalidJobId)
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JobId({})", self.0)
    }
}
