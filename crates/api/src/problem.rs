//! From what went wrong to a problem document (RFC 9457): the only place that decides an HTTP status.
//!
//! Every match here is exhaustive, so that a new error cannot be forgotten. What clients are told says what they can do;
//! internal causes are logged once, at the edge, and never sent.

mod access;

use poem::error::{MethodNotAllowedError, NotFoundError, ParsePathError};
use poem::http::StatusCode;
use revaer_application::{CommandError, KeyError, LiveError, SetupError};
use revaer_domain::selection::InvalidSelection;
use revaer_domain::torrent::Refused;
use revaer_event_log::ReadError;
use revaer_projections::QueryError;
use revaer_wire::{FieldProblem, Problem, codes};

use crate::guard::Denied;

/// How long a client waits before it asks again, when nothing better is known.
const RETRY_AFTER_SECONDS: u32 = 1;

/// Why a request is not answered as asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// Fields or parameters failed; every one of them is here.
    #[error("{} fields or parameters failed", .0.len())]
    Fields(Vec<FieldProblem>),
    /// The body is not the JSON object that was expected.
    #[error("the body does not parse: {0}")]
    MalformedBody(String),
    /// A command was refused.
    #[error("the command was refused")]
    Command(#[from] CommandError),
    /// A change of settings cannot be taken back any more; every value that stands in the way is here.
    #[error("{} values stand in the way", .0.len())]
    SettingsConflict(Vec<FieldProblem>),
    /// A command to a key was refused.
    #[error("the command to a key was refused")]
    Key(#[from] KeyError),
    /// A step of the setup was refused.
    #[error("the setup was refused")]
    Setup(#[from] SetupError),
    /// The guard says no.
    #[error("the guard refuses")]
    Denied(#[from] Denied),
    /// A query has no answer.
    #[error("the query has no answer")]
    Query(#[from] QueryError),
    /// The log cannot be read.
    #[error("the log cannot be read")]
    Log(#[from] ReadError),
    /// The session gives no answer.
    #[error("the session gives no answer")]
    Live(#[from] LiveError),
    /// The read models do not reach the position in time.
    #[error("position {0} is not reached yet")]
    NotYet(i64),
    /// Nothing is here.
    #[error("nothing is here")]
    NotFound,
    /// The path exists, the method does not.
    #[error("the method is not allowed")]
    MethodNotAllowed,
    /// Larger than accepted.
    #[error("more than {max} bytes")]
    TooLarge {
        /// The bound.
        max: usize,
    },
    /// All headers together are larger than accepted.
    #[error("headers of more than {max} bytes")]
    HeadersTooLarge {
        /// The bound.
        max: usize,
    },
    /// A page of another origin asks, or one whose name was made to point here.
    #[error("the request comes from a foreign page")]
    ForeignOrigin,
    /// A content type that is not read.
    #[error("the content type is not read")]
    UnsupportedMediaType {
        /// What is read.
        expected: &'static str,
    },
    /// As many clients follow the events as may.
    #[error("too many clients follow the events")]
    TooManyClients,
    /// The request took longer than it may.
    #[error("the request took too long")]
    Timeout,
    /// The body of the request comes too slowly.
    #[error("the body comes too slowly")]
    SlowBody,
    /// The framework refused the request before a handler saw it.
    #[error("the request is malformed")]
    MalformedRequest,
    /// A fault of ours.
    #[error("internal fault")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A panic of ours.
    #[error("a handler panicked: {0}")]
    Panic(String),
}

/// What decides how a refusal is told.
struct Verdict {
    status: StatusCode,
    code: &'static str,
    detail: String,
    errors: Vec<FieldProblem>,
    id: Option<String>,
}

impl Verdict {
    fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), errors: Vec::new(), id: None }
    }

    fn field(mut self, field: FieldProblem) -> Self {
        self.errors.push(field);
        self
    }
}

impl Refusal {
    /// What a request was refused with, whoever refused it.
    pub(crate) fn from_framework(error: poem::Error) -> Self {
        let error = match error.downcast::<Self>() {
            Ok(refusal) => return refusal,
            Err(error) => error,
        };
        if error.is::<NotFoundError>() || error.is::<ParsePathError>() {
            // A path that does not even parse names nothing.
            Self::NotFound
        } else if error.is::<MethodNotAllowedError>() {
            Self::MethodNotAllowed
        } else if error.status().is_client_error() {
            Self::MalformedRequest
        } else {
            Self::Internal(error.to_string().into())
        }
    }

    /// The problem document.
    pub(crate) fn problem(&self, request_id: &str) -> Problem {
        let verdict = self.verdict();
        Problem {
            kind: "about:blank".to_owned(),
            title: verdict.status.canonical_reason().unwrap_or("Error").to_owned(),
            status: verdict.status.as_u16(),
            detail: verdict.detail,
            instance: request_id.to_owned(),
            code: verdict.code.to_owned(),
            errors: verdict.errors,
            id: verdict.id,
        }
    }

    /// The status alone.
    pub(crate) fn status(&self) -> StatusCode {
        self.verdict().status
    }

    /// After how many seconds asking again may help.
    pub(crate) fn retry_after_seconds(&self) -> Option<u32> {
        match self {
            Self::Denied(Denied::RateLimited { retry_after_seconds }) => Some(*retry_after_seconds),
            _ => (self.status() == StatusCode::SERVICE_UNAVAILABLE).then_some(RETRY_AFTER_SECONDS),
        }
    }

    fn verdict(&self) -> Verdict {
        match self {
            Self::Fields(fields) => of_fields(fields),
            Self::MalformedBody(why) => {
                Verdict::new(StatusCode::BAD_REQUEST, codes::MALFORMED, "the body does not parse")
                    .field(FieldProblem::at("", codes::MALFORMED, why))
            }
            Self::Command(error) => of_command(error),
            Self::SettingsConflict(fields) => {
                let detail = "the change cannot be taken back any more; see errors";
                let mut verdict = Verdict::new(StatusCode::CONFLICT, codes::SETTINGS_CONFLICT, detail);
                verdict.errors.clone_from(fields);
                verdict
            }
            Self::Key(error) => access::of_key(error),
            Self::Setup(error) => access::of_setup(error),
            Self::Denied(denied) => access::of_guard(*denied),
            Self::Query(QueryError::Cursor) => {
                let detail = "the cursor is not one of this list with these filters and this sort";
                Verdict::new(StatusCode::BAD_REQUEST, codes::MALFORMED, detail)
                    .field(FieldProblem::parameter("cursor", codes::MALFORMED, detail))
            }
            Self::Query(QueryError::Database(_)) => unavailable("the read models cannot be reached"),
            Self::Log(ReadError::Database(_)) => unavailable("the log cannot be reached"),
            Self::Live(LiveError::NotInSession) => not_found("the torrent is not in the session"),
            Self::Live(LiveError::Unavailable(_)) => unavailable("the torrent session does not answer"),
            Self::NotYet(position) => Verdict::new(
                StatusCode::SERVICE_UNAVAILABLE,
                codes::NOT_YET,
                format!("the answer does not reflect position {position} yet; ask again"),
            ),
            Self::NotFound => not_found("nothing is here"),
            Self::MethodNotAllowed => Verdict::new(
                StatusCode::METHOD_NOT_ALLOWED,
                codes::METHOD_NOT_ALLOWED,
                "the path exists, but not with this method",
            ),
            Self::TooLarge { max } => Verdict::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                codes::TOO_LARGE,
                format!("more than the {max} bytes that are accepted"),
            ),
            Self::HeadersTooLarge { max } => Verdict::new(
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                codes::TOO_LARGE,
                format!("the headers have more than the {max} bytes that are accepted"),
            ),
            Self::ForeignOrigin => Verdict::new(
                StatusCode::FORBIDDEN,
                codes::FOREIGN_ORIGIN,
                "pages of other origins may not ask; use the address that the service listens on as the host",
            ),
            Self::UnsupportedMediaType { expected } => Verdict::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                codes::UNSUPPORTED_MEDIA_TYPE,
                format!("the content type has to be {expected}"),
            ),
            Self::TooManyClients => unavailable("as many clients follow the events as may"),
            Self::Timeout => unavailable(
                "the request took too long; whether it was carried out is not known: repeat it with the same Idempotency-Key",
            ),
            Self::SlowBody => Verdict::new(
                StatusCode::REQUEST_TIMEOUT,
                codes::TIMEOUT,
                "the body did not come in time; nothing was done",
            ),
            Self::MalformedRequest => {
                Verdict::new(StatusCode::BAD_REQUEST, codes::MALFORMED, "the request does not parse")
            }
            Self::Internal(_) | Self::Panic(_) => internal(),
        }
    }
}

/// What does not parse decides; among broken rules the code that all of them share, if they share one.
fn of_fields(fields: &[FieldProblem]) -> Verdict {
    let all = |code: &str| fields.iter().all(|field| field.code == code);
    let rule = |code, detail: &str| Verdict::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail);
    let mut verdict = if fields.iter().any(|field| field.code == codes::MALFORMED) {
        Verdict::new(StatusCode::BAD_REQUEST, codes::MALFORMED, "the request does not parse; see errors")
    } else if all(codes::NOT_SUPPORTED) {
        rule(codes::NOT_SUPPORTED, "the request asks for what this version does not have yet; see errors")
    } else if all(codes::INVALID_METAINFO) {
        rule(codes::INVALID_METAINFO, "the torrent file is not usable; see errors")
    } else {
        rule(codes::INVALID, "the request breaks rules; see errors")
    };
    verdict.errors = fields.to_vec();
    verdict
}

