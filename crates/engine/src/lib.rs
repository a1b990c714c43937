//! Desired torrents against the live session.
//!
//! One runner owns libtorrent's session and its pump. It is told what each torrent should be, compares, and acts; it tells
//! what it sees as notices. It does not know the log or the database. The pump never waits for whoever reads the notices.

mod actual;
mod desired;
mod diff;
mod handle;
mod notice;
mod options;
mod removal;
mod runner;
mod session;
mod settings;

pub use actual::Actual;
pub use desired::{Desired, Presence};
pub use diff::{EngineAction, diff};
pub use handle::{EngineHandle, EngineHealth, Error, Fault, Live, Materials, Progress, Reconciliation};
pub use libtorrent_sys::{Peer, Tracker, TrackerStatus};
pub use notice::{EngineNotice, NoticeReceiver, TorrentFile};
pub use options::Options;
pub use runner::{Engine, Runner};
