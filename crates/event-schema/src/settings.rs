//! The settings' facts, and what an older form of them becomes.
//!
//! Version 0 told of one key, by its name with dots; version 1 tells of all keys that one request changed, by their
//! pointers, and which change it takes back. Who upcasts never writes: version 0 lies in logs as it is.

use revaer_domain::settings::{Change, Changed, SettingsEvent};
use revaer_event_log::NewFact;
use serde::Deserialize;
use serde_json::Value;

use crate::Metadata;
use crate::codec::{DecodeError, fact, from_json, to_json};

pub(crate) const SETTINGS_CHANGED: &str = "settings.changed";

/// Version 0 of `settings.changed`.
#[derive(Deserialize)]
struct ChangedV0 {
    /// The key, as `limits.download_bytes_per_second`.
    key: String,
    from: Value,
    to: Value,
}

impl From<ChangedV0> for Changed {
    fn from(ChangedV0 { key, from, to }: ChangedV0) -> Self {
        let path = format!("/{}", key.replace('.', "/"));
        Self { changes: vec![Change { path, old: from, new: to }], reverts: None, reason: None }
    }
}

/// A change of settings as a fact to append.
pub fn encode_settings(event: &SettingsEvent, metadata: &Metadata) -> NewFact {
    match event {
        SettingsEvent::Changed(changed) => fact(SETTINGS_CHANGED, to_json(changed), metadata),
    }
}

/// Reads a change of settings back, in whichever form it was written.
pub fn decode_settings(kind: &str, schema_version: i16, data: &str) -> Result<SettingsEvent, DecodeError> {
    match (kind, schema_version) {
        (SETTINGS_CHANGED, 1) => from_json(kind, data).map(SettingsEvent::Changed),
        (SETTINGS_CHANGED, 0) => {
            from_json::<ChangedV0>(kind, data).map(|changed| SettingsEvent::Changed(changed.into()))
        }
        (SETTINGS_CHANGED, version) => Err(DecodeError::UnknownVersion { kind: kind.to_owned(), version }),
        (other, _) => Err(DecodeError::UnknownKind(other.to_owned())),
    }
}
