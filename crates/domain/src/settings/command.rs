//! What can be asked of the settings, and why it is refused.

use std::collections::BTreeSet;

use serde_json::Value;

use super::SecretRef;
use super::event::Change;
use super::patch::Fault;

/// A command to the settings.
#[derive(Debug, Clone, PartialEq)]
pub enum SettingsCommand {
    /// Gives the instance its id, at its first start.
    Identify {
        /// A ULID.
        id: String,
    },
    /// Merges a patch in.
    Patch(Patch),
    /// Takes a change back.
    Revert(Reversal),
    /// Takes back what could not be carried out: of the change, what nobody has overwritten since.
    Compensate {
        /// The change.
        of: Reversal,
        /// Why it could not be carried out.
        reason: String,
    },
}

/// A merge patch (RFC 7396) whose secrets were put away and replaced by their fingerprints.
#[derive(Debug, Clone, PartialEq)]
pub struct Patch {
    /// The patch.
    pub request: Value,
    /// The secrets that the caller put away for it. Others are taken only where the document has them.
    pub secrets: BTreeSet<SecretRef>,
}

/// A change that is to be taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reversal {
    /// Its position.
    pub position: i64,
    /// What it changed.
    pub changes: Vec<Change>,
}

/// A refusal: nothing was recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The patch asks for what cannot be; each fault points into the request.
    #[error("the patch does not fit the settings")]
    Invalid(Vec<Fault>),
    /// What should be reverted was overwritten since: these paths have other values by now.
    #[error("overwritten since: {}", .0.join(", "))]
    Overwritten(Vec<String>),
    /// Without the change the document would contradict itself, or change what never changes; each fault names a path.
    #[error("the earlier values no longer fit the settings")]
    Unfit(Vec<Fault>),
}
