//! The torrent: one aggregate, from the add to the removal.
//!
//! `match (state, command)` gives events; folding the events gives the state again. What the operator wants (paused, caps,
//! selection) and what libtorrent was seen to do (phase, completed, failed) are both facts of this one stream, so that
//! the reconciler, the views and a later reader all fold the same story.

mod aggregate;
mod command;
mod decide;
mod error;
mod event;
mod fold;
mod state;

pub use aggregate::TorrentRules;
pub use command::{Add, TorrentCommand};
pub use error::Refused;
pub use event::*;
pub use state::{Lifecycle, OneShot, ReachedLimits, Status, Torrent};
