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
    /// Holds a token that completes the setup, also from elsewhere.
    pub(crate) setup_token_file: Option<PathBuf>,
}

impl Config {
    /// Refuses what would be unsafe. Until there is a key nobody beyond this machine may ask for anything; the token of a file
    /// is as good as a key, and whoever has it may set the service up from elsewhere.
    pub(crate) fn check_listen(&self, is_set_up: bool) -> Result<(), Fault> {
        if self.listen.ip().is_loopback() || is_set_up || self.setup_token_file.is_some() {
            Ok(())
        } else {
            Err(Fault::Usage(format!(
                "--listen {}: only a loopback address is allowed, such as 127.0.0.1:7070, until the setup is complete; \
                 run `revaer setup complete` on this machine first, or give --setup-token-file",
                self.listen
            )))
        }
    }

    /// Where the files go.
    pub(crate) fn download_root(&self, settings: &EngineSettings) -> PathBuf {
        settings.download_root.as_ref().map_or_else(|| self.data_dir.join("downloads"), PathBuf::from)
    }
}
