//! Our own bridge to libtorrent-rasterbar 2.x, and nothing else: the only crate with `unsafe`.
//!
//! Few crossings and flat data. A [`Session`] is `Send + Sync` and keyed by numbers of ours; a [`Pump`] takes everything
//! that waits in libtorrent's alert queue in one call and is woken by an eventfd, never by polling. Hostile torrent files,
//! magnet URIs and resume data are errors and never an abort. What to do with any of it is not decided here.

#![expect(unsafe_code, reason = "the bridge to C++ is what this crate is for; no other crate has any")]

mod add;
mod error;
mod event;
mod ffi;
mod flags;
mod metainfo;
mod pump;
mod range;
mod session;
mod setting;
mod status;

pub use add::{AddTorrent, Posted, RemoveFiles, SaveResume, Source};
pub use error::Error;
pub use event::{Event, EventKind, FileOperation};
pub use flags::TorrentFlags;
pub use metainfo::{
    CreateOptions, FileEntry, Format, Magnet, Metainfo, MetainfoLimits, create_metainfo, make_magnet,
    parse_magnet, parse_metainfo,
};
pub use pump::{Batch, Events, Pump};
pub use range::AddressRange;
pub use session::{
    Peer, Session, StatsMetric, Tracker, TrackerStatus, default_text, header_version, stats_metrics, version,
};
pub use setting::Setting;
pub use status::{State, Status};
