//! How the service is.

use serde::{Deserialize, Serialize};

/// `GET /health`: it is alive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(poem_openapi::Object))]
pub struct Health {
    /// `alive`.
    pub status: String,
    /// The version of the service.
    pub version: String,
}

/// `GET /health/full`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(poem_openapi::Object))]
pub struct HealthReport {
    /// The worst of the components: `well`, `degraded` or `failed`.
    pub status: String,
    /// The version of the service.
    pub version: String,
    /// What it was built from and what it runs on; absent in answers of services from before it was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", oai(skip_serializing_if_is_none))]
    pub about: Option<AboutReport>,
    /// Each part.
    pub components: Vec<ComponentHealth>,
    /// How far the setup is; absent in answers of services from before there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", oai(skip_serializing_if_is_none))]
    pub setup: Option<SetupReport>,
    /// Where this process goes by other values than the document of the settings has; absent in answers of services that did
    /// not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", oai(skip_serializing_if_is_none))]
    pub settings: Option<SettingsReport>,
}

/// Where a process goes by other values than the document of the settings has. Keys alone: the document needs another scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(poem_openapi::Object))]
pub struct SettingsReport {
    /// The version of the document that this process knows.
    pub version: u32,
    /// The keys (RFC 6901, into the document) whose new values take effect at the next start.
    pub restart_required: Vec<String>,
    /// The keys whose values the command line gives.
    pub overridden: Vec<OverriddenSetting>,
}

/// A key whose value the command line gives, as long as this process runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(poem_openapi::Object))]
pub struct OverriddenSetting {
    /// RFC 6901, into the document.
    pub path: String,
    /// What gives it, such as `--peer-listen`.
    pub flag: String,
}

/// What runs, and on what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(poem_openapi::Object))]
pub struct AboutReport {
    /// The revision that it was built from; `unknown` where nobody said it.
    pub revision: String,
    /// The version of libtorrent.
    pub libtorrent: String,
    /// The version of the PostgreSQL server.
    pub postgres: String,
    /// The newest migration of the log's schema.
    pub schema_version: i64,
}

/// How far the setup is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(poem_openapi::Object))]
pub struct SetupReport {
    /// `required`, `token_issued` or `complete`.
    pub phase: String,
    /// Until when the token is accepted, RFC 3339; null where there is none.
    pub token_expires_at: Option<String>,
    /// How often a token was not accepted.
    pub failed_attempts: u32,
}

/// One part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(poem_openapi::Object))]
pub struct ComponentHealth {
    /// Its name.
    pub component: String,
    /// `well`, `degraded` or `failed`.
    pub state: String,
    /// RFC 3339.
    pub since: String,
    /// Why; empty when it is well.
    pub reason: String,
    /// How long it took to answer; null where nothing was asked.
    #[serde(default)]
    pub latency_ms: Option<u64>,
    /// The place in the log that it has reached, where it has one.
    #[serde(default)]
    pub position: Option<i64>,
    /// What to do; null where nothing needs to be done.
    #[serde(default)]
    pub advice: Option<String>,
}
