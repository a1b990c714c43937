//! What the service is told at its start: checked once, passed on as values.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use revaer_application::Override;
use revaer_domain::settings::EngineSettings;

use crate::exit::Fault;

/// The choices of whoever starts the service.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// Holds the private PostgreSQL and the downloads.
    pub(crate) data_dir: PathBuf,
    /// A database that is there already.
    pub(crate) database_url: Option<String>,
    /// How long a database that is away at the start is waited for.
    pub(crate) database_wait: Duration,
    /// Where the API listens.
    pub(crate) listen: SocketAddr,
    /// What wins over the settings.
    pub(crate) overrides: Vec<Override>,
}

impl Config {
    /// Refuses what would be unsafe.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        // Nobody is asked for a key yet, so nobody beyond this machine may ask for anything.
        if self.listen.ip().is_loopback() {
            Ok(())
        } else {
            Err(Fault::Usage(format!(
                "--listen {}: only a loopback address is allowed, such as 127.0.0.1:7070, while the API has no keys",
                self.listen
            )))
        }
    }

    /// Where the files go.
    pub(crate) fn download_root(&self, settings: &EngineSettings) -> PathBuf {
        settings.download_root.as_ref().map_or_else(|| self.data_dir.join("downloads"), PathBuf::from)
    }
}
