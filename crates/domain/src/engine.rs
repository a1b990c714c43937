//! Facts about the libtorrent session as a whole, in the stream `engine`.

use serde::{Deserialize, Serialize};

use crate::values::{RateLimit, TorrentId};

/// What happened to the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EngineEvent {
    /// The session runs.
    Started(EngineStarted),
    /// The session failed: its pump broke or libtorrent gave no answer.
    Faulted(EngineFaulted),
    /// A new session took the place of a faulted one.
    Restarted(EngineRestarted),
    /// A limit is in force.
    RateCapApplied(RateCapApplied),
}

/// `engine.started`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineStarted {
    /// The version that libtorrent states of itself.
    pub libtorrent_version: String,
    /// How many torrents the log holds that should be in the session.
    pub torrents: u64,
}

/// `engine.faulted`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineFaulted {
    /// What was seen.
    pub reason: String,
}

/// `engine.restarted`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineRestarted {
    /// Which attempt succeeded, counted from 1.
    pub attempt: u32,
}

/// Which way bytes go, seen from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// To this machine.
    Download,
    /// From it.
    Upload,
}

/// `engine.rate_cap_applied`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateCapApplied {
    /// Whose limit; `None`: of the whole session.
    pub torrent: Option<TorrentId>,
    /// Which way.
    pub direction: Direction,
    /// The limit before.
    pub old: Option<RateLimit>,
    /// The limit from here on.
    pub new: Option<RateLimit>,
    /// From the fact that asked for it, or the time at which a rule of the schedule began or ended, until libtorrent had it.
    pub delay_ms: u64,
}
