//! What happened to a torrent. Each payload is the JSON of a fact; `event-schema` gives it its persisted name.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::selection::SelectionRule;
use crate::settings::ShareAction;
use crate::values::{InfoHashes, Label, Labels, RateCap, SavePath, ShareLimits, ShareRatio};

/// A fact about one torrent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TorrentEvent {
    /// It was added.
    Added(Box<Added>),
    /// Its files are known.
    FilesDiscovered(FilesDiscovered),
    /// The operator gave another selection rule.
    SelectionChanged(SelectionChanged),
    /// The rule became priorities in the session.
    SelectionApplied(SelectionApplied),
    /// The operator paused it.
    Paused,
    /// The operator resumed it, or asked to try again after a failure.
    Resumed,
    /// Download in order, or not.
    SequentialChanged(SequentialChanged),
    /// Other limits.
    RateCapChanged(RateCapChanged),
    /// Other limits of sharing.
    ShareLimitsChanged(ShareLimitsChanged),
    /// It has shared enough; what is done about it follows.
    ShareLimitReached(ShareLimitReached),
    /// Other labels.
    LabelsChanged(LabelsChanged),
    /// The operator asked for an announce.
    ReannounceRequested(Requested),
    /// It was announced.
    Reannounced(Requested),
    /// The operator asked to hash all files again.
    RecheckRequested(Requested),
    /// All files were hashed again.
    Rechecked(Rechecked),
    /// libtorrent was seen in another phase.
    StateChanged(StateChanged),
    /// Every wanted file is complete and on disk.
    Completed(Completed),
    /// It cannot go on.
    Failed(Failure),
    /// It goes on after a failure.
    Recovered,
    /// The session differed from the log and was brought back to it.
    Reconciled(Reconciled),
    /// The operator asked for another place.
    MoveRequested(MoveRequested),
    /// The files are in the new place.
    Moved(Moved),
    /// The files stay where they were.
    MoveFailed(MoveFailed),
    /// The operator asked to remove it.
    RemoveRequested(RemoveRequested),
    /// It is out of the session, and its files are gone if that was asked for.
    Removed(Removed),
    /// Totals, once a day where they moved.
    CountersRecorded(Totals),
}

/// Where a torrent came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A magnet URI, as it was given.
    Magnet(String),
    /// A torrent file, kept under the primary info hash.
    Metainfo,
}

/// `torrent.added`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Added {
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// From what.
    pub origin: Origin,
    /// The hashes known at the add; a magnet may name one of two.
    pub info_hashes: InfoHashes,
    /// A name to show until the metadata tells the real one.
    pub name: String,
    /// Relative to the download root.
    pub save_path: SavePath,
    /// Whether it waits for a resume.
    pub paused: bool,
    /// Whether to download in order.
    pub sequential: bool,
    /// Its limits.
    pub rate_cap: RateCap,
    /// Its limits of sharing; left out where there are none.
    #[serde(default, skip_serializing_if = "ShareLimits::is_default")]
    pub share_limits: ShareLimits,
    /// Its labels.
    pub labels: Labels,
    /// Which files are wanted.
    pub selection: SelectionRule,
    /// Announce URLs.
    pub trackers: Vec<String>,
    /// Peers to try first.
    pub peers: Vec<SocketAddr>,
}

/// `torrent.files_discovered`. The list itself is a body of its own, stored before this fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilesDiscovered {
    /// The hashes, now complete.
    pub info_hashes: InfoHashes,
    /// The torrent's own name.
    pub name: String,
    /// How many files, padding not counted.
    pub file_count: u32,
    /// All files together.
    pub size_bytes: u64,
    /// Bytes a piece.
    pub piece_length_bytes: u32,
    /// How many pieces.
    pub piece_count: u32,
    /// Announce URLs that the metainfo names.
    pub trackers: Vec<String>,
}

/// `torrent.selection_changed`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SelectionChanged {
    /// The rule before.
    pub from: SelectionRule,
    /// The rule from here on.
    pub to: SelectionRule,
}

/// `torrent.selection_applied`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SelectionApplied {
    /// Which rule, counted from 0 (the rule of the add).
    pub revision: u32,
    /// Runs of `[how many files, priority]`, in the order of the files.
    pub priorities: Vec<(u32, u8)>,
    /// The wanted files together.
    pub wanted_bytes: u64,
}

impl SelectionApplied {
    /// Packs priorities into runs.
    pub fn runs(priorities: &[u8]) -> Vec<(u32, u8)> {
        let mut runs: Vec<(u32, u8)> = Vec::new();
        for priority in priorities {
            match runs.last_mut() {
                Some((count, last)) if last == priority => *count += 1,
                _ => runs.push((1, *priority)),
            }
        }
        runs
    }

