//! The write side: a command comes in, facts go into the log, the answer goes out. Everything else only reads the log.
//!
//! The application does not know HTTP, and it does not know libtorrent: what it needs of a live session (peers, trackers,
//! reading a torrent file) are ports, traits that `server` wires to the engine. It never waits for libtorrent.

mod access;
mod add;
mod announce_urls;
mod bodies;
mod cache;
mod caller;
mod clock;
mod command_store;
mod dispatch;
mod error;
mod health;
mod history;
mod metrics;
mod observe;
mod pages;
mod ports;
mod prefetch;
mod settings;
mod stream_lock;
mod system_stream;

pub use access::{
    AccessFollower, AuthFailure, GRACE_DEFAULT, GRACE_MAX, InvalidSetupToken, IssueKey, IssuedKey,
    IssuedToken, KEYS_MAX, KeyError, KeyView, Principal, Secret, ServerKey, SetupError, SetupToken,
    SetupView, TOKEN_VALIDITY, UseRecorder,
};
pub use add::{AddSource, AddTorrent};
pub use bodies::{Bodies, ResumeRow, TorrentFile};
pub use caller::Caller;
pub use clock::{Clock, SystemClock};
pub use dispatch::{Application, Done, Parts};
pub use error::CommandError;
pub use health::{ComponentHealth, HealthRecorder, HealthRegistry};
pub use history::At;
pub use metrics::Metrics;
pub use observe::DiscoveredFiles;
pub use ports::{
    CertificateFault, CertificateJudge, LiveError, LivePeer, LiveRates, LiveTracker, LiveView,
    MetainfoParser, ParsedMetainfo,
};
pub use prefetch::PrefetchedBodies;
pub use settings::{
    Override, SecretSweeper, Section, SettingsChange, SettingsDone, SettingsError, SettingsFollower,
    SettingsNow, SettingsView,
};
pub use system_stream::SystemStream;
