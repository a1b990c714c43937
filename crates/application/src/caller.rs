//! Who gives a command, and under which conditions.

use revaer_domain::values::KeyId;
use revaer_event_schema::Metadata;
use uuid::Uuid;

/// The namespace of command ids (UUID version 5): drawn once for Revaer, never changed, since ids outlive releases.
const COMMAND_IDS: Uuid = Uuid::from_u128(0x5b0c_2f1e_9d44_4e0a_8f6b_7a1d_3c52_e901);

/// A caller of the application and the circumstances of one command.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who.
    pub actor: String,
    /// The API key that the caller showed, if it showed one.
    pub key_id: Option<KeyId>,
    /// The request, for logs and facts.
    pub request_id: Option<String>,
    /// What the command belongs to.
    pub correlation_id: String,
    /// What led to it: a request, or `position:<p>`.
    pub causation_id: Option<String>,
    /// A repeat with the same key happens once.
    pub idempotency_key: Option<String>,
    /// The version that the torrent must still have.
    pub if_match: Option<u32>,
}

impl Caller {
    /// The service itself, answering to a fact or to what the engine saw.
    pub fn system(actor: &str, correlation_id: String, causation_id: Option<String>) -> Self {
        Self {
            actor: actor.to_owned(),
            key_id: None,
            request_id: None,
            correlation_id,
            causation_id,
            idempotency_key: None,
            if_match: None,
        }
    }

    /// The command's id: the same for the same caller and key; random without a key. Of two API keys with one label each has
    /// commands of its own.
    pub(crate) fn command_id(&self) -> Uuid {
        self.idempotency_key.as_ref().map_or_else(Uuid::new_v4, |key| {
            let caller = self.key_id.map_or_else(|| self.actor.clone(), |id| id.to_string());
            // The length keeps `a` + `bc` and `ab` + `c` apart.
            let name = format!("{}:{caller}{key}", caller.len());
            Uuid::new_v5(&COMMAND_IDS, name.as_bytes())
        })
    }

    pub(crate) fn metadata(&self) -> Metadata {
        Metadata {
            actor: self.actor.clone(),
            key_id: self.key_id,
            request_id: self.request_id.clone(),
            correlation_id: self.correlation_id.clone(),
            causation_id: self.causation_id.clone(),
        }
    }
}
