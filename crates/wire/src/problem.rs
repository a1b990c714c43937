//! Problem documents (RFC 9457) with the codes that clients may rely on.

use serde::{Deserialize, Serialize};

/// The codes of problems. They are stable; the words beside them are not.
pub mod codes {
    /// The body or a parameter does not parse.
    pub const MALFORMED: &str = "malformed";
    /// The request parses and breaks a rule.
    pub const INVALID: &str = "invalid";
    /// A field or action that this version does not have yet.
    pub const NOT_SUPPORTED: &str = "not_supported";
    /// No such thing.
    pub const NOT_FOUND: &str = "not_found";
    /// The path exists, the method does not.
    pub const METHOD_NOT_ALLOWED: &str = "method_not_allowed";
    /// A torrent with this info hash is here.
    pub const TORRENT_EXISTS: &str = "torrent_exists";
    /// The torrent's state does not allow the command.
    pub const STATE_CONFLICT: &str = "state_conflict";
    /// Others changed the torrent at the same moment.
    pub const VERSION_CONFLICT: &str = "version_conflict";
    /// `If-Match` named another version.
    pub const PRECONDITION_FAILED: &str = "precondition_failed";
    /// The idempotency key was used for another command.
    pub const IDEMPOTENCY_KEY_REUSED: &str = "idempotency_key_reused";
    /// The torrent file is not usable.
    pub const INVALID_METAINFO: &str = "invalid_metainfo";
    /// The body is larger than accepted.
    pub const TOO_LARGE: &str = "too_large";
    /// The content type is none that is read.
    pub const UNSUPPORTED_MEDIA_TYPE: &str = "unsupported_media_type";
    /// The log, or what reads it, is away.
    pub const UNAVAILABLE: &str = "unavailable";
    /// The request comes from a page of another origin.
    pub const FOREIGN_ORIGIN: &str = "foreign_origin";
    /// No key was shown, or none that is accepted.
    pub const UNAUTHENTICATED: &str = "unauthenticated";
    /// The key's scope does not allow it.
    pub const FORBIDDEN: &str = "forbidden";
    /// More requests than may be made.
    pub const RATE_LIMITED: &str = "rate_limited";
    /// Nothing else is answered before the setup is complete.
    pub const SETUP_REQUIRED: &str = "setup_required";
    /// The setup is complete; there is no second one.
    pub const SETUP_COMPLETE: &str = "setup_complete";
    /// The setup is for whoever is on the machine.
    pub const SETUP_LOCAL_ONLY: &str = "setup_local_only";
    /// No such token was issued.
    pub const SETUP_TOKEN_WRONG: &str = "setup_token_wrong";
    /// The token was issued too long ago.
    pub const SETUP_TOKEN_EXPIRED: &str = "setup_token_expired";
    /// The token was used, or another one took its place.
    pub const SETUP_TOKEN_USED: &str = "setup_token_used";
    /// A repeat of what was answered with a secret, which is shown once.
    pub const SECRET_SHOWN: &str = "secret_shown";
    /// Without this key nobody could change settings and keys.
    pub const LAST_ADMIN_KEY: &str = "last_admin_key";
    /// There are as many keys as may be.
    pub const TOO_MANY_KEYS: &str = "too_many_keys";
    /// The read models do not reflect the position yet.
    pub const NOT_YET: &str = "not_yet";
    /// There is no profile of the file pipeline of this name.
    pub const UNKNOWN_PROFILE: &str = "unknown_profile";
    /// The settings have no such key.
    pub const UNKNOWN_KEY: &str = "unknown_key";
    /// The key of the settings never changes.
    pub const IMMUTABLE_KEY: &str = "immutable_key";
    /// The value contradicts another one.
    pub const CONTRADICTION: &str = "contradiction";
    /// What should be taken back was overwritten since, or others rest on it.
    pub const SETTINGS_CONFLICT: &str = "settings_conflict";
    /// The body of the request did not come in time.
    pub const TIMEOUT: &str = "timeout";
    /// A fault of the service.
    pub const INTERNAL: &str = "internal";
}

/// What went wrong, as `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(poem_openapi::Object))]
pub struct Problem {
    /// `about:blank`: the code says which problem it is.
    #[serde(rename = "type")]
    #[cfg_attr(feature = "openapi", oai(rename = "type"))]
    pub kind: String,
    /// The status in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong and what to do.
    pub detail: String,
    /// The request id.
    pub instance: String,
    /// One of [`codes`].
    pub code: String,
    /// Every field that failed.
    #[serde(default)]
    pub errors: Vec<FieldProblem>,
    /// The torrent that is there already, with the code `torrent_exists`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", oai(skip_serializing_if_is_none))]
    pub id: Option<String>,
}

/// One field or parameter that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(poem_openapi::Object))]
pub struct FieldProblem {
    /// Where in the body (RFC 6901).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", oai(skip_serializing_if_is_none))]
    pub pointer: Option<String>,
    /// Which query parameter or header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", oai(skip_serializing_if_is_none))]
    pub parameter: Option<String>,
    /// One of [`codes`].
    pub code: String,
    /// What is wrong and what to do.
    pub detail: String,
}

impl FieldProblem {
    /// A field of the body, by its RFC 6901 pointer.
    pub fn at(pointer: impl Into<String>, code: &str, detail: impl Into<String>) -> Self {
        Self { pointer: Some(pointer.into()), parameter: None, code: code.to_owned(), detail: detail.into() }
    }

    /// A query parameter or header.
    pub fn parameter(name: impl Into<String>, code: &str, detail: impl Into<String>) -> Self {
        Self { pointer: None, parameter: Some(name.into()), code: code.to_owned(), detail: detail.into() }
    }
}
