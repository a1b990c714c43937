//! Keys as the wire carries them.

use revaer_application::{IssuedKey, KeyView};
use revaer_wire as wire;

use super::time;

/// A key with its secret: for the answer to whoever asked for it, and for nobody else.
pub(crate) fn issued_key(issued: &IssuedKey) -> wire::IssuedKey {
    wire::IssuedKey {
        id: issued.key.id.to_string(),
        label: issued.key.label.clone(),
        scope: issued.key.scope.to_string(),
        expires_at: issued.key.expires_at.map(time),
        previous_valid_until: issued.key.previous_valid_until.map(time),
        secret: issued.secret.expose().to_owned(),
    }
}

/// A key without its secret.
pub(crate) fn api_key(key: &KeyView) -> wire::ApiKey {
    wire::ApiKey {
        id: key.id.to_string(),
        label: key.label.clone(),
        scope: key.scope.to_string(),
        issued_at: time(key.issued_at),
        expires_at: key.expires_at.map(time),
        last_used_at: key.last_used_at.map(time),
        rate_limit: key.rate_limit.map(|limit| wire::RequestLimit {
            requests_per_second: limit.requests_per_second(),
            burst: limit.burst(),
        }),
        fingerprint: key.fingerprint.clone(),
        previous_valid_until: key.previous_valid_until.map(time),
    }
}
