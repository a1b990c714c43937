//! API keys, and the setup that issues the first one.

use serde::{Deserialize, Serialize};

/// A limit of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(poem_openapi::Object), oai(deny_unknown_fields))]
pub struct RequestLimit {
    /// Requests a second in the long run, 1 to 1,000,000.
    pub requests_per_second: u32,
    /// Requests at once after a quiet time, 1 to 1,000,000.
    pub burst: u32,
}

/// `POST /v1/api-keys`
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[cfg_attr(feature = "openapi", derive(poem_openapi::Object), oai(default))]
pub struct IssueKeyRequest {
    /// What people call it: 1 to 64 bytes. Needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// `read`, `control` or `admin`. Needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// When it ends by itself, RFC 3339; null for never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// Its own limit; null for that of the settings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RequestLimit>,
}

/// `POST /v1/api-keys/{id}/rotate`
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[cfg_attr(feature = "openapi", derive(poem_openapi::Object), oai(default))]
pub struct RotateKeyRequest {
    /// How long the secret that is replaced is accepted too, 0 to 2,592,000; an hour if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace_seconds: Option<u64>,
}

/// A key with its secret, shown this once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(poem_openapi::Object))]
pub struct IssuedKey {
    /// ULID.
    pub id: String,
    /// What people call it.
    pub label: String,
    /// `read`, `control` or `admin`.
    pub scope: String,
    /// When it ends by itself, RFC 3339.
    pub expires_at: Option<String>,
    /// Until when the secret before this one is accepted too, RFC 3339.
    #[serde(default)]
    pub previous_valid_until: Option<String>,
    /// To be sent as `Authorization: Bearer <secret>`. Nobody can ask for it again.
    pub secret: String,
}

/// The secret is not for logs.
impl std::fmt::Debug for IssuedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IssuedKey").field("id", &self.id).field("label", &self.label).finish_non_exhaustive()
    }
}

/// A key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(poem_openapi::Object))]
pub struct ApiKey {
    /// ULID.
    pub id: String,
    /// What people call it.
    pub label: String,
    /// `read`, `control` or `admin`.
    pub scope: String,
    /// RFC 3339.
    pub issued_at: String,
    /// When it ends by itself, RFC 3339.
    pub expires_at: Option<String>,
    /// To the minute, RFC 3339; null if it was never used.
    pub last_used_at: Option<String>,
    /// Its own limit; null for that of the settings.
    pub rate_limit: Option<RequestLimit>,
    /// Stands for the secret in the log.
    pub fingerprint: String,
    /// Until when the secret before is accepted too, RFC 3339.
    pub previous_valid_until: Option<String>,
}

/// `GET /v1/api-keys`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(poem_openapi::Object))]
pub struct ApiKeyPage {
    /// Keys that were not revoked, oldest first.
    pub items: Vec<ApiKey>,
    /// Where the next page begins; null on the last one.
    pub next_cursor: Option<String>,
}

/// `POST /v1/setup/start`: the one-time token, shown this once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(poem_openapi::Object))]
pub struct SetupToken {
    /// To be exchanged by `POST /v1/setup/complete`.
    pub token: String,
    /// RFC 3339.
    pub expires_at: String,
}

/// The token is not for logs.
impl std::fmt::Debug for SetupToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SetupToken").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// `POST /v1/setup/complete`
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[cfg_attr(feature = "openapi", derive(poem_openapi::Object), oai(default))]
pub struct CompleteSetupRequest {
    /// The one-time token, or the one of `--setup-token-file`. Needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// What the instance is called: 1 to 64 bytes. Needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_name: Option<String>,
    /// What the first key is called: 1 to 64 bytes. Needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_label: Option<String>,
}

/// The token is not for logs.
impl std::fmt::Debug for CompleteSetupRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CompleteSetupRequest").field("key_label", &self.key_label).finish_non_exhaustive()
    }
}
