//! What an operator decides of the session: the settings, with what they refer to already at hand.
//!
//! The rates are those in force now. That other rates hold on Sunday, where a password is kept and what a file says is the
//! business of whoever makes a profile.

mod ip_filter;
mod listening;
mod pack;
#[cfg(test)]
mod pack_tests;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use revaer_domain::settings::EngineSettings;
use revaer_domain::values::RateCap;

pub use ip_filter::{IpFilter, IpFilterError};
pub(crate) use listening::unknown_device;
pub(crate) use pack::{TICK, changes, fixed, settings, tick};

/// What an operator decides of the session.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// The settings of the session.
    pub engine: EngineSettings,
    /// Limits of the whole session, as they are now.
    pub rate_cap: RateCap,
    /// Whether they bind peers on private addresses too.
    pub limits_apply_to_local_peers: bool,
    /// The password that the proxy asks for.
    pub proxy_password: Option<Password>,
    /// Who may not be connected to.
    pub ip_filter: Arc<IpFilter>,
}

/// A password, which no log line shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(pub String);

/// A part of a profile that the session did not take; it goes on with what it had there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The key of the settings (RFC 6901).
    pub pointer: &'static str,
    /// In a sentence.
    pub reason: String,
}

impl fmt::Debug for Password {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Password(…)")
    }
}

impl Profile {
    /// Whether libtorrent's queue decides which torrents run, and not we.
    pub(crate) const fn queues(&self) -> bool {
        self.engine.active_downloads.is_some() || self.engine.active_seeds.is_some()
    }

    /// How often what moved is told.
    pub(crate) fn tick(&self) -> Duration {
        Duration::from_secs(1) / u32::from(self.engine.progress_hertz.clamp(1, 10))
    }

    /// How often resume data of a torrent that receives pieces is saved.
    pub(crate) fn resume_save_interval(&self) -> Duration {
        Duration::from_secs(self.engine.resume_save_interval_seconds.into())
    }
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            engine: EngineSettings::default(),
            rate_cap: RateCap::default(),
            limits_apply_to_local_peers: true,
            proxy_password: None,
            ip_filter: Arc::default(),
        }
    }
}
