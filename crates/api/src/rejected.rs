//! A refusal as the OpenAPI document sees it: which problems an operation may answer with.

use std::marker::PhantomData;

use poem_openapi::ApiResponse;
use poem_openapi::registry::{MetaMediaType, MetaResponse, MetaResponses, Registry};
use poem_openapi::types::Type;
use revaer_wire::Problem;

use crate::problem::Refusal;

/// The content type of a problem.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

type Answers = [(u16, &'static str)];

/// A group of operations that fail in the same ways.
pub(crate) trait Operations: Send + Sync + 'static {
    /// What they may answer beside success.
    const PROBLEMS: &'static Answers;
}

/// Reads.
pub(crate) struct Reads;
/// Adds.
pub(crate) struct Adds;
/// Commands to a torrent that is there.
pub(crate) struct Commands;
/// Changes of the settings.
pub(crate) struct SettingsChanges;
/// The event stream.
pub(crate) struct Streams;
/// The setup.
pub(crate) struct SettingUp;
/// API keys.
pub(crate) struct Keys;
/// A ticket is asked for.
pub(crate) struct Tickets;
/// What answers whatever it is asked.
pub(crate) struct Plain;

/// What the edge may answer before an operation is reached, unless the operation has more to say under the same status.
const OF_THE_EDGE: &Answers = &[
    (400, "The request does not parse."),
    (401, "No key, or one that is not valid."),
    (403, "The key's scope does not allow it, or a page of another origin asks."),
    (409, "The setup is not complete (`setup_required`)."),
    (429, "More requests than the key or the address may make; `Retry-After` says when to go on."),
    (431, "The headers are too large."),
    (500, "A fault of the service."),
    (503, "The database or the session is away, or the request took too long: try again."),
];

const SLOW: (u16, &str) = (408, "The body did not come in time.");
const NOT_FOUND: (u16, &str) = (404, "No such torrent.");
const UNPROCESSABLE: (u16, &str) =
    (422, "The request breaks a rule, asks for what is not supported yet, or reuses an `Idempotency-Key`.");

impl Operations for Reads {
    const PROBLEMS: &'static Answers = &[
        (400, "A parameter does not parse."),
        NOT_FOUND,
        (422, "A parameter breaks a rule."),
        (503, "The database or the session is away, or `min_position` is not reached: try again."),
    ];
}

impl Operations for Adds {
    const PROBLEMS: &'static Answers = &[
        (400, "The body does not parse."),
        SLOW,
        (409, "The torrent is here already (`torrent_exists`, with its `id`), or the setup is not complete."),
        (413, "The body is too large."),
        (415, "The content type is not read."),
        UNPROCESSABLE,
    ];
}

impl Operations for Commands {
    const PROBLEMS: &'static Answers = &[
        (400, "The body does not parse."),
        SLOW,
        NOT_FOUND,
        (
            409,
            "The torrent's state does not allow it, others changed it at the same moment, or the setup is not complete.",
        ),
        (412, "The torrent does not have the version of `If-Match`."),
        (413, "The body is too large."),
        (415, "The content type is not read."),
        UNPROCESSABLE,
    ];
}

impl Operations for SettingsChanges {
    const PROBLEMS: &'static Answers = &[
        (400, "The body does not parse."),
        (
            409,
            "What should be taken back was overwritten since, others changed the settings, or the setup is not complete.",
        ),
        (412, "The settings do not have the version of `If-Match`."),
        (413, "The body is too large."),
        (415, "The content type is not read."),
        (
            422,
            "The patch breaks rules: every key that fails is named. Or the `Idempotency-Key` was used before.",
        ),
    ];
}

impl Operations for SettingUp {
    const PROBLEMS: &'static Answers = &[
        (
            403,
            "The token is wrong, expired or used (`setup_token_wrong`, `_expired`, `_used`), or the request comes from elsewhere.",
        ),
        (409, "The setup is complete (`setup_complete`)."),
        (413, "The body is too large."),
        (415, "The content type is not read."),
        (422, "The request breaks a rule."),
        (429, "More attempts than may be made; `Retry-After` says when to go on."),
    ];
}

impl Operations for Keys {
    const PROBLEMS: &'static Answers = &[
        (404, "No such key."),
        (
            409,
            "The secret was shown with the first answer, the key has expired, it is the last with the scope `admin`, or the setup is not complete.",
        ),
        (413, "The body is too large."),
        (415, "The content type is not read."),
        UNPROCESSABLE,
    ];
}

impl Operations for Tickets {
    const PROBLEMS: &'static Answers = &[(422, "A parameter breaks a rule.")];
}

impl Operations for Plain {
    const PROBLEMS: &'static Answers = &[];
}

impl Operations for Streams {
    const PROBLEMS: &'static Answers = &[
        (400, "The position to resume from does not parse. Nothing else is answered so."),
        (404, "No live torrent has this info hash."),
        (422, "A parameter breaks a rule."),
        (503, "The database is away, or as many clients follow the events as may."),
    ];
}

/// A refusal by one of a group of operations.
pub(crate) struct Rejected<O>(Refusal, PhantomData<O>);

impl<O, E: Into<Refusal>> From<E> for Rejected<O> {
    fn from(error: E) -> Self {
        Self(error.into(), PhantomData)
    }
}

impl<O: Operations> From<Rejected<O>> for poem::Error {
    fn from(rejected: Rejected<O>) -> Self {
        let status = rejected.0.status();
        // The edge takes it out again and writes the document, with the request id.
        Self::new(rejected.0, status)
    }
}

impl<O: Operations> ApiResponse for Rejected<O> {
    fn meta() -> MetaResponses {
        let said = |status: u16| O::PROBLEMS.iter().any(|(known, _)| *known == status);
        let of_the_edge = OF_THE_EDGE.iter().filter(|(status, _)| !said(*status));
        let mut answers: Vec<_> = O::PROBLEMS.iter().chain(of_the_edge).collect();
        answers.sort_by_key(|(status, _)| *status);
        let responses = answers.into_iter().map(|(status, description)| MetaResponse {
            description,
            status: Some(*status),
            status_range: None,
            content: vec![MetaMediaType { content_type: PROBLEM_JSON, schema: Problem::schema_ref() }],
            headers: vec![],
        });
        MetaResponses { responses: responses.collect() }
    }

    fn register(registry: &mut Registry) {
        Problem::register(registry);
    }
}
