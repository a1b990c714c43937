//! Why a torrent refuses a command.

use crate::selection::InvalidSelection;

/// A refusal: nothing was recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No such torrent.
    #[error("there is no such torrent")]
    Absent,
    /// It was added before.
    #[error("the torrent exists already")]
    Exists,
    /// It was removed, which is for good.
    #[error("the torrent was removed")]
    Removed,
    /// It is being removed.
    #[error("the torrent is being removed")]
    Removing,
    /// It is being moved; one move at a time.
    #[error("the torrent is being moved")]
    Moving,
    /// It needs the metadata first.
    #[error("the torrent's metadata is not known yet")]
    NoMetadata,
    /// The selection does not fit its files.
    #[error("the selection does not fit the torrent")]
    Selection(#[from] InvalidSelection),
}
