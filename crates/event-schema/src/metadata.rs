//! Who caused a fact, by which request, and what it belongs to. Every fact carries it; it cannot be added later.

use revaer_domain::values::KeyId;
use serde::{Deserialize, Serialize};

/// The `meta` of a fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// Who: `key <label>` for a client, `setup` for one without a key yet, `engine` for what libtorrent was seen to do,
    /// `system` for the service itself and `system:<part>` for a part of it.
    pub actor: String,
    /// The API key, where there is one: labels may be given twice. Facts from before there were keys do not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_id: Option<KeyId>,
    /// The HTTP request that gave the command, if one did.
    pub request_id: Option<String>,
    /// The same for everything that follows from one command.
    pub correlation_id: String,
    /// What led to this fact directly: a request, or `position:<p>` of another fact.
    pub causation_id: Option<String>,
}

impl Metadata {
    /// What the service does of itself begins a correlation of its own.
    pub fn of_system(actor: &str, correlation_id: impl Into<String>) -> Self {
        Self {
            actor: actor.to_owned(),
            key_id: None,
            request_id: None,
            correlation_id: correlation_id.into(),
            causation_id: None,
        }
    }
}
