//! A connection of the log's own, made when it is needed and dropped when it fails.
//!
//! The writer and the tailer don't borrow from the service's pool: readers that hold every connection must not stop them,
//! and a database that is away shall be known at once, where a pool would try again until its time-out.

use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};
use tokio::time::{Instant, timeout};

use crate::Options;

/// A connection that was silent for longer is asked whether it lives before anything is entrusted to it: the loss of an
/// append that was sent on a dead one would be an unknown outcome, though nothing had happened.
const TRUSTED_FOR: Duration = Duration::from_secs(1);

pub(crate) struct Link {
    options: PgConnectOptions,
    connect_timeout: Duration,
    statement_timeout: Duration,
    open: Option<(PgConnection, Instant)>,
    /// How many connections were made.
    made: u64,
}

impl Link {
    pub(crate) fn new(connect: &PgConnectOptions, name: &str, options: &Options) -> Self {
        Self {
            options: connect.clone().application_name(name),
            connect_timeout: options.connect_timeout,
            statement_timeout: options.statement_timeout,
            open: None,
            made: 0,
        }
    }

    /// A connection that works, as far as can be known; a new one if there is none.
    pub(crate) async fn ready(&mut self) -> Result<&mut PgConnection, sqlx::Error> {
        self.ready_and_number().await.map(|(connection, _)| connection)
    }

    /// The same with a number that no connection before it had.
    pub(crate) async fn ready_and_number(&mut self) -> Result<(&mut PgConnection, u64), sqlx::Error> {
        let connection = match self.open.take() {
            Some((connection, used_at)) if used_at.elapsed() < TRUSTED_FOR => connection,
            Some((mut connection, _)) => match timeout(self.connect_timeout, connection.ping()).await {
                Ok(Ok(())) => connection,
                Ok(Err(_)) | Err(_) => self.connect().await?,
            },
            None => self.connect().await?,
        };
        Ok((&mut self.open.insert((connection, Instant::now())).0, self.made))
    }

    /// How long to wait for a statement: longer than a server takes that observes its own time-out.
    pub(crate) fn patience(&self) -> Duration {
        self.statement_timeout + self.connect_timeout
    }

    /// Forgets a connection that failed, or whose answer nobody waited for.
    pub(crate) fn discard(&mut self) {
        self.open = None;
    }

    async fn connect(&mut self) -> Result<PgConnection, sqlx::Error> {
        self.made += 1;
        let connect = async {
            let mut connection = self.options.connect().await?;
            let bound = format!("SET statement_timeout = {}", self.statement_timeout.as_millis());
            sqlx::query(AssertSqlSafe(bound)).execute(&mut connection).await?;
            Ok(connection)
        };
        timeout(self.connect_timeout, connect).await.unwrap_or_else(|_| Err(timed_out()))
    }
}

/// The error of a statement that was not waited for any longer.
pub(crate) fn timed_out() -> sqlx::Error {
    sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())
}
