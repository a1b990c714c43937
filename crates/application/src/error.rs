//! Why a command or a question was not carried out: one variant for each thing that a caller does differently.

use revaer_domain::torrent::Refused;
use revaer_domain::values::TorrentId;

/// A command that left nothing in the log.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// No such torrent.
    #[error("there is no such torrent")]
    NotFound,
    /// The rules refuse it.
    #[error(transparent)]
    Refused(Refused),
    /// Another torrent has one of the info hashes.
    #[error("the torrent is there already as {id}")]
    TorrentExists {
        /// The torrent that is there.
        id: TorrentId,
    },
    /// The torrent file does not parse or breaks a limit.
    #[error("the torrent file is not usable: {0}")]
    InvalidMetainfo(String),
    /// Others changed the torrent at the same moment, several times over.
    #[error("the torrent was changed by others at the same moment; try again")]
    VersionConflict,
    /// The torrent no longer has the version that the caller asked for.
    #[error("the torrent has version {actual}")]
    PreconditionFailed {
        /// The version that it has.
        actual: u32,
    },
    /// The idempotency key was used with another command.
    #[error("the idempotency key was used for another command")]
    KeyReused,
    /// The database is away; nothing is known to have happened, and the same key may be tried again.
    #[error("the log cannot be reached")]
    Unavailable,
    /// Each part of it is allowed, but all together is more than a fact may hold.
    #[error("the change is larger than a fact of the log may be: {size} of at most {max} bytes")]
    TooLarge {
        /// How large it is.
        size: usize,
        /// The bound.
        max: usize,
    },
    /// A fault of ours.
    #[error("internal fault")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl CommandError {
    pub(crate) fn internal(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Internal(Box::new(error))
    }
}
