//! What the session has of a torrent, as far as the comparison goes. What was asked of libtorrent and is under way counts.

use revaer_domain::values::{RateCap, SavePath};

use crate::desired::Desired;

/// A torrent as the session has it.
#[expect(clippy::struct_excessive_bools, reason = "each is compared with one of its own")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actual {
    /// Whether it stands still.
    pub paused: bool,
    /// Whether libtorrent's queue decides when it runs.
    pub queued: bool,
    /// Whether it downloads in order.
    pub sequential: bool,
    /// Its limits.
    pub rate_cap: RateCap,
    /// Whether its files are known.
    pub has_metadata: bool,
    /// Whether its resume data was looked at: libtorrent ignores a wish to check before that.
    pub ready: bool,
    /// The rule that its priorities follow.
    pub selection_revision: Option<u32>,
    /// The newest announce that was asked for.
    pub reannounce: u32,
    /// The newest check that was asked for.
    pub recheck: u32,
    /// The newest attempt after a failure.
    pub retry: u32,
    /// Where its files are.
    pub save_path: SavePath,
    /// Where they are going.
    pub moving_to: Option<SavePath>,
    /// Whether it is on its way out, and its files with it.
    pub removing: Option<bool>,
}

impl Actual {
    /// What an add makes. Metadata is not counted on: a magnet has none, and an add with metainfo says so itself.
    pub fn added(desired: &Desired) -> Self {
        Self {
            paused: desired.stands_still(),
            queued: desired.queues && !desired.stands_still(),
            sequential: desired.sequential,
            rate_cap: desired.rate_cap,
            has_metadata: false,
            ready: false,
            selection_revision: None,
            reannounce: desired.reannounce.done,
            recheck: desired.recheck.done,
            retry: desired.retry.done,
            save_path: desired.save_path.clone(),
            moving_to: None,
            removing: None,
        }
    }
}
