//! Who calls, as the application wants to know it.

use revaer_application::Caller;

use crate::parameter::{Given, IdempotencyKey, IfMatch, Parameters};
use crate::request_id::RequestId;

/// Whoever calls, until there are keys to tell callers apart.
const ACTOR: &str = "operator";

/// The caller of a command.
pub(crate) fn caller(
    request_id: &RequestId,
    parameters: &mut Parameters,
    key: Given<IdempotencyKey>,
    if_match: Option<Given<IfMatch>>,
) -> Caller {
    Caller {
        actor: ACTOR.to_owned(),
        key_id: None,
        request_id: Some(request_id.0.clone()),
        // A command of a client begins a correlation of its own: what follows from it names this request.
        correlation_id: request_id.0.clone(),
        causation_id: Some(format!("request:{}", request_id.0)),
        idempotency_key: parameters.given(key).map(|key| key.0),
        if_match: if_match.and_then(|header| parameters.given(header)).and_then(|version| version.0),
    }
}
