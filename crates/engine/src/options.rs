//! How the engine runs.

use std::path::PathBuf;
use std::time::Duration;

/// The engine's options.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where downloads go; save paths are relative to it.
    pub download_root: PathBuf,
    /// libtorrent's `listen_interfaces`.
    pub listen_interfaces: String,
    /// How peers and trackers are told who we are.
    pub user_agent: String,
    /// State updates a second, 1 to 10.
    pub progress_hertz: u8,
    /// Resume data of a torrent that receives is saved at least so often.
    pub resume_save_interval: Duration,
    /// Resume data of a torrent that receives is saved at least every so many bytes.
    pub resume_save_bytes: u64,
    /// Without an answer of libtorrent for so long, the session is faulted.
    pub ping_deadline: Duration,
    /// How often a faulted session is rebuilt before the engine gives up.
    pub rebuild_attempts_max: u32,
    /// The pause before the first rebuild; it doubles.
    pub rebuild_backoff: Duration,
    /// How long a shutdown waits for resume data.
    pub shutdown_deadline: Duration,
    /// The session's state as saved by an earlier run.
    pub session_state: Option<Vec<u8>>,
}

impl Options {
    /// Safe defaults: loopback, no port mapping, no DHT.
    pub fn new(download_root: impl Into<PathBuf>) -> Self {
        Self {
            download_root: download_root.into(),
            listen_interfaces: "127.0.0.1:0".to_owned(),
            user_agent: concat!("Revaer/", env!("CARGO_PKG_VERSION")).to_owned(),
            progress_hertz: 1,
            resume_save_interval: Duration::from_secs(30),
            resume_save_bytes: 32 << 20,
            ping_deadline: Duration::from_secs(10),
            rebuild_attempts_max: 5,
            rebuild_backoff: Duration::from_millis(500),
            shutdown_deadline: Duration::from_secs(20),
            session_state: None,
        }
    }
}
