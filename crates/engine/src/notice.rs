//! What the session tells: what it saw of its torrents, and of itself.

use std::time::Instant;

use revaer_domain::torrent::{LeftFile, Phase, SelectionApplied, Totals};
use revaer_domain::values::{InfoHashes, RateCap, SavePath, TorrentId};

/// A file of a torrent. Padding is not a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TorrentFile {
    /// Its path inside the torrent, top folder included.
    pub path: String,
    /// How long it is.
    pub size_bytes: u64,
}

/// Something that was seen. Whoever takes it decides whether it is news.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EngineNotice {
    /// The files of a magnet are known.
    MetadataReceived {
        /// Which torrent.
        id: TorrentId,
        /// The torrent file.
        metainfo: Vec<u8>,
        /// The hashes, now complete.
        info_hashes: InfoHashes,
        /// The torrent's own name.
        name: String,
        /// Its files.
        files: Vec<TorrentFile>,
        /// Bytes a piece.
        piece_length_bytes: u32,
        /// How many pieces.
        piece_count: u32,
        /// Announce URLs that the metainfo names.
        trackers: Vec<String>,
    },
    /// The rule is followed.
    SelectionApplied {
        /// Which torrent.
        id: TorrentId,
        /// The rule, and what it came to.
        applied: SelectionApplied,
    },
    /// It is in another phase.
    Phase {
        /// Which torrent.
        id: TorrentId,
        /// The phase.
        phase: Phase,
        /// The counters with it.
        totals: Totals,
    },
    /// What libtorrent knows of it, to be given back at the next add.
    ResumeData {
        /// Which torrent.
        id: TorrentId,
        /// libtorrent's own form.
        body: Vec<u8>,
        /// How many pieces it has.
        piece_count: u32,
    },
    /// Every wanted byte is on disk, and the resume data before this notice says so.
    Finished {
        /// Which torrent.
        id: TorrentId,
        /// The counters with it.
        totals: Totals,
    },
    /// It cannot go on. Told once, however many pieces fail.
    Failed {
        /// Which torrent.
        id: TorrentId,
        /// Stable and short.
        code: String,
        /// The words of libtorrent or of the operating system.
        detail: String,
    },
    /// It goes on after an attempt.
    Recovered {
        /// Which torrent.
        id: TorrentId,
    },
    /// Other limits are in force.
    RateCapApplied {
        /// Which torrent.
        id: TorrentId,
        /// The limits before.
        from: RateCap,
        /// The limits from here on.
        to: RateCap,
        /// Since when: a notice may wait for whoever takes it.
        at: Instant,
    },
    /// The announce was asked for.
    Reannounced {
        /// Which torrent.
        id: TorrentId,
        /// The number of the request.
        request: u32,
    },
    /// The check ended.
    Rechecked {
        /// Which torrent.
        id: TorrentId,
        /// The number of the request.
        request: u32,
        /// What was found.
        totals: Totals,
        /// Whether every wanted byte is there.
        complete: bool,
    },
    /// The files are in their new place.
    Moved {
        /// Which torrent.
        id: TorrentId,
        /// The place.
        save_path: SavePath,
    },
    /// The files could not be moved.
    MoveFailed {
        /// Which torrent.
        id: TorrentId,
        /// The place asked for.
        save_path: SavePath,
        /// Why not.
        detail: String,
    },
    /// It is out of the session.
    Removed {
        /// Which torrent.
        id: TorrentId,
        /// Whether its files are gone, by a look at the disk.
        data_deleted: bool,
        /// What was left, and why.
        left: Vec<LeftFile>,
    },
    /// The session differed from the log, and no command explains it.
    Diverged {
        /// Which torrent.
        id: TorrentId,
        /// What differed.
        field: String,
        /// What the log says.
        expected: String,
        /// What the session had.
        found: String,
    },
    /// The session is broken and is torn down.
    Faulted {
        /// Why.
        reason: String,
    },
    /// A new session runs; it is empty until everything is reconciled.
    Restarted {
        /// Which attempt it was.
        attempt: u32,
    },
    /// There will be no more attempts.
    GaveUp {
        /// Why.
        reason: String,
    },
    /// The first session runs.
    Started {
        /// Which libtorrent.
        libtorrent_version: String,
    },
}

impl EngineNotice {
    /// The torrent that it is about.
    pub const fn id(&self) -> Option<TorrentId> {
        match self {
            Self::MetadataReceived { id, .. }
            | Self::SelectionApplied { id, .. }
            | Self::Phase { id, .. }
            | Self::ResumeData { id, .. }
            | Self::Finished { id, .. }
            | Self::Failed { id, .. }
            | Self::Recovered { id }
            | Self::RateCapApplied { id, .. }
            | Self::Reannounced { id, .. }
            | Self::Rechecked { id, .. }
            | Self::Moved { id, .. }
            | Self::MoveFailed { id, .. }
            | Self::Removed { id, .. }
            | Self::Diverged { id, .. } => Some(*id),
            Self::Faulted { .. } | Self::Restarted { .. } | Self::GaveUp { .. } | Self::Started { .. } => {
                None
            }
        }
    }
}
