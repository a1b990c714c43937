//! What the service is told at its start: checked once, passed on as values.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

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
    /// Where the files go.
    pub(crate) download_root: Option<PathBuf>,
    /// Where peers are listened for.
    pub(crate) peer_listen: String,
    /// Whether peers are spoken to over uTP too.
    pub(crate) utp: bool,
    /// How often what is done.
    pub(crate) rates: Rates,
}

/// How often what is done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rates {
    /// Samples a second.
    pub(crate) progress_hertz: u8,
    /// The longest time between two saves of resume data while pieces arrive.
    pub(crate) resume_save_interval: Duration,
    /// The most bytes between them.
    pub(crate) resume_save_bytes: u64,
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
    pub(crate) fn download_root(&self) -> PathBuf {
        self.download_root.clone().unwrap_or_else(|| self.data_dir.join("downloads"))
    }
}
