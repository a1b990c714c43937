//! What a caller may choose about a private cluster.
//!
//! Only what differs between the service, its tests and its tools is an option. Where the socket lies, who may connect and
//! that no TCP port is opened are not: they are what makes the cluster private.

use std::path::PathBuf;
use std::time::Duration;

/// How a private cluster is found, started and stopped.
#[derive(Debug, Clone)]
pub struct Options {
    /// The service's data directory; the cluster lies in its folder `postgres`.
    pub data_dir: PathBuf,
    /// Settings of `postgresql.conf`, in addition to ours (which win where they make the cluster private).
    pub extra_settings: Vec<(String, String)>,
    /// Whether the server ends with this process or outlives it.
    pub lifetime: Lifetime,
    /// Look for `initdb` and `postgres` in these folders alone, instead of on the `PATH` and where distributions put them.
    pub binary_dirs: Option<Vec<PathBuf>>,
    /// The longest wait for the server to accept connections; crash recovery counts.
    pub start_timeout: Duration,
    /// The longest wait for an orderly stop; after it the server is stopped at once and recovers at its next start.
    pub stop_timeout: Duration,
    /// How often in a row [`Cluster::run`](crate::Cluster::run) restarts a server that keeps dying.
    pub restarts_max: u32,
}

/// What happens to the server when the process that started it ends without stopping it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// The kernel stops the server too, even after `SIGKILL`.
    WithProcess,
    /// It goes on, until somebody stops it or starts a cluster on its directory again.
    Detached,
}

impl Options {
    /// The service's choices for a data directory.
    pub fn new(data_dir: impl Into<PathBuf>) -> Options {
        Options {
            data_dir: data_dir.into(),
            extra_settings: Vec::new(),
            lifetime: Lifetime::WithProcess,
            binary_dirs: None,
            start_timeout: Duration::from_mins(1),
            stop_timeout: Duration::from_secs(15),
            restarts_max: 5,
        }
    }

    /// Adds a setting of `postgresql.conf`; a later one of the same name wins.
    #[must_use]
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Options {
        self.extra_settings.push((name.into(), value.into()));
        self
    }

    /// The settings of a cluster that a power cut may tear, several times faster. A killed server still loses no commit.
    #[must_use]
    pub fn disposable(self) -> Options {
        self.setting("fsync", "off").setting("full_page_writes", "off")
    }

    pub(crate) fn is_disposable(&self) -> bool {
        self.extra_settings.iter().rfind(|(name, _)| name == "fsync").is_some_and(|(_, value)| value == "off")
    }
}
