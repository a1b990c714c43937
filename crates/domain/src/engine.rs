//! Facts about the libtorrent session as a whole, in the stream `engine`.

use serde::{Deserialize, Serialize};

/// What happened to the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EngineEvent {
    /// The session runs.
    Started(EngineStarted),
    /// The session failed: its pump broke or libtorrent gave no answer.
    Faulted(EngineFaulted),
    /// A new session took the place of a faulted one.
    Restarted(EngineRestarted),
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
