//! What the log says that a torrent should be: the part of its fold that the session has to follow.

use std::net::SocketAddr;

use revaer_domain::selection::SelectionRule;
use revaer_domain::torrent::{Lifecycle, OneShot, Origin, Torrent};
use revaer_domain::values::announce::fingerprint_of;
use revaer_domain::values::{InfoHashes, RateCap, SavePath, TorrentId};

/// Whether the session should have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// It should.
    Present,
    /// It should not, and what became of its files is still to be told.
    Removing {
        /// Whether its files go too.
        delete_data: bool,
    },
    /// It should not, and that is settled.
    Gone,
}

/// What a torrent should be.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of the log by itself")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desired {
    /// Which torrent.
    pub id: TorrentId,
    /// The version of its stream that says so.
    pub version: u32,
    /// Whether the session should have it.
    pub presence: Presence,
    /// The magnet URI that it came from.
    pub magnet: Option<String>,
    /// Its hashes.
    pub info_hashes: InfoHashes,
    /// Where its files are.
    pub save_path: SavePath,
    /// Whether the operator wants it to stand still.
    pub paused: bool,
    /// Whether libtorrent's queue decides when it runs. The log doesn't say: the session's profile does.
    pub queues: bool,
    /// Whether it downloads in order.
    pub sequential: bool,
    /// Its limits.
    pub rate_cap: RateCap,
    /// Which files are wanted.
    pub selection: SelectionRule,
    /// Which rule that is.
    pub selection_revision: u32,
    /// Whether the log knows its files.
    pub files_known: bool,
    /// Whether the log knows that the session follows it.
    pub selection_applied: bool,
    /// Whether the log knows that every wanted byte is there.
    pub complete: bool,
    /// Announce URLs.
    pub trackers: Vec<String>,
    /// Peers to try first.
    pub peers: Vec<SocketAddr>,
    /// Announces asked for and made.
    pub reannounce: OneShot,
    /// Checks asked for and made.
    pub recheck: OneShot,
    /// Attempts after a failure.
    pub retry: OneShot,
    /// Whether it cannot go on.
    pub failed: bool,
    /// Where its files are asked to go.
    pub moving_to: Option<SavePath>,
    /// The verified bytes that the log last heard of: resume data that knows none of them differs from the log.
    pub expected_done_bytes: u64,
}

/// What an add needs besides: kept outside the log for its size.
#[derive(Debug, Clone, Default)]
pub struct Materials {
    /// The torrent file.
    pub metainfo: Option<Vec<u8>>,
    /// What libtorrent knew of it last.
    pub resume_data: Option<Vec<u8>>,
}

/// What became of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reconciliation {
    /// The session is, or is about to be, what was asked for.
    Done,
    /// The torrent is not in the session: ask again with [`Materials`].
    NeedsMaterials,
    /// Its files may be another torrent's too, and this session does not have every torrent yet: ask again after
    /// [`EngineHandle::everything_reconciled`](crate::EngineHandle::everything_reconciled).
    TooEarly,
}

/// The announce URLs that a fold has whole. Where it has a fingerprint, whoever asks for the add puts the URL in its place.
fn plain(trackers: &[String]) -> Vec<String> {
    trackers.iter().filter(|tracker| fingerprint_of(tracker).is_none()).cloned().collect()
}

impl Desired {
    /// Takes what concerns the session out of a torrent's fold.
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
                Some(Origin::Magnet(uri)) => Some(uri.clone()),
                Some(Origin::Metainfo) | None => None,
            },
            info_hashes: torrent.info_hashes,
            save_path: torrent.save_path.clone(),
            paused: torrent.paused,
            queues: false,
            sequential: torrent.sequential,
            rate_cap: torrent.rate_cap,
            selection: torrent.selection.clone(),
            selection_revision: torrent.selection_revision,
            files_known: torrent.files.is_some(),
            selection_applied: torrent.selection_is_applied(),
            complete: torrent.is_complete(),
            trackers: plain(&torrent.trackers),
            peers: torrent.peers.clone(),
            reannounce: torrent.reannounce,
            recheck: torrent.recheck,
            retry: torrent.retry,
            failed: torrent.failure.is_some(),
            moving_to: torrent.moving_to.clone(),
            expected_done_bytes: torrent.totals.wanted_done_bytes,
        }
    }

    /// Whether it should stand still: asked to, or failed and not asked to try again. A restart is no such request.
    pub fn stands_still(&self) -> bool {
        self.paused || (self.failed && !self.retry.is_pending())
    }
}
