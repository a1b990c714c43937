//! The bounds of the log, and how to connect to its database.

use std::str::FromStr;
use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

/// The bounds. The defaults suit one service on one machine.
#[derive(Debug, Clone)]
pub struct Options {
    /// Appends that wait for the writer. At tens of thousands a second this is a fraction of a second's work.
    pub queue_max: usize,
    /// How long an append waits for a place in the queue before it is refused.
    pub queue_timeout: Duration,
    /// Facts, or commands without any, that one transaction takes; the last append may exceed it.
    pub batch_events_max: usize,
    /// Bytes that one transaction takes; the last append may exceed it.
    pub batch_bytes_max: usize,
    /// Facts of one append.
    pub append_facts_max: usize,
    /// Bytes of one append.
    pub append_bytes_max: usize,
    /// Info hashes that one append claims and releases.
    pub append_claims_max: usize,
    /// Bytes of one fact's data.
    pub fact_bytes_max: usize,
    /// Bytes of one fact's metadata.
    pub meta_bytes_max: usize,
    /// Bytes of one fact's name.
    pub kind_bytes_max: usize,
    /// Bytes of one packed row of samples.
    pub samples_bytes_max: usize,
    /// Entries kept in memory for followers near the head.
    pub ring_entries_max: usize,
    /// Bytes kept in memory for followers near the head, their serialisations included.
    pub ring_bytes_max: usize,
    /// Entries of one page of a subscription.
    pub page_max: u32,
    /// Bytes of one page; its last entry may exceed it.
    pub page_bytes_max: usize,
    /// Subscriptions that read from Postgres at once: those far behind must not starve commands of connections.
    pub catch_up_readers_max: usize,
    /// How long the tailer waits without a notification before it looks by itself.
    pub follow_timer: Duration,
    /// How long making a connection may take.
    pub connect_timeout: Duration,
    /// How long one statement of the writer or the tailer may take.
    pub statement_timeout: Duration,
    /// What is kept how long, until the log is told otherwise.
    pub retention: Retention,
}

/// How long is kept what is not kept for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Samples, by the hour.
    pub samples: Duration,
    /// That a command was carried out, for its repeat.
    pub commands: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        Self { samples: Duration::from_hours(24), commands: Duration::from_hours(30 * 24) }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            queue_max: 4096,
            queue_timeout: Duration::from_secs(5),
            batch_events_max: 512,
            batch_bytes_max: 8 << 20,
            append_facts_max: 1000,
            append_bytes_max: 8 << 20,
            append_claims_max: 64,
            fact_bytes_max: 1 << 20,
            meta_bytes_max: 64 << 10,
            kind_bytes_max: 128,
            samples_bytes_max: 1 << 20,
            ring_entries_max: 16_384,
            ring_bytes_max: 64 << 20,
            page_max: 1000,
            page_bytes_max: 8 << 20,
            catch_up_readers_max: 4,
            follow_timer: Duration::from_secs(1),
            connect_timeout: Duration::from_secs(3),
            statement_timeout: Duration::from_secs(30),
            retention: Retention::default(),
        }
    }
}

/// Connects to the database of the log, with bounds on what a forgotten transaction or a lock can cost the others.
pub async fn connect(url: &str, connections_max: u32) -> Result<PgPool, sqlx::Error> {
    let options = PgConnectOptions::from_str(url)?.application_name("revaer").options([
        ("lock_timeout", "10s"),
        ("statement_timeout", "30s"),
        // About as long as a lease: a process that is stopped in the middle of a transaction holds what it has locked, and
        // whoever takes over from it waits for the end of this.
        ("idle_in_transaction_session_timeout", "10s"),
        ("timezone", "UTC"),
    ]);
    PgPoolOptions::new()
        .max_connections(connections_max)
        .acquire_timeout(Duration::from_secs(3))
        .connect_with(options)
        .await
}
