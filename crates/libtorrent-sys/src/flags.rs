//! The flags of a torrent, with libtorrent's own values.

use std::ops::BitOr;

/// A set of flags (`lt::torrent_flags`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TorrentFlags(pub u64);

impl TorrentFlags {
    /// None.
    pub const NONE: Self = Self(0);
    /// Everything counts as complete until a piece fails its hash.
    pub const SEED_MODE: Self = Self(1 << 0);
    /// Nothing is downloaded; libtorrent sets it after a disk error.
    pub const UPLOAD_MODE: Self = Self(1 << 1);
    /// Download only what pays in uploads.
    pub const SHARE_MODE: Self = Self(1 << 2);
    /// Stands still.
    pub const PAUSED: Self = Self(1 << 4);
    /// libtorrent's own queue decides when it runs.
    pub const AUTO_MANAGED: Self = Self(1 << 5);
    /// `post_updates` speaks of it.
    pub const UPDATE_SUBSCRIBE: Self = Self(1 << 7);
    /// Pieces in order.
    pub const SEQUENTIAL: Self = Self(1 << 9);
    /// Pauses as soon as its files are checked.
    pub const STOP_WHEN_READY: Self = Self(1 << 10);
    /// Saves resume data although nothing moved.
    pub const NEED_SAVE_RESUME: Self = Self(1 << 13);
    /// No DHT.
    pub const DISABLE_DHT: Self = Self(1 << 19);
    /// No local service discovery.
    pub const DISABLE_LSD: Self = Self(1 << 20);
    /// No peer exchange.
    pub const DISABLE_PEX: Self = Self(1 << 21);
    /// Files are unwanted until a priority says otherwise.
    pub const DEFAULT_DONT_DOWNLOAD: Self = Self(1 << 23);

    /// Whether every flag of the other set is in this one.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for TorrentFlags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
