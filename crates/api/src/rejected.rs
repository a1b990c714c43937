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
/// The event stream.
pub(crate) struct Streams;

const UNAVAILABLE: (u16, &str) =
    (503, "The database or the session is away, or `min_position` is not reached: try again.");
const INTERNAL: (u16, &str) = (500, "A fault of the service.");
const FOREIGN: (u16, &str) = (403, "A page of another origin asks.");
const NOT_FOUND: (u16, &str) = (404, "No such torrent.");

impl Operations for Reads {
    const PROBLEMS: &'static Answers = &[
        (400, "A parameter does not parse."),
        FOREIGN,
        NOT_FOUND,
        (422, "A parameter breaks a rule."),
        (431, "The headers are too large."),
        INTERNAL,
        UNAVAILABLE,
    ];
}

impl Operations for Adds {
    const PROBLEMS: &'static Answers = &[
        (400, "The body does not parse."),
        FOREIGN,
        (409, "The torrent is here already (`torrent_exists`, with its `id`)."),
        (413, "The body is too large."),
        (415, "The content type is not read."),
        (
            422,
            "The request breaks a rule, asks for what is not supported yet, or reuses an `Idempotency-Key`.",
        ),
        (431, "The headers are too large."),
        INTERNAL,
        UNAVAILABLE,
    ];
}

impl Operations for Commands {
    const PROBLEMS: &'static Answers = &[
        (400, "The body does not parse."),
        FOREIGN,
        NOT_FOUND,
        (409, "The torrent's state does not allow it, or others changed it at the same moment."),
        (412, "The torrent does not have the version of `If-Match`."),
        (413, "The body is too large."),
        (415, "The content type is not read."),
        (
            422,
            "The request breaks a rule, asks for what is not supported yet, or reuses an `Idempotency-Key`.",
        ),
        (431, "The headers are too large."),
        INTERNAL,
        UNAVAILABLE,
    ];
}

impl Operations for Streams {
    const PROBLEMS: &'static Answers = &[
        (400, "The position to resume from does not parse. Nothing else is answered so."),
        FOREIGN,
        (404, "No live torrent has this info hash."),
        (422, "A parameter breaks a rule."),
        (431, "The headers are too large."),
        INTERNAL,
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
        let responses = O::PROBLEMS.iter().map(|(status, description)| MetaResponse {
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
