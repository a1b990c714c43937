//! What the log says that a torrent should be.

use std::net::SocketAddr;

use revaer_domain::selection::SelectionRule;
use revaer_domain::torrent::{Lifecycle, OneShot, Origin, Torrent};
use revaer_domain::values::{RateCap, SavePath, TorrentId};

/// Whether a torrent belongs in the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// It does.
    Present,
    /// It is to be taken out, and what then happens to its files.
    Removing {
        /// They go too.
        delete_data: bool,
    },
    /// It does not.
    Gone,
}

/// A torrent as it should be, folded from its stream.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own in the session")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desired {
    /// Which.
    pub id: TorrentId,
    /// The version of the stream that says so.
    pub version: u32,
    /// Whether it belongs in the session.
    pub presence: Presence,
    /// The magnet URI, if it came from one.
    pub magnet: Option<String>,
    /// Relative to the download root.
    pub save_path: SavePath,
    /// Where its files are asked to go.
    pub moving_to: Option<SavePath>,
    /// Whether it stands still.
    pub paused: bool,
    /// Whether it downloads in order.
    pub sequential: bool,
    /// Its limits.
    pub rate_cap: RateCap,
    /// Which files are wanted.
    pub selection: SelectionRule,
    /// How often that was changed.
    pub selection_revision: u32,
    /// Announce URLs.
    pub trackers: Vec<String>,
    /// Peers to try first.
    pub peers: Vec<SocketAddr>,
    /// Announces.
    pub reannounce: OneShot,
    /// Checks.
    pub recheck: OneShot,
    /// Attempts after a failure.
    pub retry: OneShot,
    /// Whether the log has it complete.
    pub complete: bool,
    /// Whether the log has the selection as applied.
    pub selection_applied: bool,
    /// Whether the log has it as failed.
    pub failed: bool,
    /// Verified bytes by the log's last word.
    pub expected_done_bytes: u64,
}

impl Desired {
    /// Reads the wish out of the folded state.
    pub fn of(id: TorrentId, version: u32, torrent: &Torrent) -> Self {
        Self {
            id,
            version,
            presence: match torrent.lifecycle {
                Lifecycle::Live => Presence::Present,
                Lifecycle::Removing { delete_data } => Presence::Removing { delete_data },
                Lifecycle::Absent | Lifecycle::Removed => Presence::Gone,
            },
            magnet: match &torrent.origin {
                Some(Origin::Magnet(magnet)) => Some(magnet.clone()),
                _ => None,
            },
            save_path: torrent.save_path.clone(),
            moving_to: torrent.moving_to.clone(),
            paused: torrent.paused,
            sequential: torrent.sequential,
            rate_cap: torrent.rate_cap,
            selection: torrent.selection.clone(),
            selection_revision: torrent.selection_revision,
            trackers: torrent.trackers.clone(),
            peers: torrent.peers.clone(),
            reannounce: torrent.reannounce,
            recheck: torrent.recheck,
            retry: torrent.retry,
            complete: torrent.is_complete(),
            selection_applied: torrent.selection_is_applied(),
            failed: torrent.failure.is_some(),
            expected_done_bytes: torrent.totals.wanted_done_bytes,
        }
    }
}
