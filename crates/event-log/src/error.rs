//! What can go wrong, by operation: one variant for each thing that a caller does differently.

use std::sync::Arc;

use crate::{CommandOutcome, StreamId, Version};

/// Why nothing was appended.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The stream has moved on: read it again and decide again.
    #[error("stream `{stream}` is at version {actual}, not {expected}")]
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
    /// Another stream holds the info hash.
    #[error("`{claim}` is claimed by stream `{by}`")]
    Claimed {
        /// The info hash.
        claim: String,
        /// Who holds it.
        by: StreamId,
    },
    /// More than one append may carry.
    #[error("{size} {what} are more than {max}")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How much.
        size: usize,
        /// The bound.
        max: usize,
    },
    /// Not something that the database takes, such as a payload that is no JSON.
    #[error("the database refuses the append itself")]
    Invalid(#[source] Arc<sqlx::Error>),
    /// The log cannot be written for now.
    ///
    /// With a command id the append may be given again and happens once. Without one it may have happened, if the connection
    /// was lost at the wrong moment.
    #[error("the log is not available")]
    Unavailable(#[source] Unavailable),
    /// The log was shut down before it took the append.
    #[error("the log was shut down")]
    Stopped,
}

/// What keeps the log from being written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Unavailable {
    /// The database is away, or in no state to append.
    #[error("the database is not available")]
    Database(#[source] Arc<sqlx::Error>),
    /// The queue of the writer stayed full.
    #[error("too many commands wait for the log")]
    QueueFull,
}

impl From<sqlx::Error> for Unavailable {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(Arc::new(error))
    }
}

/// Why nothing was read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The database is away, or it holds what this version can't read.
    #[error("the log cannot be read")]
    Database(#[from] sqlx::Error),
}

/// Why the log was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The database is away.
    #[error("the log cannot be read")]
    Database(#[from] sqlx::Error),
    /// The database has no schema yet, or an older one: migrate it.
    #[error("the database is at schema version {found}, this build needs {needed}")]
    NotMigrated {
        /// The newest migration that was applied; zero if there is none.
        found: i64,
        /// The newest migration of this build.
        needed: i64,
    },
    /// The database was migrated by a newer build, whose log this one might misread.
    #[error("the database is at schema version {found}, newer than this build's {known}")]
    NewerSchema {
        /// The newest migration that was applied.
        found: i64,
        /// The newest migration of this build.
        known: i64,
    },
}

/// Why the schema was not brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The database is away.
    #[error("the database schema cannot be read")]
    Database(#[from] sqlx::Error),
    /// The database was migrated by a newer build: there is no way back.
    #[error(
        "the database is at schema version {found}, newer than this build's {known}: run the newer build"
    )]
    NewerSchema {
        /// The newest migration that was applied.
        found: i64,
        /// The newest migration of this build.
        known: i64,
    },
    /// A migration failed, or was edited after it had been applied.
    #[error("the database schema cannot be brought up to date")]
    Migrate(#[from] sqlx::migrate::MigrateError),
}

/// Why a dump was not loaded. Nothing of it is there then.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The database is away, or refuses a row.
    #[error("the database refuses the dump")]
    Database(#[from] sqlx::Error),
    /// It was written by a newer build.
    #[error("the dump is of schema version {found}, newer than this build's {known}: run the newer build")]
    NewerSchema {
        /// The schema version of the dump.
        found: i64,
        /// The newest migration of this build.
        known: i64,
    },
    /// There is a log already, and none is ever written over.
    #[error("the database has a log already: a dump is loaded into an empty one")]
    NotEmpty,
    /// The dump has a table, or a column of one, that its schema version has not.
    #[error("the dump has a table `{0}` that its schema version does not know")]
    UnknownTable(String),
    /// The schema could not be made.
    #[error(transparent)]
    Schema(#[from] MigrateError),
}
