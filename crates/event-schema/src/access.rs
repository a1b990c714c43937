//! Events of API keys and of the setup: who may ask, and since when.

use revaer_domain::api_key::KeyEvent;
use revaer_domain::setup::SetupEvent;
use revaer_domain::values::KeyId;
use revaer_event_log::NewFact;

use crate::codec::{fact, from_json, to_json};
use crate::{DecodeError, Decoded, Metadata};

const KEY_ISSUED: &str = "api_key.issued";
const KEY_ROTATED: &str = "api_key.rotated";
const KEY_REVOKED: &str = "api_key.revoked";
const SETUP_TOKEN_ISSUED: &str = "setup.token_issued";
const SETUP_ATTEMPTED: &str = "setup.attempted";
const SETUP_COMPLETED: &str = "setup.completed";

/// Every kind that is read and written here.
pub(crate) const ACCESS_KINDS: [&str; 6] =
    [KEY_ISSUED, KEY_ROTATED, KEY_REVOKED, SETUP_TOKEN_ISSUED, SETUP_ATTEMPTED, SETUP_COMPLETED];

/// A key's event as a fact to append.
pub fn encode_key(event: &KeyEvent, metadata: &Metadata) -> NewFact {
    match event {
        KeyEvent::Issued(issued) => fact(KEY_ISSUED, to_json(issued), metadata),
        KeyEvent::Rotated(rotated) => fact(KEY_ROTATED, to_json(rotated), metadata),
        KeyEvent::Revoked => fact(KEY_REVOKED, "{}".to_owned(), metadata),
    }
}

/// An event of the setup as a fact to append.
pub fn encode_setup(event: &SetupEvent, metadata: &Metadata) -> NewFact {
    match event {
        SetupEvent::TokenIssued(issued) => fact(SETUP_TOKEN_ISSUED, to_json(issued), metadata),
        SetupEvent::Attempted(attempted) => fact(SETUP_ATTEMPTED, to_json(attempted), metadata),
        SetupEvent::Completed(completed) => fact(SETUP_COMPLETED, to_json(completed), metadata),
    }
}

/// Reads one of these events back; `None` when the kind is none of them.
pub(crate) fn decode_access(kind: &str, stream: &str, data: &str) -> Option<Result<Decoded, DecodeError>> {
    let event = match kind {
        KEY_ISSUED => from_json(kind, data).map(KeyEvent::Issued),
        KEY_ROTATED => from_json(kind, data).map(KeyEvent::Rotated),
        KEY_REVOKED => Ok(KeyEvent::Revoked),
        SETUP_TOKEN_ISSUED => {
            return Some(from_json(kind, data).map(SetupEvent::TokenIssued).map(Decoded::Setup));
        }
        SETUP_ATTEMPTED => {
            return Some(from_json(kind, data).map(SetupEvent::Attempted).map(Decoded::Setup));
        }
        SETUP_COMPLETED => {
            return Some(from_json(kind, data).map(SetupEvent::Completed).map(Decoded::Setup));
        }
        _ => return None,
    };
    let misplaced = || DecodeError::Stream { kind: kind.to_owned(), stream: stream.to_owned() };
    Some(event.and_then(|event| {
        let id = KeyId::from_stream(stream).ok_or_else(misplaced)?;
        Ok(Decoded::Key(id, event))
    }))
}
