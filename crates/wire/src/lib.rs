//! The JSON bodies of the API and its problem codes, shared by the server and the CLI.
//!
//! Names here are a contract with clients: fields are added, never renamed. Bytes are bytes, rates are bytes per second,
//! times are RFC 3339 in UTC, `null` means none. The types are plain: what a value means is judged in `domain`.

mod audit;
mod event;
mod health;
mod key;
mod problem;
mod request;
mod settings;
mod torrent;

pub use audit::{AuditEntry, AuditPage};
pub use event::{EventFrame, StreamTicket};
pub use health::{
    AboutReport, ComponentHealth, Health, HealthReport, OverriddenSetting, SettingsReport, SetupReport,
};
pub use key::{
    ApiKey, ApiKeyPage, CompleteSetupRequest, IssueKeyRequest, IssuedKey, RequestLimit, RotateKeyRequest,
    SetupToken,
};
pub use problem::{FieldProblem, Problem, codes};
pub use request::{ActionRequest, AddRequest, PriorityRequest, SelectRequest};
pub use settings::{RevertRequest, SettingChange, SettingsAnswer, SettingsHistoryEntry, SettingsHistoryPage};
pub use torrent::{
    ExplainedFile, Failure, FileEntry, FileList, HistoryEntry, HistoryPage, InfoHashes, Peer, PeerList,
    RateCap, Selection, SelectionExplanation, SelectionPriority, ShareLimits, Torrent, TorrentPage, Tracker,
    TrackerList,
};