    /// Whether it wants a file that the other one skips.
    pub fn wants_more_than(&self, earlier: &Self) -> bool {
        fn wanted(runs: &[(u32, u8)]) -> impl Iterator<Item = bool> {
            runs.iter().flat_map(|&(count, priority)| std::iter::repeat_n(priority > 0, count as usize))
        }
        wanted(&self.priorities).zip(wanted(&earlier.priorities)).any(|(now, then)| now && !then)
    }
}

/// `torrent.sequential_changed`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SequentialChanged {
    /// Whether it downloads in order from here on.
    pub enabled: bool,
}

/// `torrent.rate_cap_changed`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateCapChanged {
    /// The limits before.
    pub from: RateCap,
    /// The limits from here on.
    pub to: RateCap,
}

/// `torrent.share_limits_changed`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShareLimitsChanged {
    /// The limits before.
    pub from: ShareLimits,
    /// The limits from here on.
    pub to: ShareLimits,
}

/// A limit of sharing that a torrent came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReachedLimit {
    /// It has sent what it has so often.
    ShareRatio(ShareRatio),
    /// It has seeded for so long.
    SeedTimeSeconds(u64),
}

/// Who set a limit of sharing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitSource {
    /// The torrent has it of its own.
    Torrent,
    /// The settings have it for torrents with this label.
    Label(Label),
    /// The settings have it for all torrents.
    Settings,
}

/// `torrent.share_limit_reached`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShareLimitReached {
    /// The limit that held for it.
    pub limit: ReachedLimit,
    /// Who set it; facts of the first versions do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set_by: Option<LimitSource>,
    /// What becomes of it.
    pub action: ShareAction,
    /// The counters with it.
    #[serde(flatten)]
    pub totals: Totals,
}

/// `torrent.labels_changed`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelsChanged {
    /// The labels before.
    pub from: Labels,
    /// The labels from here on.
    pub to: Labels,
}

/// A one-shot request, or that it was carried out: `request` counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requested {
    /// The number of the request, from 1.
    pub request: u32,
}

/// `torrent.rechecked`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rechecked {
    /// The number of the request that this answers.
    pub request: u32,
    /// What was found.
    #[serde(flatten)]
    pub totals: Totals,
    /// Whether every wanted byte is there.
    pub complete: bool,
}

/// Where libtorrent stands with a torrent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Asks peers for the metadata.
    Metadata,
    /// Waits for its turn.
    Queued,
    /// Hashes files.
    Checking,
    /// Downloads.
    Downloading,
    /// Has every wanted byte and seeds.
    Seeding,
    /// Does nothing.
    Stopped,
}

/// Counters of a torrent at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Totals {
    /// Bytes of wanted files that are verified.
    pub wanted_done_bytes: u64,
    /// Payload received, ever.
    pub downloaded_bytes: u64,
    /// Payload sent, ever.
    pub uploaded_bytes: u64,
}

/// `torrent.state_changed`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateChanged {
    /// The phase before, if one was known.
    pub from: Option<Phase>,
    /// The phase from here on.
    pub to: Phase,
    /// The counters at the change.
    #[serde(flatten)]
    pub totals: Totals,
}

/// `torrent.completed`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completed {
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// The counters at that moment.
    #[serde(flatten)]
    pub totals: Totals,
}

/// `torrent.failed`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Stable and short, for instance `disk_full`.
    pub code: String,
    /// The words of libtorrent or of the operating system.
    pub detail: String,
}

/// `torrent.reconciled`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconciled {
    /// What differed, for instance `resume_data`.
    pub field: String,
    /// What the log says.
    pub expected: String,
    /// What the session had.
    pub found: String,
}

/// `torrent.move_requested`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoveRequested {
    /// The place before.
    pub from: SavePath,
    /// The place asked for.
    pub to: SavePath,
}

/// `torrent.moved`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// The place from here on.
    pub save_path: SavePath,
}

/// `torrent.move_failed`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoveFailed {
    /// The place asked for.
    pub to: SavePath,
    /// Why not.
    pub detail: String,
}

/// `torrent.remove_requested`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoveRequested {
    /// Whether its downloaded files go too.
    pub delete_data: bool,
}

/// `torrent.removed`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed {
    /// Whether its downloaded files are gone, as we saw ourselves.
    pub data_deleted: bool,
    /// Files of the torrent that were left, and why: at most 100 are named.
    pub left: Vec<LeftFile>,
}

/// A file that a removal left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftFile {
    /// Its path inside the torrent.
    pub path: String,
    /// Why it was left.
    pub reason: String,
}
