//! What happened to a key. Each payload is the JSON of a fact; `event-schema` gives it its persisted name.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{RequestLimit, Scope};
use crate::values::{Fingerprint, Label};

/// A fact about one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyEvent {
    /// It was issued.
    Issued(Issued),
    /// It has another secret.
    Rotated(Rotated),
    /// It is worth nothing from here on.
    Revoked,
}

/// `api_key.issued`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issued {
    /// What people call it. Two keys may be called the same.
    pub label: Label,
    /// What it may do.
    pub scope: Scope,
    /// When it ends by itself.
    #[serde(with = "time::serde::rfc3339::option")]
    pub expires_at: Option<OffsetDateTime>,
    /// Of its secret.
    pub fingerprint: Fingerprint,
    /// Its own limit, in place of that of the settings.
    pub rate_limit: Option<RequestLimit>,
}

/// `api_key.rotated`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotated {
    /// Of the secret from here on.
    pub fingerprint: Fingerprint,
    /// Until when the secret before it is accepted too.
    #[serde(with = "time::serde::rfc3339")]
    pub previous_valid_until: OffsetDateTime,
}
