//! The log of a data directory, held by the benchmark: on a PostgreSQL that it starts, or on that of a service that runs.

use std::path::Path;

use revaer_event_log::{EventLog, Options, connect, migrate};
use revaer_postgres_embedded::Cluster;
use sqlx::PgPool;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Enough for the filling and for what is measured beside it.
const CONNECTIONS_MAX: u32 = 8;

/// A log that runs.
pub(crate) struct Log {
    pub(crate) events: EventLog,
    cluster: Option<Cluster>,
    shutdown: CancellationToken,
    running: JoinHandle<()>,
}

impl Log {
    /// Starts the PostgreSQL of a data directory, as the service would.
    pub(crate) async fn open(data_dir: &Path) -> Self {
        std::fs::create_dir_all(data_dir).expect("a folder is made");
        let options = revaer_postgres_embedded::Options::new(data_dir);
        let cluster = Cluster::start(options).await.expect("PostgreSQL starts");
        let url = cluster.url();
        Self::on(&url, Some(cluster)).await
    }

    /// Joins the service that runs on a data directory.
    pub(crate) async fn beside_service(data_dir: &Path) -> Self {
        let address = Cluster::find_running(data_dir).await.expect("the service's PostgreSQL runs");
        Self::on(&address.url(), None).await
    }

    async fn on(url: &str, cluster: Option<Cluster>) -> Self {
        let pool = connect(url, CONNECTIONS_MAX).await.expect("PostgreSQL answers");
        migrate(&pool).await.expect("the schema is made");
        let (log, runner) = EventLog::open(pool, Options::default()).await.expect("it is migrated");
        let shutdown = CancellationToken::new();
        let running = tokio::spawn(runner.run(shutdown.clone()));
        Self { events: log, cluster, shutdown, running }
    }

    pub(crate) fn pool(&self) -> &PgPool {
        self.events.pool()
    }

    /// Ends the log, and the PostgreSQL if it was started here.
    pub(crate) async fn close(self) {
        self.shutdown.cancel();
        self.running.await.expect("the log ends");
        self.events.pool().close().await;
        if let Some(cluster) = self.cluster {
            cluster.stop().await.expect("PostgreSQL stops");
        }
    }
}
