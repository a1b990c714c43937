//! Why a private cluster could not be had.
//!
//! One variant for each thing that the person at the terminal would do differently; what the server itself said comes along,
//! since it is usually the only explanation there is.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A private cluster could not be made, started, kept or stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No installed server was found.
    #[error(
        "no PostgreSQL server (initdb and postgres, {oldest} or newer) in {searched}; \
         install the package `postgresql`, or set DATABASE_URL to use a server of your own"
    )]
    NoServer {
        /// The oldest major version that serves.
        oldest: u32,
        /// Where was looked, in words.
        searched: String,
    },
    /// The directory holds a cluster of a major version that is not installed.
    #[error("the cluster in {} was made by PostgreSQL {cluster}, of which no server is installed (found: {found})", .data_dir.display())]
    OtherVersion {
        /// The cluster's directory.
        data_dir: PathBuf,
        /// The major version that made it.
        cluster: u32,
        /// The major versions that are installed.
        found: String,
    },
    /// Another live process supervises the cluster, or serves from the directory.
    #[error("the data directory {} is in use by another process{}", .data_dir.display(), owner(*.pid))]
    InUse {
        /// The data directory.
        data_dir: PathBuf,
        /// The process that holds it, if it said so.
        pid: Option<u32>,
    },
    /// Started as root, and there is no account to run the server as.
    #[error("PostgreSQL refuses to run as root, and neither the account `postgres` nor `nobody` exists")]
    NoUnprivilegedAccount,
    /// The cluster belongs to another account, and we may not become it.
    #[error("{} belongs to the account with id {owner}: start as that account or as root", .path.display())]
    NotOwned {
        /// The cluster's directory.
        path: PathBuf,
        /// Who owns it.
        owner: u32,
    },
    /// The directory for the socket is somebody else's.
    #[error("{} exists but is not a private directory of ours; remove it, or choose a shorter data directory", .path.display())]
    SocketDirTaken {
        /// The directory.
        path: PathBuf,
    },
    /// `initdb`, or making the first database, failed.
    #[error("cannot make a cluster: {step} failed with {status}: {output}")]
    Initialise {
        /// The program that failed.
        step: &'static str,
        /// How it ended.
        status: String,
        /// What it said.
        output: String,
    },
    /// The server ended before it was ready.
    #[error("postgres ended before it was ready ({status}): {log}")]
    EndedEarly {
        /// How it ended.
        status: String,
        /// The last lines of its log.
        log: String,
    },
    /// The server did not become ready in time.
    #[error("postgres was not ready after {after:?}: {log}")]
    StartTimeout {
        /// How long was waited.
        after: Duration,
        /// The last lines of its log.
        log: String,
    },
    /// A server left by a crash, or our own, does not go away.
    #[error("postgres with process id {pid} does not stop")]
    WontStop {
        /// Its process id.
        pid: u32,
    },
    /// The server kept dying.
    #[error("postgres died and {restarts} restarts in a row did not help")]
    GaveUp {
        /// How often it was restarted.
        restarts: u32,
        /// The last refusal, if it did not even start.
        #[source]
        last: Option<Box<Error>>,
    },
    /// The operating system refused something.
    #[error("cannot {what} {}", .path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which path.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

fn owner(pid: Option<u32>) -> String {
    pid.map(|pid| format!(" (process id {pid})")).unwrap_or_default()
}

/// Names the step and the path that an I/O error lacks.
pub(crate) trait IoContext<T> {
    fn context(self, what: &'static str, path: &Path) -> Result<T, Error>;
}

impl<T, E: Into<io::Error>> IoContext<T> for Result<T, E> {
    fn context(self, what: &'static str, path: &Path) -> Result<T, Error> {
        self.map_err(|source| Error::Io { what, path: path.to_owned(), source: source.into() })
    }
}
