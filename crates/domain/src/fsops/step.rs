//! The steps of a job by their names, in their order.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A step of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Every file is there with its size, the destination is free and there is space.
    Verify,
    /// Archives are unpacked.
    Extract,
    /// Every file gets its name in the result.
    Flatten,
    /// Every file comes into the staging directory.
    Transfer,
    /// Modes and owners.
    Permissions,
    /// Checksums.
    Checksum,
    /// One rename makes the result visible.
    Place,
    /// The record is laid down beside the result.
    Metadata,
    /// What is not needed any more is removed.
    Cleanup,
}

impl Step {
    /// All of them, in order.
    pub const ALL: [Self; 9] = [
        Self::Verify,
        Self::Extract,
        Self::Flatten,
        Self::Transfer,
        Self::Permissions,
        Self::Checksum,
        Self::Place,
        Self::Metadata,
        Self::Cleanup,
    ];

    /// The step after this one.
    pub fn next(self) -> Option<Self> {
        Self::ALL.into_iter().find(|&step| step > self)
    }

    /// The step before this one.
    pub fn previous(self) -> Option<Self> {
        Self::ALL.into_iter().rev().find(|&step| step < self)
    }

    /// The name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::Extract => "extract",
            Self::Flatten => "flatten",
            Self::Transfer => "transfer",
            Self::Permissions => "permissions",
            Self::Checksum => "checksum",
            Self::Place => "place",
            Self::Metadata => "metadata",
            Self::Cleanup => "cleanup",
        }
    }

    /// The step of a name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.name() == name)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
