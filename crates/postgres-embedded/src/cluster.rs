//! A private cluster: started, supervised, stopped.
//!
//! [`Cluster::start`] does everything that a start needs, in order: lock, find the server, clear what a crash left, make the
//! cluster if there is none, start, wait until ready. A value of [`Cluster`] is the proof that it was ready; whether it
//! still is, only a connection can tell. Dropping it tells the server to end but does not wait, as [`Cluster::stop`] does.

use std::fs;
use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::address::Address;
use crate::binaries::Binaries;
use crate::error::{Error, IoContext};
use crate::initialise::{Sync, initialise};
use crate::layout::Layout;
use crate::lock::DataDirLock;
use crate::options::Options;
use crate::postmaster::Postmaster;
use crate::stale;

/// The server announces that it is ready by writing it to a file, so somebody has to look; it takes some 50 ms.
const READY_CHECK_EVERY: Duration = Duration::from_millis(10);
/// A server that ran this long had recovered: its death starts a new count of restarts.
const STABLE_AFTER: Duration = Duration::from_mins(1);
/// The first pause before a restart; it doubles each time.
const BACKOFF: Duration = Duration::from_millis(100);

/// A running private cluster and the sole right to it.
#[derive(Debug)]
pub struct Cluster {
    options: Options,
    layout: Layout,
    binaries: Binaries,
    address: Address,
    postmaster: Postmaster,
    _lock: DataDirLock,
}

impl Cluster {
    /// Starts the cluster of a data directory, making it first if need be, and waits until it accepts connections.
    pub async fn start(options: Options) -> Result<Cluster, Error> {
        let opened = options.clone();
        let (layout, binaries, lock) = blocking(move || {
            let options = opened;
            let data_dir = &options.data_dir;
            fs::create_dir_all(data_dir).context("make the data directory", data_dir)?;
            let lock = DataDirLock::acquire_cluster(data_dir)?;
            let layout = Layout::prepare(data_dir)?;
            stale::clear(&layout)?;
            let made_by = layout.cluster_major()?;
            let binaries = Binaries::find(options.binary_dirs.as_deref(), made_by, &layout.pgdata())?;
            if made_by.is_none() {
                tracing::info!(path = %layout.pgdata().display(), version = binaries.major, "making a private PostgreSQL");
                let sync = if options.is_disposable() { Sync::Skip } else { Sync::Disk };
                initialise(&layout, &binaries, sync)?;
            }
            layout.prepare_socket_dir()?;
            Ok((layout, binaries, lock))
        })
        .await?;
        let postmaster = ready(&layout, &binaries, &options).await?;
        let address = layout.address();
        Ok(Cluster { options, layout, binaries, address, postmaster, _lock: lock })
    }

    /// Where the cluster of a data directory listens, if one runs and is ready; nothing is started or changed.
    pub async fn find_running(data_dir: &Path) -> Option<Address> {
        let data_dir = data_dir.to_owned();
        let found = blocking(move || {
            let layout = Layout::locate(&data_dir)?;
            let running = stale::is_running(&layout) && is_ready(&layout, None);
            Ok(running.then(|| layout.address()))
        });
        found.await.ok().flatten()
    }

    /// Where it listens.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The directory of its socket.
    pub fn socket_dir(&self) -> &Path {
        self.address.socket_dir()
    }

    /// The number in its socket's name.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The role to connect as.
    pub fn user(&self) -> &str {
        self.address.user()
    }

    /// The database of the service.
    pub fn database(&self) -> &str {
        self.address.database()
    }

    /// The connection string of the service's database; it stays the same over restarts.
    pub fn url(&self) -> String {
        self.address.url()
    }

    /// The id of the server's main process, as of its last start.
    pub fn postmaster_pid(&self) -> u32 {
        self.postmaster.pid()
    }

    /// Resolves when the server has ended, for whatever reason.
    pub async fn exited(&self) {
        self.postmaster.ended().await;
    }

    /// Keeps the server running until `shutdown`, then stops it.
    ///
    /// A server that dies is started again with growing pauses; [`Error::GaveUp`] after
    /// [`restarts_max`](Options::restarts_max) in a row that did not last.
    pub async fn run(mut self, shutdown: CancellationToken) -> Result<(), Error> {
        let mut restarts = 0;
        loop {
            let since = Instant::now();
            let status = tokio::select! {
                () = shutdown.cancelled() => return self.stop().await,
                status = self.postmaster.ended() => status,
            };
            if since.elapsed() >= STABLE_AFTER {
                restarts = 0;
            }
            let mut last = None;
            loop {
                if restarts == self.options.restarts_max {
                    return Err(Error::GaveUp { restarts, last: last.map(Box::new) });
                }
                restarts += 1;
                tracing::error!(%status, restarts, "postgres died and is started again");
                tokio::select! {
                    () = shutdown.cancelled() => return self.stop().await,
                    () = sleep(BACKOFF * 2_u32.pow((restarts - 1).min(7))) => {}
                }
                match self.restart().await {
                    Ok(()) => break,
                    Err(error) => {
                        tracing::error!(error = &error as &dyn std::error::Error, "postgres does not start");
                        last = Some(error);
                    }
                }
            }
        }
    }

    /// Stops the server: in order first, by force in the end.
    pub async fn stop(self) -> Result<(), Error> {
        self.postmaster.stop(self.options.stop_timeout).await?;
        self.layout.remove_socket_dir();
        Ok(())
    }

    /// Lets a [detached](crate::Lifetime::Detached) server run on, and gives up the right to it.
    pub fn leave(self) -> Address {
        self.address.clone()
    }

    async fn restart(&mut self) -> Result<(), Error> {
        // The children of a server that was killed may still be ending.
        let layout = self.layout.clone();
        blocking(move || stale::clear(&layout)).await?;
        self.postmaster = ready(&self.layout, &self.binaries, &self.options).await?;
        Ok(())
    }
}

/// Starts the server and waits until it is ready; stops it again if it takes too long.
async fn ready(layout: &Layout, binaries: &Binaries, options: &Options) -> Result<Postmaster, Error> {
    let postmaster = Postmaster::spawn(layout, binaries, options).await?;
    let pid = postmaster.pid();
    let wait = async {
        while !is_ready(layout, Some(pid)) {
            sleep(READY_CHECK_EVERY).await;
        }
    };
    let outcome = tokio::select! {
        status = postmaster.ended() => {
            return Err(Error::EndedEarly { status: status.to_string(), log: postmaster.log.tail() });
        }
        outcome = timeout(options.start_timeout, wait) => outcome,
    };
    if outcome.is_err() {
        let log = postmaster.log.tail();
        postmaster.stop(Duration::ZERO).await?;
        return Err(Error::StartTimeout { after: options.start_timeout, log });
    }
    Ok(postmaster)
}

/// Whether the server's own note says that it accepts connections, and that it is `pid`'s.
fn is_ready(layout: &Layout, pid: Option<u32>) -> bool {
    let Ok(note) = fs::read_to_string(layout.pgdata().join("postmaster.pid")) else { return false };
    let mut lines = note.lines();
    let noted: Option<u32> = lines.next().and_then(|line| line.trim().parse().ok());
    (pid.is_none() || noted == pid) && lines.nth(6).is_some_and(|status| status.trim() == "ready")
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.expect("the work does not panic")
}
