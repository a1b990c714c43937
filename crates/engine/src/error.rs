//! What can go wrong between a caller and the session. What goes wrong with one torrent is a notice, not an error.

use std::time::Duration;

/// Why a question or a wish was not answered.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The session is being rebuilt, has ended or was given up; after a rebuild everything is reconciled anew.
    #[error("the session is not running")]
    NotRunning,
    /// The session has no such torrent.
    #[error("the torrent is not in the session")]
    NotInSession,
    /// No answer in time.
    #[error("the session did not answer within {0:?}")]
    Unresponsive(Duration),
    /// libtorrent refused.
    #[error("libtorrent refused")]
    Libtorrent(#[from] libtorrent_sys::Error),
    /// The thread of the session could not be started, or its wake-up not be watched.
    #[error("the session's thread cannot run")]
    Thread(#[source] std::io::Error),
}
