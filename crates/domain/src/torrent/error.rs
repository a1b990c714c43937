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
    /// Its files are at work in the file pipeline.
    #[error("the torrent is in the file pipeline")]
    Processing,
    /// Not all of its files are there.
    #[error("the torrent is not complete")]
    Incomplete,
    /// Neither it, nor its labels, nor the settings choose a profile.
    #[error("no profile of the file pipeline applies to the torrent")]
    NoProfile,
    /// There is no profile of this name.
    #[error("there is no profile `{0}`")]
    UnknownProfile(String),
    /// Nothing that this could be done to.
    #[error("the torrent has no job in the file pipeline that this could be done to")]
    NoJob,
    /// The selection does not fit its files.
    #[error("the selection does not fit the torrent")]
    Selection(#[from] InvalidSelection),
}
