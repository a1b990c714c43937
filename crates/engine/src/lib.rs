//! One libtorrent session, brought to what the log says and telling what it sees.
//!
//! [`Engine::build`] gives a [`Runner`] that owns the session, a cheap [`EngineHandle`] that asks it, and a
//! [`NoticeReceiver`] that takes what became of it. The session has a thread of its own: libtorrent's calls may block, and
//! one that never comes back must not take the rest along. The runner only watches that thread, and replaces it. What an
//! operator decides of the session is its [`Profile`], which may change while it runs.
//!
//! Deliberately not here: the log, the database and the clock. Resume data and metainfo come in with a torrent and go out as
//! notices; whoever takes the notices stores them.

mod actual;
mod adding;
#[cfg(test)]
mod alert_table;
mod alerts;
mod applying;
mod board;
mod confine;
mod deletion;
mod desired;
mod diff;
#[cfg(test)]
mod diff_laws;
mod divergence;
mod edges;
mod error;
mod failure;
mod handle;
mod mailbox;
mod metadata;
mod metrics;
mod notice;
mod options;
mod outbox;
mod paths;
mod profile;
mod removing;
mod runner;
mod saving;
mod selecting;
mod session_loop;
mod torrents;

pub use actual::Actual;
pub use board::{Live, Progress};
pub use desired::{Desired, Materials, Presence, Reconciliation};
pub use diff::{EngineAction, after, diff};
pub use error::Error;
pub use handle::{EngineHandle, EngineHealth, Fault};
pub use mailbox::NoticeReceiver;
pub use metrics::Metrics;
pub use notice::{EngineNotice, TorrentFile};
pub use options::Options;
pub use profile::{IpFilter, IpFilterError, Password, Profile, Refusal};
pub use runner::{Engine, Runner};
