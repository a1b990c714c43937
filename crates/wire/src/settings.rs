//! The settings as clients see them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// `GET` and `PATCH /v1/settings`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(poem_openapi::Object))]
pub struct SettingsAnswer {
    /// The version of the document, for `If-Match`; zero before the first change.
    pub version: u32,
    /// The place of the last change in the log; zero before the first one.
    pub position: i64,
    /// The document: every section with every key.
    pub settings: Value,
    /// The keys (RFC 6901, into the document) whose values take effect at the next start alone.
    #[serde(default)]
    pub restart_required: Vec<String>,
}

/// `POST /v1/settings/revert`
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(poem_openapi::Object))]
pub struct RevertRequest {
    /// The position of the change that is to be taken back.
    #[cfg_attr(feature = "openapi", oai(validator(minimum(value = "1"))))]
    pub position: i64,
}

/// One value that changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(poem_openapi::Object))]
pub struct SettingChange {
    /// RFC 6901, into the document: a key, or an entry of one.
    pub path: String,
    /// The value before; null also for an entry that was not there.
    #[serde(default)]
    pub old: Option<Value>,
    /// The value from then on; null also for an entry that is gone.
    #[serde(default)]
    pub new: Option<Value>,
}

/// One change of the settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(poem_openapi::Object))]
pub struct SettingsHistoryEntry {
    /// Its place in the log.
    pub position: i64,
    /// RFC 3339.
    pub recorded_at: String,
    /// Who.
    #[serde(default)]
    pub actor: Option<String>,
    /// By which request.
    #[serde(default)]
    pub request_id: Option<String>,
    /// What changed.
    pub changes: Vec<SettingChange>,
    /// The position of the change that this one takes back.
    #[serde(default)]
    pub reverts: Option<i64>,
    /// Why, where nobody asked for it.
    #[serde(default)]
    pub reason: Option<String>,
}

/// `GET /v1/settings/history`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(poem_openapi::Object))]
pub struct SettingsHistoryPage {
    /// The changes, oldest first.
    pub items: Vec<SettingsHistoryEntry>,
    /// For the next page; null on the last one.
    #[serde(default)]
    pub next_cursor: Option<String>,
}
