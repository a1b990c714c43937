//! The cheap handle to a running engine.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use libtorrent_sys::Session;
use revaer_domain::torrent::{Phase, Totals};
use revaer_domain::values::TorrentId;
use tokio::sync::{Notify, mpsc, oneshot, watch};

use crate::Desired;

/// What an add needs beside the wish: bodies from the database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Materials {
    /// The torrent file.
    pub metainfo: Option<Vec<u8>>,
    /// As saved last.
    pub resume_data: Option<Vec<u8>>,
}

/// What became of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reconciliation {
    /// Everything was asked of the session.
    Done,
    /// The torrent is not in the session: ask again with materials.
    NeedsMaterials,
}

/// Why the engine did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The torrent is not in the session.
    #[error("the torrent is not in the session")]
    NotInSession,
    /// There is no session now.
    #[error("there is no session now")]
    NoSession,
    /// libtorrent refuses.
    #[error("libtorrent refuses")]
    Libtorrent(#[from] libtorrent_sys::Error),
}

/// How the session is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EngineHealth {
    /// Well.
    Well,
    /// Being rebuilt.
    Degraded {
        /// Why.
        reason: String,
    },
    /// Given up.
    Failed {
        /// Why.
        reason: String,
    },
}

/// A fault to inject, for what cannot be provoked in a real session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The pump breaks.
    PumpError,
    /// libtorrent gives no answer.
    Unresponsive,
}

/// Counters of a torrent that moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Which.
    pub id: TorrentId,
    /// Bytes.
    pub totals: Totals,
    /// Payload received a second.
    pub download_bytes_per_second: u64,
    /// Payload sent a second.
    pub upload_bytes_per_second: u64,
    /// Connected peers.
    pub peers: u32,
    /// Those that have everything.
    pub seeds: u32,
}

/// A torrent as libtorrent last told it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Live {
    /// What libtorrent does with it.
    pub phase: Option<Phase>,
    /// The counters.
    pub progress: Progress,
}

pub(crate) enum Request {
    Reconcile(Box<Desired>, Option<Materials>, oneshot::Sender<Result<Reconciliation, Error>>),
    Inject(Fault),
}

/// What the runner shows and the handles read.
#[derive(Default)]
pub(crate) struct Board {
    pub(crate) session: Option<Session>,
    pub(crate) keys: HashMap<TorrentId, u64>,
    pub(crate) live: HashMap<TorrentId, Live>,
    pub(crate) moved: HashMap<TorrentId, Progress>,
    /// For each file of libtorrent's list, whether it is one and not padding.
    pub(crate) real_files: HashMap<TorrentId, Arc<Vec<bool>>>,
}

#[derive(Clone, Default)]
pub(crate) struct Shared {
    board: Arc<Mutex<Board>>,
    pub(crate) progress: Arc<Notify>,
}

impl Shared {
    pub(crate) fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A handle to the engine. A cheap clone.
#[derive(Clone)]
pub struct EngineHandle {
    pub(crate) requests: mpsc::Sender<Request>,
    pub(crate) shared: Shared,
    pub(crate) health: watch::Receiver<EngineHealth>,
}

impl EngineHandle {
    /// Brings one torrent to what it should be.
    pub async fn reconcile(
        &self,
        desired: Desired,
        materials: Option<Materials>,
    ) -> Result<Reconciliation, Error> {
        let (answer, answered) = oneshot::channel();
        let request = Request::Reconcile(Box::new(desired), materials, answer);
        self.requests.send(request).await.map_err(|_| Error::NoSession)?;
        answered.await.unwrap_or(Err(Error::NoSession))
    }

    /// Resolves when a torrent has moved since the last take.
    pub async fn progress_changed(&self) {
        self.shared.progress.notified().await;
    }

    /// The torrents that moved since the last take.
    pub fn take_progress(&self) -> Vec<Progress> {
        std::mem::take(&mut self.shared.board().moved).into_values().collect()
    }

    /// A torrent as libtorrent last told it.
    pub fn live(&self, id: TorrentId) -> Option<Live> {
        self.shared.board().live.get(&id).copied()
    }

    /// Verified bytes of each file, padding left out.
    pub async fn file_progress(&self, id: TorrentId) -> Result<Vec<u64>, Error> {
        let real = self.shared.board().real_files.get(&id).cloned().unwrap_or_default();
        let progress = self.ask(id, Session::file_progress).await?;
        Ok(progress.into_iter().zip(real.iter()).filter_map(|(bytes, real)| real.then_some(bytes)).collect())
    }

    /// The trackers of a torrent.
    pub async fn trackers(&self, id: TorrentId) -> Result<Vec<libtorrent_sys::Tracker>, Error> {
        self.ask(id, Session::trackers).await
    }

    /// The connected peers of a torrent.
    pub async fn peers(&self, id: TorrentId) -> Result<Vec<libtorrent_sys::Peer>, Error> {
        self.ask(id, Session::peers).await
    }

    /// How long a round trip through libtorrent takes.
    pub async fn ping(&self) -> Result<Duration, Error> {
        let session = self.session()?;
        let begun = Instant::now();
        blocking(move || session.ping()).await?;
        Ok(begun.elapsed())
    }

    /// The port that peers connect to.
    pub async fn listen_port(&self) -> Result<u16, Error> {
        let session = self.session()?;
        blocking(move || session.listen_port()).await
    }

    /// How the session is, and every change of it.
    pub fn health(&self) -> watch::Receiver<EngineHealth> {
        self.health.clone()
    }

    /// Breaks the session, for tests of what cannot be provoked otherwise.
    pub async fn inject(&self, fault: Fault) {
        let _ = self.requests.send(Request::Inject(fault)).await;
    }

    fn session(&self) -> Result<Session, Error> {
        self.shared.board().session.clone().ok_or(Error::NoSession)
    }

    async fn ask<T: Send + 'static>(
        &self,
        id: TorrentId,
        question: fn(&Session, u64) -> Result<T, libtorrent_sys::Error>,
    ) -> Result<T, Error> {
        let session = self.session()?;
        let key = *self.shared.board().keys.get(&id).ok_or(Error::NotInSession)?;
        blocking(move || question(&session, key)).await
    }
}

/// libtorrent's synchronous calls take tens of microseconds, or as long as its thread is busy.
async fn blocking<T: Send + 'static>(
    question: impl FnOnce() -> Result<T, libtorrent_sys::Error> + Send + 'static,
) -> Result<T, Error> {
    match tokio::task::spawn_blocking(question).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(Error::NoSession),
    }
}
