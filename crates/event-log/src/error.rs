//! What can go wrong, by operation.

use crate::types::{CommandOutcome, StreamId, Version};

/// Why nothing was appended.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The stream has another version: read it again and decide again.
    #[error("stream `{}` has version {actual}, not {expected}", stream.as_str())]
    VersionConflict {
        /// The stream.
        stream: StreamId,
        /// The version that was asked for.
        expected: Version,
        /// The version that it has.
        actual: Version,
    },
    /// A command with this id was carried out before. The caller compares the fingerprints.
    #[error("the command was carried out before")]
    AlreadyRecorded(Box<CommandOutcome>),
    /// Another stream holds the name.
    #[error("`{claim}` is claimed by stream `{}`", by.as_str())]
    Claimed {
        /// The name.
        claim: String,
        /// Who holds it.
        by: StreamId,
    },
    /// More facts, or more bytes, than one command may carry.
    #[error("{bytes} bytes in {facts} facts are more than one command may append")]
    TooLarge {
        /// All facts together.
        bytes: usize,
        /// How many.
        facts: usize,
    },
    /// The database is away or the queue is full. A command with an id may be given again: it happens once.
    #[error("the log is not available")]
    Unavailable(#[source] Option<sqlx::Error>),
    /// The log was shut down.
    #[error("the log was shut down")]
    Stopped,
}

/// Why nothing was read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The database is away or refuses.
    #[error("the log cannot be read")]
    Database(#[from] sqlx::Error),
}

/// Why the log was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The database is away, or its schema is missing.
    #[error("the log cannot be opened; was the database migrated?")]
    Database(#[from] sqlx::Error),
}

/// Why the schema was not brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// A migration failed, or the database was migrated by a newer version.
    #[error("the database schema cannot be brought up to date")]
    Migrate(#[from] sqlx::migrate::MigrateError),
}