fn of_command(error: &CommandError) -> Verdict {
    let conflict = |code, detail: &str| Verdict::new(StatusCode::CONFLICT, code, detail);
    match error {
        CommandError::NotFound => not_found("there is no such torrent"),
        CommandError::Refused(refused) => match refused {
            Refused::Absent => not_found("there is no such torrent"),
            Refused::Removed => not_found("the torrent was removed; its history is still there"),
            Refused::Exists => conflict(codes::STATE_CONFLICT, "the torrent exists already"),
            Refused::Removing => conflict(codes::STATE_CONFLICT, "the torrent is being removed"),
            Refused::Moving => {
                conflict(codes::STATE_CONFLICT, "the torrent is being moved; one move at a time")
            }
            Refused::NoMetadata => {
                conflict(codes::STATE_CONFLICT, "the torrent's metadata is not known yet; wait for its files")
            }
            refused @ (Refused::Processing | Refused::Incomplete | Refused::NoProfile | Refused::NoJob) => {
                conflict(codes::STATE_CONFLICT, &refused.to_string())
            }
            Refused::UnknownProfile(_) => {
                of_fields(&[FieldProblem::at("/fsops_profile", codes::UNKNOWN_PROFILE, refused.to_string())])
            }
            Refused::Selection(invalid) => of_fields(&[of_selection(invalid, "")]),
        },
        CommandError::TorrentExists { id } => {
            let mut verdict = conflict(codes::TORRENT_EXISTS, "the torrent is here already");
            verdict.id = Some(id.to_string());
            verdict
        }
        CommandError::InvalidMetainfo(why) => {
            of_fields(&[FieldProblem::at("/metainfo", codes::INVALID_METAINFO, why)])
        }
        CommandError::VersionConflict => {
            conflict(codes::VERSION_CONFLICT, "others changed it at the same moment; try again")
        }
        CommandError::PreconditionFailed { actual } => Verdict::new(
            StatusCode::PRECONDITION_FAILED,
            codes::PRECONDITION_FAILED,
            format!("the version is {actual}, not the one of If-Match"),
        ),
        CommandError::KeyReused => Verdict::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            codes::IDEMPOTENCY_KEY_REUSED,
            "the Idempotency-Key was used with another request",
        ),
        CommandError::TooLarge { size, max } => Verdict::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            codes::TOO_LARGE,
            format!(
                "the change takes {size} bytes in the log, at most {max} are accepted: use fewer or shorter globs"
            ),
        ),
        CommandError::Unavailable => {
            unavailable("the log cannot be reached; nothing is known to have happened")
        }
        CommandError::Internal(_) => internal(),
    }
}

