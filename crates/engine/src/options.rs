//! How the session is set up.
//!
//! What an operator decides is the [`Profile`]; the rest is what only the composition root and tests vary.

use std::path::PathBuf;
use std::time::Duration;

use libtorrent_sys::Setting;

use crate::profile::{self, Profile, fixed};

/// Everything that a session is built from. It is kept, since a session that faults is built again.
#[derive(Debug, Clone)]
pub struct Options {
    /// Every file of every torrent stays beneath this folder.
    pub download_root: PathBuf,
    /// What an operator decides, until [`EngineHandle::apply`](crate::EngineHandle::apply) says otherwise.
    pub profile: Profile,
    /// libtorrent is taken for dead when it answers no ping for so long.
    pub ping_deadline: Duration,
    /// Rebuilds in a row before giving up.
    pub rebuild_attempts_max: u32,
    /// The pause before the first rebuild; it doubles with each.
    pub rebuild_backoff: Duration,
    /// The longest pause between rebuilds.
    pub rebuild_backoff_max: Duration,
    /// A session that ran for so long is well: the next fault counts as the first.
    pub rebuild_forgiven_after: Duration,
    /// How long the end may take: resume data of every torrent, then libtorrent's own end.
    pub shutdown_deadline: Duration,
    /// What [`Runner::run`](crate::Runner::run) returned the last time.
    pub session_state: Option<Vec<u8>>,
    /// Anything else, by libtorrent's names; these win.
    pub settings_extra: Vec<Setting>,
}

impl Options {
    /// A session that listens on loopback only.
    pub fn new(download_root: impl Into<PathBuf>) -> Self {
        let mut profile = Profile::default();
        "127.0.0.1:0".clone_into(&mut profile.engine.listen_interfaces);
        Self {
            download_root: download_root.into(),
            profile,
            ping_deadline: Duration::from_secs(10),
            rebuild_attempts_max: 5,
            rebuild_backoff: Duration::from_secs(1),
            rebuild_backoff_max: Duration::from_mins(1),
            rebuild_forgiven_after: Duration::from_mins(5),
            shutdown_deadline: Duration::from_secs(20),
            session_state: None,
            settings_extra: Vec::new(),
        }
    }

    /// The settings of a session with this profile.
    pub(crate) fn settings(&self, profile: &Profile) -> Vec<Setting> {
        let mut settings = fixed();
        settings.extend(profile::settings(profile));
        settings.extend(self.settings_extra.iter().cloned());
        settings
    }
}
