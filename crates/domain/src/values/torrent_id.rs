//! The identity of a torrent in the log: a ULID, so that ids sort by the time of the add.
//!
//! It is not the info hash: a torrent that is removed and added again is another torrent with another history.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use ulid::Ulid;

/// A torrent's identity for as long as the log exists.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TorrentId(Ulid);

/// The text is not a ULID of 26 characters in Crockford's base 32.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a torrent id: expected a ULID of 26 characters")]
pub struct InvalidTorrentId;

impl TorrentId {
    /// Names a torrent by a ULID that the caller drew.
    pub const fn new(ulid: Ulid) -> Self {
        Self(ulid)
    }

    /// The ULID itself.
    pub const fn ulid(self) -> Ulid {
        self.0
    }

    /// The torrent's stream in the log: `torrent-<ULID>`.
    pub fn stream(self) -> String {
        format!("torrent-{}", self.0)
    }

    /// The torrent whose stream has this name, if it is the stream of a torrent.
    pub fn from_stream(stream: &str) -> Option<Self> {
        stream.strip_prefix("torrent-")?.parse().ok()
    }
}

impl FromStr for TorrentId {
    type Err = InvalidTorrentId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ulid::from_string(text).map(Self).map_err(|_| InvalidTorrentId)
    }
}

impl fmt::Display for TorrentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for TorrentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TorrentId({})", self.0)
    }
}
