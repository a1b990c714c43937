//! What an add, a removal and a save say.

use std::net::SocketAddr;
use std::ops::BitOr;

use crate::ffi::bridge::RawAdd;
use crate::flags::TorrentFlags;

/// What a torrent is added from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A magnet URI.
    Magnet(String),
    /// A torrent file.
    Metainfo(Vec<u8>),
    /// Resume data, with the torrent file where the resume data does not hold it.
    Resume {
        /// As saved.
        resume_data: Vec<u8>,
        /// The torrent file.
        metainfo: Option<Vec<u8>>,
    },
}

/// One add: nothing is set a moment later that could be said here. What is said here wins over resume data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddTorrent {
    /// The torrent.
    pub source: Source,
    /// An absolute folder.
    pub save_path: String,
    /// Values of the flags in `mask`.
    pub flags: TorrentFlags,
    /// The flags that `flags` speaks of.
    pub mask: TorrentFlags,
    /// Priorities of the files, 0 to 7; empty leaves them to the source. Those that resume data left out follow a moment
    /// after the add: see [`crate::Session::file_priorities`].
    pub file_priorities: Vec<u8>,
    /// `None`: no limit.
    pub download_bytes_per_second: Option<u32>,
    /// `None`: no limit.
    pub upload_bytes_per_second: Option<u32>,
    /// Most peers; `None`: no limit but the session's.
    pub connections_max: Option<u32>,
    /// Most peers that are sent to; `None`: no limit but the session's.
    pub upload_slots_max: Option<u32>,
    /// Announce URLs beside those of the source.
    pub trackers: Vec<String>,
    /// Peers to try first.
    pub peers: Vec<SocketAddr>,
}

impl AddTorrent {
    /// A torrent with libtorrent's defaults, except that its queue does not manage it.
    pub fn new(source: Source, save_path: impl Into<String>) -> Self {
        Self { source, save_path: save_path.into(), ..Self::default() }
    }

    pub(crate) fn raw(&self) -> RawAdd {
        let (source, magnet, metainfo, resume_data) = match &self.source {
            Source::Magnet(magnet) => (0, magnet.clone(), Vec::new(), Vec::new()),
            Source::Metainfo(metainfo) => (1, String::new(), metainfo.clone(), Vec::new()),
            Source::Resume { resume_data, metainfo } => {
                (2, String::new(), metainfo.clone().unwrap_or_default(), resume_data.clone())
            }
        };
        RawAdd {
            source,
            metainfo,
            magnet,
            resume_data,
            save_path: self.save_path.clone(),
            flags: self.flags.0,
            mask: self.mask.0,
            file_priorities: self.file_priorities.clone(),
            download_limit: limit(self.download_bytes_per_second),
            upload_limit: limit(self.upload_bytes_per_second),
            connections_max: limit(self.connections_max),
            upload_slots_max: limit(self.upload_slots_max),
            trackers: self.trackers.clone(),
            peers: self.peers.iter().map(SocketAddr::to_string).collect(),
        }
    }
}

impl Default for AddTorrent {
    fn default() -> Self {
        Self {
            source: Source::Magnet(String::new()),
            save_path: String::new(),
            flags: TorrentFlags::NONE,
            mask: TorrentFlags::AUTO_MANAGED | TorrentFlags::PAUSED,
            file_priorities: Vec::new(),
            download_bytes_per_second: None,
            upload_bytes_per_second: None,
            connections_max: None,
            upload_slots_max: None,
            trackers: Vec::new(),
            peers: Vec::new(),
        }
    }
}

/// A limit as libtorrent takes it: 0 for none.
pub(crate) fn limit(bytes_per_second: Option<u32>) -> i32 {
    bytes_per_second.map_or(0, |limit| i32::try_from(limit).unwrap_or(i32::MAX))
}

/// An add that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posted {
    /// Whether files are held back, which resume data had left out: their priorities have to be set when it was added.
    pub held_back: bool,
    /// The priorities that the resume data had, where the add has others; empty for none.
    pub found: Vec<u8>,
}

/// What a removal does with the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemoveFiles {
    /// They stay.
    Keep,
    /// libtorrent deletes them, late, and not always truthfully: look for yourself.
    Delete,
}

/// How resume data is saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SaveResume(pub u8);

impl SaveResume {
    /// Nothing when nothing moved since the last save.
    pub const ONLY_IF_MODIFIED: Self = Self(1);
    /// The info dictionary too: without it a magnet's resume data has no metadata.
    pub const SAVE_INFO_DICT: Self = Self(2);
    /// Starts a flush too, and does not wait for it: see [`crate::Session::flush`].
    pub const FLUSH_DISK_CACHE: Self = Self(4);
}

impl BitOr for SaveResume {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
