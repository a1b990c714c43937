//! A torrent as its facts tell it.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::event::{Failure, FilesDiscovered, Origin, Phase, ReachedLimit, SelectionApplied, Totals};
use crate::selection::SelectionRule;
use crate::values::{InfoHashes, Labels, RateCap, SavePath, ShareLimits, ShareRatio};

/// Where a torrent stands between its add and its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lifecycle {
    /// Never added.
    #[default]
    Absent,
    /// In the session, or about to be.
    Live,
    /// Asked to go; stays so across a crash until its files are dealt with.
    Removing {
        /// Whether the files go too.
        delete_data: bool,
    },
    /// Gone.
    Removed,
}

/// A request that is carried out once: asked for so often, done so often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OneShot {
    /// The number of the newest request.
    pub requested: u32,
    /// The number of the newest one that was carried out.
    pub done: u32,
}

impl OneShot {
    /// Whether a request waits.
    pub const fn is_pending(self) -> bool {
        self.requested > self.done
    }

    /// Whether this is the request that waits: what was done for an older one is no answer to it.
    pub const fn awaits(self, request: u32) -> bool {
        self.is_pending() && request == self.requested
    }
}

/// The limits of sharing that a torrent came to: of each kind the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReachedLimits {
    /// How often it had sent what it has.
    pub share_ratio: Option<ShareRatio>,
    /// How long it had seeded.
    pub seed_time_seconds: Option<u64>,
}

impl ReachedLimits {
    /// Whether it came to this one.
    pub fn has(&self, limit: ReachedLimit) -> bool {
        match limit {
            ReachedLimit::ShareRatio(ratio) => self.share_ratio == Some(ratio),
            ReachedLimit::SeedTimeSeconds(seconds) => self.seed_time_seconds == Some(seconds),
        }
    }

    pub(super) const fn note(&mut self, limit: ReachedLimit) {
        match limit {
            ReachedLimit::ShareRatio(ratio) => self.share_ratio = Some(ratio),
            ReachedLimit::SeedTimeSeconds(seconds) => self.seed_time_seconds = Some(seconds),
        }
    }
}

/// The state of a torrent, folded from its stream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Torrent {
    /// Where it stands.
    pub lifecycle: Lifecycle,
    /// Where it came from.
    pub origin: Option<Origin>,
    /// Its hashes.
    pub info_hashes: InfoHashes,
    /// Its name.
    pub name: String,
    /// Where its files are, relative to the download root.
    pub save_path: SavePath,
    /// When it was added.
    pub added_at: Option<OffsetDateTime>,
    /// When it was last completed; `None` while something is missing.
    pub completed_at: Option<OffsetDateTime>,
    /// Its files, once known.
    pub files: Option<FilesDiscovered>,
    /// The rule in force.
    pub selection: SelectionRule,
    /// How often the rule was replaced.
    pub selection_revision: u32,
    /// The priorities that the session took over last.
    pub applied: Option<SelectionApplied>,
    /// Whether the operator wants it to stand still.
    pub paused: bool,
    /// Whether it downloads in order.
    pub sequential: bool,
    /// Its limits.
    pub rate_cap: RateCap,
    /// Its limits of sharing.
    pub share_limits: ShareLimits,
    /// The limits of sharing that it came to. What an operator then asks for wins over them, until others hold.
    pub share_limits_reached: ReachedLimits,
    /// Its labels.
    pub labels: Labels,
    /// Announce URLs.
    pub trackers: Vec<String>,
    /// Peers to try first.
    pub peers: Vec<SocketAddr>,
    /// Announces asked for and made.
    pub reannounce: OneShot,
    /// Checks asked for and made.
    pub recheck: OneShot,
    /// Attempts after a failure, asked for and settled.
    pub retry: OneShot,
    /// Where its files are asked to go.
    pub moving_to: Option<SavePath>,
    /// Where libtorrent was last seen with it.
    pub phase: Option<Phase>,
    /// Why it cannot go on.
    pub failure: Option<Failure>,
    /// The counters of the last fact that carried some.
    pub totals: Totals,
}

/// The state that clients see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Waits for its metadata.
    Metadata,
    /// Waits for its turn.
    Queued,
    /// Hashes files.
    Checking,
    /// Downloads.
    Downloading,
    /// Stands still and is not complete.
    Paused,
    /// Is in the file pipeline.
    Processing,
    /// Complete and seeds.
    Seeding,
    /// Complete and does not seed.
    Completed,
    /// Its files are being moved.
    Moving,
    /// Is being removed.
    Removing,
    /// Cannot go on.
    Failed,
}

impl Status {
    /// Every status, in the order of the documentation.
    pub const ALL: [Self; 11] = [
        Self::Metadata,
        Self::Queued,
        Self::Checking,
        Self::Downloading,
        Self::Paused,
        Self::Processing,
        Self::Seeding,
        Self::Completed,
        Self::Moving,
        Self::Removing,
        Self::Failed,
    ];

    /// The name in JSON and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Metadata => "metadata",
            Self::Queued => "queued",
            Self::Checking => "checking",
            Self::Downloading => "downloading",
            Self::Paused => "paused",
            Self::Processing => "processing",
            Self::Seeding => "seeding",
            Self::Completed => "completed",
            Self::Moving => "moving",
            Self::Removing => "removing",
            Self::Failed => "failed",
        }
    }
}

impl Torrent {
    /// What clients see; `None` before the add and after the removal.
    pub fn status(&self) -> Option<Status> {
        match self.lifecycle {
            Lifecycle::Absent | Lifecycle::Removed => return None,
            Lifecycle::Removing { .. } => return Some(Status::Removing),
            Lifecycle::Live => {}
        }
        Some(if self.failure.is_some() {
            Status::Failed
        } else if self.moving_to.is_some() {
            Status::Moving
        } else if self.phase == Some(Phase::Checking) {
            Status::Checking
        } else if self.is_complete() {
            if self.paused { Status::Completed } else { Status::Seeding }
        } else if self.paused {
            Status::Paused
        } else if self.files.is_none() {
            Status::Metadata
        } else if self.phase == Some(Phase::Queued) {
            Status::Queued
        } else {
            Status::Downloading
        })
    }

    /// Whether every wanted file was there when last seen.
    pub const fn is_complete(&self) -> bool {
        self.completed_at.is_some()
    }

    /// Whether the rule in force is the one that the session follows.
    pub fn selection_is_applied(&self) -> bool {
        self.applied.as_ref().is_some_and(|applied| applied.revision == self.selection_revision)
    }

    /// Bytes of the wanted files; all of them until a selection was applied.
    pub fn wanted_bytes(&self) -> Option<u64> {
        let files = self.files.as_ref()?;
        Some(self.applied.as_ref().map_or(files.size_bytes, |applied| applied.wanted_bytes))
    }

    /// Verified part of the wanted bytes, 0 to 1; 0 while the files are unknown.
    #[expect(clippy::cast_precision_loss, reason = "a fraction to show: 53 bits are plenty")]
    pub fn progress(&self) -> f64 {
        match self.wanted_bytes() {
            _ if self.is_complete() => 1.0,
            None => 0.0,
            Some(0) => 1.0,
            Some(wanted) => (self.totals.wanted_done_bytes as f64 / wanted as f64).min(1.0),
        }
    }
}