/// A rule for files that does not hold, at its place beneath `at`.
pub(crate) fn of_selection(invalid: &InvalidSelection, at: &str) -> FieldProblem {
    let pointer = match invalid {
        InvalidSelection::Glob { field: "priorities", index, .. }
        | InvalidSelection::GlobTooLong { field: "priorities", index } => {
            format!("{at}/priorities/{index}/glob")
        }
        InvalidSelection::Glob { field, index, .. } | InvalidSelection::GlobTooLong { field, index } => {
            format!("{at}/{field}/{index}")
        }
        InvalidSelection::TooMany => at.to_owned(),
        InvalidSelection::NoSuchFile { .. } => format!("{at}/priorities"),
    };
    FieldProblem::at(pointer, codes::INVALID, invalid.to_string())
}

fn not_found(detail: &str) -> Verdict {
    Verdict::new(StatusCode::NOT_FOUND, codes::NOT_FOUND, detail)
}

fn unavailable(detail: &str) -> Verdict {
    Verdict::new(StatusCode::SERVICE_UNAVAILABLE, codes::UNAVAILABLE, detail)
}

fn internal() -> Verdict {
    let detail = "the service has a fault; its log has the cause under this request id";
    Verdict::new(StatusCode::INTERNAL_SERVER_ERROR, codes::INTERNAL, detail)
}
