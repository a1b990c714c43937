//! What happened to the settings, in the stream `settings`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A fact about the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingsEvent {
    /// Keys got other values.
    Changed(Changed),
}

/// `settings.changed`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// What changed, each key (and each entry of a key that has entries) once.
    pub changes: Vec<Change>,
    /// The position of the change that this one takes back.
    pub reverts: Option<i64>,
    /// Why, where nobody asked for it: what the engine said of the change that is taken back.
    pub reason: Option<String>,
}

/// One value that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// RFC 6901, into the document: a key, or an entry of one.
    pub path: String,
    /// The value before; null also for an entry that was not there.
    pub old: Value,
    /// The value from here on; null also for an entry that is gone.
    pub new: Value,
}
