//! Who calls, as the application wants to know it.

use poem::Request;
use revaer_application::{Caller, Principal};

use crate::parameter::{Given, IdempotencyKey, IfMatch, Parameters};
use crate::request_id::{RequestId, TraceId};

/// Whoever sets the service up, before there is a key to name it by.
const SETUP: &str = "setup";

/// The caller of a command.
pub(crate) fn caller(
    request: &Request,
    request_id: &RequestId,
    parameters: &mut Parameters,
    key: Given<IdempotencyKey>,
    if_match: Option<Given<IfMatch>>,
) -> Caller {
    Caller {
        idempotency_key: parameters.given(key).map(|key| key.0),
        if_match: if_match.and_then(|header| parameters.given(header)).and_then(|version| version.0),
        ..plain(request, request_id)
    }
}

/// The caller of what can neither be repeated nor made conditional.
pub(crate) fn plain(request: &Request, request_id: &RequestId) -> Caller {
    let principal = request.data::<Principal>();
    Caller {
        actor: principal.map_or(SETUP, |principal| &principal.actor).to_owned(),
        key_id: principal.map(|principal| principal.key_id),
        request_id: Some(request_id.0.clone()),
        // A command of a client begins a correlation of its own, unless it is a part of the client's: what follows names it.
        correlation_id: request
            .data::<TraceId>()
            .map_or_else(|| request_id.0.clone(), |trace| trace.0.clone()),
        causation_id: Some(format!("request:{}", request_id.0)),
        idempotency_key: None,
        if_match: None,
    }
}
