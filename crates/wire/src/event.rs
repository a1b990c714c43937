//! An event as it stands in the stream (`data:` of SSE) and in a history.

use serde::{Deserialize, Serialize};

/// What a page in a browser opens a stream with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(poem_openapi::Object))]
pub struct StreamTicket {
    /// For the parameter `ticket`, once.
    pub ticket: String,
    /// RFC 3339: not valid from then on.
    pub expires_at: String,
}

/// A fact or a sample.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(poem_openapi::Object))]
pub struct EventFrame {
    /// Its place in the log.
    pub position: i64,
    /// What happened, for instance `torrent.paused`.
    pub kind: String,
    /// To whom: `torrent-<ULID>`, `engine`, `health`.
    pub stream: String,
    /// Its place in the stream; null for a sample.
    pub version: Option<u32>,
    /// RFC 3339.
    pub recorded_at: String,
    /// Who did it; null for a sample.
    pub actor: Option<String>,
    /// The request that gave the command.
    #[serde(default)]
    pub request_id: Option<String>,
    /// The same for everything that follows from one command.
    #[serde(default)]
    pub correlation_id: Option<String>,
    /// What led to it directly: a request, or `position:<p>`.
    #[serde(default)]
    pub causation_id: Option<String>,
    /// What the kind says.
    pub data: serde_json::Value,
}
