//! What can be asked of the setup.

use serde::Serialize;
use time::OffsetDateTime;

use super::Completed;
use crate::values::Fingerprint;

/// A token that somebody presents, as far as the rules need to know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Presented {
    /// A token that was issued at some time: its stored hash was found to be the same.
    Issued(Fingerprint),
    /// The token that whoever started the service put into a file.
    OfFile,
    /// No token that is known.
    Unknown,
}

/// A command to the setup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SetupCommand {
    /// Issues a token, in place of any before it.
    Start {
        /// Of the token.
        fingerprint: Fingerprint,
        /// Until when it is accepted.
        #[serde(with = "time::serde::rfc3339")]
        expires_at: OffsetDateTime,
    },
    /// Ends the setup if the token is the right one.
    Complete {
        /// The token.
        presented: Presented,
        /// What is recorded if it is the right one.
        completed: Completed,
        /// Now.
        #[serde(with = "time::serde::rfc3339")]
        at: OffsetDateTime,
    },
}
