//! How the session is set up.
//!
//! Only what operators or tests vary is an option; what the measurements settled is fixed in [`Options::settings`].

use std::path::PathBuf;
use std::time::Duration;

use libtorrent_sys::Setting;

/// Everything that a session is built from. It is kept, since a session that faults is built again.
#[derive(Debug, Clone)]
pub struct Options {
    /// Every file of every torrent stays beneath this folder.
    pub download_root: PathBuf,
    /// Where to listen, in libtorrent's form.
    pub listen_interfaces: String,
    /// Samples a second, 1 to 10.
    pub progress_hertz: u8,
    /// Resume data of a torrent that receives pieces is saved this often.
    pub resume_save_interval: Duration,
    /// It is saved earlier after so many bytes.
    pub resume_save_bytes: u64,
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
    /// Limit of the whole session.
    pub download_bytes_per_second: Option<u32>,
    /// Limit of the whole session.
    pub upload_bytes_per_second: Option<u32>,
    /// Whether the session's limits bind peers on private addresses too.
    pub limits_apply_to_local_peers: bool,
    /// What trackers and peers are told; private trackers list the clients that they allow.
    pub user_agent: Option<String>,
    /// The first bytes of the peer id, for the same reason.
    pub peer_fingerprint: Option<String>,
    /// Anything else, by libtorrent's names; these win.
    pub settings_extra: Vec<Setting>,
}

impl Options {
    /// A session that listens on loopback only.
    pub fn new(download_root: impl Into<PathBuf>) -> Self {
        Self {
            download_root: download_root.into(),
            listen_interfaces: "127.0.0.1:0".to_owned(),
            progress_hertz: 1,
            resume_save_interval: Duration::from_secs(30),
            resume_save_bytes: 32 * 1024 * 1024,
            ping_deadline: Duration::from_secs(10),
            rebuild_attempts_max: 5,
            rebuild_backoff: Duration::from_secs(1),
            rebuild_backoff_max: Duration::from_mins(1),
            rebuild_forgiven_after: Duration::from_mins(5),
            shutdown_deadline: Duration::from_secs(20),
            session_state: None,
            download_bytes_per_second: None,
            upload_bytes_per_second: None,
            limits_apply_to_local_peers: true,
            user_agent: None,
            peer_fingerprint: None,
            settings_extra: Vec::new(),
        }
    }

    pub(crate) fn tick(&self) -> Duration {
        Duration::from_secs(1) / u32::from(self.progress_hertz.clamp(1, 10))
    }

    pub(crate) fn settings(&self) -> Vec<Setting> {
        let limit = |limit: Option<u32>| limit.map_or(0, i64::from);
        let mut settings = vec![
            Setting::text("listen_interfaces", self.listen_interfaces.as_str()),
            // An operator asks for these; nobody else may make a machine talk to strangers.
            Setting::bool("enable_dht", false),
            Setting::bool("enable_lsd", false),
            Setting::bool("enable_upnp", false),
            Setting::bool("enable_natpmp", false),
            // A file that someone truncates while it is mapped kills the process; plain reads give an error.
            Setting::int("mmap_file_size_cutoff", i64::from(i32::MAX)),
            // Thousands of torrents that start or save at once must not lose alerts.
            Setting::int("alert_queue_size", 200_000),
            // With the defaults a changed cap overshoots for seconds.
            Setting::int("tick_interval", 100),
            Setting::int("request_queue_time", 1),
            Setting::bool("allow_multiple_connections_per_ip", true),
            // A magnet wants nothing until its rule is applied: its seeds must not leave meanwhile.
            Setting::bool("close_redundant_connections", false),
            Setting::int("stop_tracker_timeout", 2),
            Setting::int("download_rate_limit", limit(self.download_bytes_per_second)),
            Setting::int("upload_rate_limit", limit(self.upload_bytes_per_second)),
        ];
        settings.extend(self.user_agent.as_deref().map(|agent| Setting::text("user_agent", agent)));
        settings.extend(self.peer_fingerprint.as_deref().map(|id| Setting::text("peer_fingerprint", id)));
        settings.extend(self.settings_extra.iter().cloned());
        settings
    }
}
