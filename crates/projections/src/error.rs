//! What can go wrong, by operation.

use revaer_event_log::{Position, ReadError};
use revaer_event_schema::DecodeError;

/// Why a projection was not opened, written or built.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database is away or refuses.
    #[error("the read models cannot be reached")]
    Database(#[from] sqlx::Error),
    /// The log cannot be read.
    #[error("the log cannot be read for a read model")]
    Log(#[from] ReadError),
    /// A fact that this build does not understand. It is never skipped.
    #[error("fact at position {position} is not understood")]
    Poisoned {
        /// Where it lies.
        position: Position,
        /// What is wrong with it.
        #[source]
        source: DecodeError,
    },
    /// Somebody else runs the projection, or another generation took its place.
    #[error("the projection is run by somebody else")]
    Fenced,
    /// A rebuild of this projection is under way.
    #[error("the projection `{0}` is being rebuilt already")]
    Rebuilding(&'static str),
    /// There is no such projection.
    #[error("no projection is called `{0}`")]
    Unknown(String),
}

/// Why a query has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The cursor is damaged, of another version, or of a list with other filters or another sort.
    #[error("the cursor does not belong to this list")]
    Cursor,
    /// The database is away or refuses.
    #[error("the read models cannot be read")]
    Database(#[from] sqlx::Error),
}
