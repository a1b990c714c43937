//! Settings: one document in sections, changed by facts alone.
//!
//! Every key is declared once, with its type, range, default and description ([`section`]); validation, the API's schema, the
//! documentation and the client's completion all come from that declaration. The document is what the facts fold to, over
//! the defaults of this build: a key that a later build does not know, or no longer takes, is passed over, since a log
//! that was written must always fold.
//!
//! Nothing here knows what a setting does. Whoever applies one watches its section; whoever cannot says so by a
//! compensating change.

pub mod catalogue;
mod check;
mod command;
mod decide;
mod document;
mod engine;
mod event;
mod format;
mod fsops;
mod http;
mod instance;
mod limits;
mod patch;
mod retention;
mod rules;
mod schedule;
mod secret;
mod section;
mod telemetry;

use serde::{Deserialize, Serialize};

pub use command::{Patch, Refused, Reversal, SettingsCommand};
pub use decide::decide;
pub use document::differences;
pub use engine::{
    ChokingAlgorithm, DiskIoSettings, DiskMode, Encryption, EngineSettings, ProxyKind, ProxySettings,
    SeedChokingAlgorithm,
};
pub use event::{Change, Changed, SettingsEvent};
pub use format::Format;
pub use fsops::{Checksum, Cleanup, Conflict, Fallback, FsopsProfile, FsopsSettings, Transfer};
pub use http::{HttpSettings, RateLimitSettings, TlsSettings, UnauthenticatedRateLimitSettings};
pub use instance::InstanceSettings;
pub use limits::{LabelLimits, LimitSettings, ScheduleRule, ScheduleSettings, ShareAction, Weekday};
pub use patch::{Fault, FaultCode};
pub use retention::RetentionSettings;
pub use schedule::CapsAt;
pub use secret::SecretRef;
pub use telemetry::{LogLevel, TelemetrySettings};

/// The whole document. `Default` is what holds until somebody asks for something else; all of it is safe.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// What this instance is called.
    pub instance: InstanceSettings,
    /// The libtorrent session.
    pub engine: EngineSettings,
    /// Rates and shares.
    pub limits: LimitSettings,
    /// Finished files into a library.
    pub fsops: FsopsSettings,
    /// The API.
    pub http: HttpSettings,
    /// How long what is not kept for ever is kept.
    pub retention: RetentionSettings,
    /// What the service tells of itself, and from which marks on it calls itself degraded.
    pub telemetry: TelemetrySettings,
}
