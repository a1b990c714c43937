//! The audit: who did what to whom, and when.

use serde::{Deserialize, Serialize};

/// A page of the audit, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(poem_openapi::Object))]
pub struct AuditPage {
    /// What was done.
    pub items: Vec<AuditEntry>,
    /// Where the next page begins; null at the end.
    pub next_cursor: Option<String>,
}

/// Something that was done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(poem_openapi::Object))]
pub struct AuditEntry {
    /// Its place in the log.
    pub position: i64,
    /// RFC 3339.
    pub recorded_at: String,
    /// Who: `key <label>`, `setup`, or the service itself (`engine`, `system`).
    pub actor: String,
    /// The API key, where there was one: two keys may have the same label.
    #[serde(default)]
    pub key_id: Option<String>,
    /// The request that gave the command.
    #[serde(default)]
    pub request_id: Option<String>,
    /// What was done, for instance `settings.changed`.
    pub kind: String,
    /// To whom: `torrent-<ULID>`, `settings`, `api-key-<ULID>`, `setup`.
    pub subject: String,
    /// What the kind says; of changed settings the old and the new values.
    pub data: serde_json::Value,
}
