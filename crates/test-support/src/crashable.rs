//! A whole PostgreSQL for one test, to be killed.
//!
//! Unlike the shared one it flushes what it commits, as the service's does: what is to be shown is what a crash spares. It
//! keeps its address over restarts, so a pool that was opened before a crash reconnects after it.

use std::path::Path;
use std::time::Duration;

use revaer_postgres_embedded::{Cluster, Options};
use rustix::process::{Pid, Signal, kill_process};
use sqlx::postgres::{PgPool, PgPoolOptions};
use tempfile::TempDir;

/// Far longer than a crash takes; a test that waits this long has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// A PostgreSQL of one's own.
#[derive(Debug)]
pub struct CrashableCluster {
    cluster: Option<Cluster>,
    url: String,
    dir: TempDir,
}

impl CrashableCluster {
    /// Makes and starts it: about a second.
    pub async fn start() -> CrashableCluster {
        let dir = tempfile::tempdir().expect("a temporary directory can be made");
        let cluster = start(dir.path()).await;
        CrashableCluster { url: cluster.url(), cluster: Some(cluster), dir }
    }

    /// The connection string, the same after a restart.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A new pool of connections; a connection lost to a crash is replaced when the next is asked for.
    pub async fn pool(&self) -> PgPool {
        let options = PgPoolOptions::new().max_connections(8).acquire_timeout(PATIENCE);
        options.connect(&self.url).await.expect("the cluster accepts connections")
    }

    /// Whether the server runs, as far as this value was told.
    pub fn is_running(&self) -> bool {
        self.cluster.is_some()
    }

    /// Stops the server at once, as `pg_ctl stop -m immediate` does: clients are cut off, the next start recovers.
    pub async fn stop_immediate(&mut self) {
        self.end(Signal::QUIT).await;
    }

    /// Kills the server's main process with `SIGKILL`.
    pub async fn kill9(&mut self) {
        self.end(Signal::KILL).await;
    }

    /// Starts the server again, crash recovery included; stops it in order before if it still runs.
    pub async fn restart(&mut self) {
        if let Some(cluster) = self.cluster.take() {
            cluster.stop().await.expect("the server stops");
        }
        self.cluster = Some(start(self.dir.path()).await);
    }

    async fn end(&mut self, signal: Signal) {
        let cluster = self.cluster.take().expect("the server was running");
        let pid = i32::try_from(cluster.postmaster_pid()).ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(pid, signal).expect("the server can be signalled");
        tokio::time::timeout(PATIENCE, cluster.exited()).await.expect("the server ends");
    }
}

impl Drop for CrashableCluster {
    fn drop(&mut self) {
        let Some(cluster) = self.cluster.take() else { return };
        // Its directory goes next, so the server has to be gone; dropping cannot await, a thread of its own can.
        let stopping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime starts").block_on(cluster.stop())
        });
        let _ = stopping.join();
    }
}

async fn start(dir: &Path) -> Cluster {
    Cluster::start(Options::new(dir)).await.expect("a PostgreSQL starts")
}
