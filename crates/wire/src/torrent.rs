//! What the API says of torrents.

use serde::{Deserialize, Serialize};

macro_rules! body {
    ($($(#[$meta:meta])* pub struct $name:ident { $($(#[$field_meta:meta])* pub $field:ident: $type:ty,)* })*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(poem_openapi::Object))]
        pub struct $name { $($(#[$field_meta])* pub $field: $type,)* }
    )*};
}

body! {
    /// A torrent.
    pub struct Torrent {
        /// ULID.
        pub id: String,
        /// Its hashes.
        pub info_hashes: InfoHashes,
        /// Its name.
        pub name: String,
        /// `metadata`, `queued`, `checking`, `downloading`, `paused`, `processing`, `seeding`, `completed`, `moving`,
        /// `removing` or `failed`.
        pub state: String,
        /// 0 to 1, of the wanted bytes.
        pub progress: f64,
        /// All files; null until the metadata is known.
        pub size_bytes: Option<u64>,
        /// The wanted files.
        pub wanted_bytes: Option<u64>,
        /// Payload received, ever.
        pub downloaded_bytes: u64,
        /// Payload sent, ever.
        pub uploaded_bytes: u64,
        /// Payload received a second.
        pub download_bytes_per_second: u64,
        /// Payload sent a second.
        pub upload_bytes_per_second: u64,
        /// Sent divided by received; null before anything was received.
        pub ratio: Option<f64>,
        /// Until complete at the rate of now; null when it does not move.
        pub eta_seconds: Option<u64>,
        /// Connected peers.
        pub peers: u32,
        /// Those of them that have everything.
        pub seeds: u32,
        /// Labels.
        pub labels: Vec<String>,
        /// Hosts of its trackers.
        pub trackers: Vec<String>,
        /// RFC 3339.
        pub added_at: String,
        /// RFC 3339; null while something is missing.
        pub completed_at: Option<String>,
        /// Relative to the download root.
        pub save_path: String,
        /// Where its files are now, relative to the download root.
        pub content_path: String,
        /// Why it cannot go on.
        pub error: Option<Failure>,
        /// The rule in force.
        pub selection: Selection,
        /// Its limits.
        pub rate_cap: RateCap,
        /// Its own limits of sharing.
        pub share_limits: ShareLimits,
        /// Whether it downloads in order.
        pub sequential: bool,
        /// The number of its facts.
        pub version: u32,
        /// The place of its last fact in the log.
        pub position: i64,
    }

    /// Hexadecimal info hashes.
    pub struct InfoHashes {
        /// SHA-1 (BEP 3).
        pub v1: Option<String>,
        /// SHA-256 (BEP 52).
        pub v2: Option<String>,
    }

    /// Why a torrent cannot go on.
    pub struct Failure {
        /// Stable.
        pub code: String,
        /// Words.
        pub detail: String,
    }

    /// Which files are wanted.
    pub struct Selection {
        /// Globs of wanted files; none means all.
        pub include: Vec<String>,
        /// Globs of unwanted files.
        pub exclude: Vec<String>,
        /// Priorities by index or glob.
        pub priorities: Vec<SelectionPriority>,
        /// Whether globs tell upper from lower case.
        pub case_sensitive: bool,
        /// Whether samples, proofs, notes and the like are unwanted.
        pub skip_fluff: bool,
        /// Whether the first and last pieces of each wanted file come before the others.
        pub first_last_piece_first: bool,
    }

    /// What a rule comes to, file by file; without files until the metadata is known.
    pub struct SelectionExplanation {
        /// The rule.
        pub selection: Selection,
        /// The wanted files together.
        pub wanted_bytes: u64,
        /// The files.
        pub items: Vec<ExplainedFile>,
    }

    /// A file, and which part of the rule decides about it.
    pub struct ExplainedFile {
        /// Its place in the torrent.
        pub index: u32,
        /// Its path, top folder included.
        pub path: String,
        /// Its size.
        pub size_bytes: u64,
        /// 0 skip, 1 low, 4 normal, 7 high.
        pub priority: u8,
        /// `priorities`, `exclude`, `skip_fluff` or `include`; null if nothing speaks of it, and it is wanted for that.
        pub decided_by: Option<String>,
        /// The glob that matched; null if it was named by its index, or if `include` has no glob that matches.
        pub glob: Option<String>,
        /// With `skip_fluff`: what such files are, such as `samples`.
        pub fluff: Option<String>,
    }

    /// A priority of a rule.
    pub struct SelectionPriority {
        /// The file's index.
        pub index: Option<u32>,
        /// A glob.
        pub glob: Option<String>,
        /// 0, 1, 4 or 7.
        pub priority: u8,
    }

    /// Limits; null means none.
    pub struct RateCap {
        /// Download.
        pub download_bytes_per_second: Option<u32>,
        /// Upload.
        pub upload_bytes_per_second: Option<u32>,
    }

    /// Limits of sharing; null means as its labels say, and else as the settings do.
    pub struct ShareLimits {
        /// Sent divided by received at which `share_action` is taken, in thousandths.
        pub share_ratio: Option<f64>,
        /// Seeding time at which it is taken.
        pub seed_time_seconds: Option<u64>,
        /// `pause`, `remove` (its files stay) or `nothing`.
        pub share_action: Option<String>,
    }

    /// A page of torrents.
    pub struct TorrentPage {
        /// The torrents.
        pub items: Vec<Torrent>,
        /// For the next page; null on the last.
        pub next_cursor: Option<String>,
        /// The place in the log that the page reflects: follow the events from here.
        pub position: i64,
    }

    /// A file of a torrent.
    pub struct FileEntry {
        /// Its place in the torrent.
        pub index: u32,
        /// Its path, top folder included.
        pub path: String,
        /// Its size.
        pub size_bytes: u64,
        /// 0 skip, 1 low, 4 normal, 7 high.
        pub priority: u8,
        /// 0 to 1.
        pub progress: f64,
    }

    /// The files of a torrent; empty until the metadata is known.
    pub struct FileList {
        /// The files.
        pub items: Vec<FileEntry>,
    }

    /// A tracker as the session sees it now.
    pub struct Tracker {
        /// Announce URL; where it may have a member's key in it, its host and a fingerprint of the whole.
        pub url: String,
        /// 0 first (BEP 12).
        pub tier: u32,
        /// `not_contacted`, `working`, `updating` or `failing`.
        pub status: String,
        /// What was said last.
        pub message: Option<String>,
    }

    /// The trackers of a torrent.
    pub struct TrackerList {
        /// The trackers.
        pub items: Vec<Tracker>,
    }

    /// A connected peer.
    pub struct Peer {
        /// `address:port`.
        pub address: String,
        /// What it calls itself.
        pub client: String,
        /// The part that it has.
        pub progress: f64,
        /// Payload from it.
        pub download_bytes_per_second: u64,
        /// Payload to it.
        pub upload_bytes_per_second: u64,
    }

    /// The connected peers of a torrent.
    pub struct PeerList {
        /// The peers.
        pub items: Vec<Peer>,
    }
}

/// A fact of a torrent's history; the same form as an event of the stream.
pub type HistoryEntry = crate::EventFrame;

/// A page of a torrent's history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(poem_openapi::Object))]
pub struct HistoryPage {
    /// Facts in order.
    pub items: Vec<HistoryEntry>,
    /// For the next page; null on the last.
    pub next_cursor: Option<String>,
}
