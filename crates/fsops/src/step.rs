//! The steps of a job, in their order.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A step of a job. Each may be done again without harm, and each is journalled before and after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Every file of the torrent is there with its size, the destination is free and there is space.
    Verify,
    /// Archives are unpacked into the staging directory.
    Extract,
    /// Every file gets its name in the result.
    Flatten,
    /// Every file comes into the staging directory, under that name.
    Transfer,
    /// Modes and owners.
    Permissions,
    /// Checksums.
    Checksum,
    /// Everything reaches the disk, and one rename makes the result visible.
    Place,
    /// The journal is laid down beside the result.
    Metadata,
    /// What was moved is removed from the download, and the staging directory is.
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

    /// Its name, as the journal and events have it.
    pub fn name(self) -> &'static str {
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
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
