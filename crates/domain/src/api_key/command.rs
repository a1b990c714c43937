//! What can be asked of a key.

use serde::Serialize;
use time::OffsetDateTime;

use super::Issued;
use crate::values::Fingerprint;

/// A command to one key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyCommand {
    /// Begins a key.
    Issue {
        /// The key.
        issued: Issued,
        /// Now.
        #[serde(with = "time::serde::rfc3339")]
        at: OffsetDateTime,
    },
    /// Gives it another secret.
    Rotate {
        /// Of the new secret.
        fingerprint: Fingerprint,
        /// Until when the secret that it has now is accepted too.
        #[serde(with = "time::serde::rfc3339")]
        previous_valid_until: OffsetDateTime,
        /// Now.
        #[serde(with = "time::serde::rfc3339")]
        at: OffsetDateTime,
    },
    /// Ends it, for good.
    Revoke,
}
