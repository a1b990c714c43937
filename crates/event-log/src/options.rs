//! The bounds of the log, and how to connect to its database.

use std::str::FromStr;
use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

/// The bounds. The defaults suit one service on one machine.
#[derive(Debug, Clone)]
pub struct Options {
    /// Commands that wait for the writer; beyond it appends are refused as unavailable.
    pub queue_max: usize,
    /// Commands in one transaction.
    pub batch_commands_max: usize,
    /// Facts in one transaction (one command may exceed it alone).
    pub batch_facts_max: usize,
    /// Bytes of facts that one command may append.
    pub command_bytes_max: usize,
    /// Facts that one command may append.
    pub command_facts_max: usize,
    /// Entries kept in memory for followers near the head.
    pub ring_entries_max: usize,
    /// Bytes kept in memory for followers near the head, serialisations included.
    pub ring_bytes_max: usize,
    /// Entries in one page of a subscription.
    pub page_max: u32,
    /// The longest that a follower waits without a notification before it looks by itself.
    pub follow_timer: Duration,
    /// How long samples are kept.
    pub samples_retention: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            queue_max: 4096,
            batch_commands_max: 256,
            batch_facts_max: 512,
            command_bytes_max: 8 << 20,
            command_facts_max: 10_000,
            ring_entries_max: 16_384,
            ring_bytes_max: 64 << 20,
            page_max: 1000,
            follow_timer: Duration::from_secs(1),
            samples_retention: Duration::from_hours(24),
        }
    }
}

/// Connects to the database of the log with the time-outs that its lock needs: a stalled client never holds it.
pub async fn connect(url: &str, connections_max: u32) -> Result<PgPool, sqlx::Error> {
    let options = PgConnectOptions::from_str(url)?.application_name("revaer").options([
        ("lock_timeout", "10s"),
        ("statement_timeout", "30s"),
        ("idle_in_transaction_session_timeout", "30s"),
        ("timezone", "UTC"),
    ]);
    PgPoolOptions::new()
        .max_connections(connections_max)
        .acquire_timeout(Duration::from_secs(3))
        .connect_with(options)
        .await
}
