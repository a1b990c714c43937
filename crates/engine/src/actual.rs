//! What the session has of a torrent: what was last asked of it, which counts although libtorrent may still be about it.

use revaer_domain::values::{RateCap, SavePath};

/// A torrent of the session, as far as a comparison needs it.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own in the session")]
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Actual {
    /// Whether it was told to stand still.
    pub paused: bool,
    /// Whether it was told to download in order.
    pub sequential: bool,
    /// The limits that it was given.
    pub rate_cap: RateCap,
    /// Where its files are.
    pub save_path: SavePath,
    /// Where its files are on their way to.
    pub moving_to: Option<SavePath>,
    /// Whether its metadata is known.
    pub has_metadata: bool,
    /// The revision of the selection that it follows.
    pub selection_revision: Option<u32>,
    /// The newest announce that was asked of it.
    pub reannounce: u32,
    /// The newest check that was asked of it.
    pub recheck: u32,
    /// The newest attempt after a failure.
    pub retry: u32,
    /// Whether it is being taken out.
    pub removing: bool,
}
