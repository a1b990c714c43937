//! A database for a command: the operator's own, the private one that runs, or the private one started for this.

use std::time::Duration;

use anyhow::Context;
use revaer_postgres_embedded::{Address, Cluster, Options};
use sqlx::PgPool;
use tokio::time::Instant;

use crate::config::Config;
use crate::exit::Fault;

/// Connections for commands and questions; the log has its own besides.
const CONNECTIONS_MAX: u32 = 16;
/// The first and the longest pause between two attempts to connect.
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// A database, and the private cluster behind it if this process started one.
pub(crate) struct Database {
    /// How to connect.
    pub(crate) url: String,
    /// To be run, and stopped last.
    pub(crate) cluster: Option<Cluster>,
}

impl Database {
    /// For the service, which owns the data directory: a private cluster is started.
    pub(crate) async fn of_service(config: &Config) -> anyhow::Result<Self> {
        if let Some(url) = &config.database_url {
            return Ok(Self { url: url.clone(), cluster: None });
        }
        let cluster = Cluster::start(Options::new(&config.data_dir)).await.map_err(in_use)?;
        Ok(Self { url: cluster.url(), cluster: Some(cluster) })
    }

    /// For a tool, which works beside the service: a private cluster that runs is used as it is.
    pub(crate) async fn of_tool(config: &Config) -> anyhow::Result<Self> {
        match Cluster::find_running(&config.data_dir).await.as_ref().map(Address::url) {
            Some(url) if config.database_url.is_none() => Ok(Self { url, cluster: None }),
            _ => Self::of_service(config).await,
        }
    }

    /// Connects, with growing pauses for as long as the operator allows.
    pub(crate) async fn connect(&self, wait: Duration) -> anyhow::Result<PgPool> {
        let deadline = Instant::now() + wait;
        let mut pause = PAUSE_MIN;
        loop {
            let error = match revaer_event_log::connect(&self.url, CONNECTIONS_MAX).await {
                Ok(pool) => return Ok(pool),
                Err(error) => error,
            };
            if !may_pass(&error) {
                return Err(error).context("the database refuses");
            }
            if Instant::now() + pause >= deadline {
                return Err(Fault::DatabaseAway { seconds: wait.as_secs(), source: error }.into());
            }
            tracing::warn!(%error, "the database cannot be reached yet");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// Ends what was started.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        match self.cluster {
            Some(cluster) => Ok(cluster.stop().await?),
            None => Ok(()),
        }
    }
}

/// Whether waiting can help: a wrong URL, password or database name stays wrong.
pub(crate) fn may_pass(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut => true,
        // Class 57 is a server that starts or stops, 53 one without resources (PostgreSQL, appendix A).
        sqlx::Error::Database(error) => {
            error.code().is_some_and(|code| code.starts_with("57") || code.starts_with("53"))
        }
        _ => false,
    }
}

/// Names the one refusal of the private cluster that has an exit code.
pub(crate) fn in_use(error: revaer_postgres_embedded::Error) -> anyhow::Error {
    match error {
        error @ revaer_postgres_embedded::Error::InUse { .. } => Fault::InUse(error).into(),
        other => anyhow::Error::new(other),
    }
}
