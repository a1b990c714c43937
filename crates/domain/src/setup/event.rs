//! What happened in the setup. Each payload is the JSON of a fact; `event-schema` gives it its persisted name.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::values::{Fingerprint, KeyId, Label};

/// A fact of the setup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetupEvent {
    /// There is a token, in place of any before it.
    TokenIssued(TokenIssued),
    /// Somebody presented a token.
    Attempted(Attempted),
    /// There is a key: the service is set up.
    Completed(Completed),
}

/// `setup.token_issued`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenIssued {
    /// Until when it is accepted.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
    /// Of the token.
    pub fingerprint: Fingerprint,
}

/// What became of a token that was presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was the right one, in time.
    Accepted,
    /// No such token was ever issued.
    WrongToken,
    /// It was issued too long ago.
    ExpiredToken,
    /// It was used, or another one took its place.
    UsedToken,
}

/// `setup.attempted`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempted {
    /// What became of it.
    pub outcome: Outcome,
}

/// `setup.completed`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completed {
    /// What the instance is called.
    pub instance_name: Label,
    /// The first key.
    pub key_id: KeyId,
}
