//! What others hold of the engine: cheap to clone, and still there while the session is being rebuilt.
//!
//! Questions go to libtorrent from a thread that may block; they neither wait for the session's own thread nor hold it up.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use libtorrent_sys::Session;
use revaer_domain::torrent::Totals;
use revaer_domain::values::TorrentId;
use tokio::sync::{mpsc, oneshot, watch};

use crate::board::{Board, Live, Progress};
use crate::desired::{Desired, Materials, Reconciliation};
use crate::error::Error;
use crate::mailbox::Mailbox;
use crate::metrics::Metrics;
use crate::profile::{Profile, Refusal};
use crate::runner::REQUESTS_MAX;

/// How the session is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EngineHealth {
    /// It runs.
    Well,
    /// It is being rebuilt.
    Degraded {
        /// Why.
        reason: String,
    },
    /// It was given up.
    Failed {
        /// Why.
        reason: String,
    },
}

/// What cannot be provoked for real.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Taking alerts fails.
    PumpError,
    /// libtorrent answers no ping.
    Unresponsive,
}

/// What is asked of the session's thread.
pub(crate) enum Request {
    Reconcile {
        desired: Box<Desired>,
        materials: Option<Materials>,
        /// In which its log lines belong.
        span: tracing::Span,
        reply: oneshot::Sender<Reconciliation>,
    },
    EverythingReconciled,
    Counters {
        reply: oneshot::Sender<Vec<i64>>,
    },
    Apply {
        profile: Box<Profile>,
        reply: oneshot::Sender<Vec<Refusal>>,
    },
    BreakPump,
}

/// The way to a running session.
#[derive(Clone)]
pub(crate) struct Line {
    pub(crate) session: Arc<Session>,
    pub(crate) requests: mpsc::Sender<Request>,
    /// Which session it is, counted from the first.
    pub(crate) number: u64,
}

pub(crate) struct Shared {
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) board: Board,
    pub(crate) metrics: Metrics,
    pub(crate) health: watch::Sender<EngineHealth>,
    pub(crate) ping_deadline: Duration,
    pub(crate) faults: mpsc::Sender<Fault>,
    /// What the session should be like, or the next one.
    profile: Mutex<Profile>,
    /// Why nobody can connect, or not everywhere.
    pub(crate) deaf: watch::Sender<Option<String>>,
    sessions: AtomicU64,
    line: Mutex<Option<Line>>,
}

/// Asks the session. A cheap clone.
#[derive(Clone)]
pub struct EngineHandle(pub(crate) Arc<Shared>);

impl Shared {
    pub(crate) fn new(profile: Profile, ping_deadline: Duration, faults: mpsc::Sender<Fault>) -> Self {
        Self {
            mailbox: Arc::default(),
            board: Board::default(),
            metrics: Metrics::default(),
            health: watch::Sender::new(EngineHealth::Well),
            ping_deadline,
            faults,
            profile: Mutex::new(profile),
            deaf: watch::Sender::new(None),
            sessions: AtomicU64::new(0),
            line: Mutex::new(None),
        }
    }

    /// Lets others ask this session from now on.
    pub(crate) fn open_line(&self, session: Arc<Session>, requests: mpsc::Sender<Request>) {
        let number = self.sessions.fetch_add(1, Ordering::Relaxed);
        *self.lock() = Some(Line { session, requests, number });
    }

    pub(crate) fn close_line(&self) {
        *self.lock() = None;
    }

    pub(crate) fn line(&self) -> Result<Line, Error> {
        self.lock().clone().ok_or(Error::NotRunning)
    }

    pub(crate) fn profile(&self) -> Profile {
        self.profile.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn put_profile(&self, profile: Profile) {
        *self.profile.lock().unwrap_or_else(PoisonError::into_inner) = profile;
    }

    fn lock(&self) -> MutexGuard<'_, Option<Line>> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EngineHandle {
    /// Compares a torrent with what it should be and does what is missing.
    pub async fn reconcile(
        &self,
        desired: Desired,
        materials: Option<Materials>,
    ) -> Result<Reconciliation, Error> {
        let line = self.0.line()?;
        let (reply, answer) = oneshot::channel();
        let span = tracing::Span::current();
        let request = Request::Reconcile { desired: Box::new(desired), materials, span, reply };
        line.requests.send(request).await.map_err(|_| Error::NotRunning)?;
        answer.await.map_err(|_| Error::NotRunning)
    }

    /// Brings the session to another profile while it runs; what it refuses stays as it was. Where the answer is that no
    /// session runs, the next one begins with the profile.
    pub async fn apply(&self, profile: Profile) -> Result<Vec<Refusal>, Error> {
        let line = match self.0.line() {
            Ok(line) => line,
            Err(error) => {
                self.0.put_profile(profile);
                return Err(error);
            }
        };
        let (reply, answer) = oneshot::channel();
        let request = Request::Apply { profile: Box::new(profile), reply };
        line.requests.send(request).await.map_err(|_| Error::NotRunning)?;
        answer.await.map_err(|_| Error::NotRunning)
    }

    /// What the session is like now, or the next one will be.
    pub fn profile(&self) -> Profile {
        self.0.profile()
    }

    /// Why peers cannot connect to it everywhere where they should, now and from now on; `None` when they can.
    pub fn deaf(&self) -> watch::Receiver<Option<String>> {
        self.0.deaf.subscribe()
    }

    /// How long a torrent has seeded what is wanted of it, ever. Asks libtorrent, since that alone moves nothing that it would tell of.
    pub async fn seeding_time(&self, id: TorrentId) -> Result<Duration, Error> {
        let seconds = self.ask_torrent(id, |session, key| Ok(session.status(key)?.seeding_seconds)).await?;
        Ok(Duration::from_secs(seconds))
    }

    /// Which session runs: a rebuild makes another one, which is empty.
    pub fn session_number(&self) -> Result<u64, Error> {
        Ok(self.0.line()?.number)
    }

    /// Says that this session was brought to what the log says for every torrent that should be in it. Only now can it
    /// tell which files of a torrent that goes are another torrent's too.
    pub async fn everything_reconciled(&self, session_number: u64) -> Result<(), Error> {
        let line = self.0.line()?;
        if line.number != session_number {
            return Err(Error::NotRunning);
        }
        line.requests.send(Request::EverythingReconciled).await.map_err(|_| Error::NotRunning)
    }

    /// The session's own counters by libtorrent's names.
    pub async fn counters(&self) -> Result<BTreeMap<String, i64>, Error> {
        let (line, deadline) = (self.0.line()?, self.0.ping_deadline);
        let (reply, answer) = oneshot::channel();
        line.requests.send(Request::Counters { reply }).await.map_err(|_| Error::NotRunning)?;
        let values =
            tokio::time::timeout(deadline, answer).await.map_err(|_| Error::Unresponsive(deadline))?;
        let values = values.map_err(|_| Error::NotRunning)?;
        let value_of = |place: usize| values.get(place).copied();
        Ok(libtorrent_sys::stats_metrics()
            .into_iter()
            .filter_map(|metric| Some((metric.name, value_of(metric.place)?)))
            .collect())
    }

    /// The torrents that moved since the last take, each once, with its newest numbers.
    pub fn take_progress(&self) -> Vec<Progress> {
        self.0.board.take()
    }

    /// Waits until there is progress to take.
    pub async fn progress_changed(&self) {
        self.0.board.changed().await;
    }

    /// The counters of every torrent that the session said something of.
    pub fn totals(&self) -> Vec<(TorrentId, Totals)> {
        self.0.board.totals()
    }

    /// A torrent as the session last said; `None` if the session does not have it or said nothing of it yet.
    pub fn live(&self, id: TorrentId) -> Option<Live> {
        self.0.board.live(id)
    }

    /// The verified bytes of each file, padding left out; empty while the files are unknown.
    pub async fn file_progress(&self, id: TorrentId) -> Result<Vec<u64>, Error> {
        self.ask_torrent(id, |session, key| {
            let progress = session.file_progress(key)?;
            let files = session.files(key)?;
            Ok(files.iter().zip(progress).filter(|(file, _)| !file.pad).map(|(_, bytes)| bytes).collect())
        })
        .await
    }

    /// The trackers, and how they are doing.
    pub async fn trackers(&self, id: TorrentId) -> Result<Vec<libtorrent_sys::Tracker>, Error> {
        self.ask_torrent(id, Session::trackers).await
    }

    /// The connected peers.
    pub async fn peers(&self, id: TorrentId) -> Result<Vec<libtorrent_sys::Peer>, Error> {
        self.ask_torrent(id, Session::peers).await
    }

    /// Connects a torrent to a peer.
    pub async fn connect_peer(&self, id: TorrentId, peer: SocketAddr) -> Result<(), Error> {
        self.ask_torrent(id, move |session, key| session.connect_peer(key, peer)).await
    }

    /// What it counts of itself.
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// The requests that wait for the session's thread, and how many may; none while no session runs.
    pub fn queue(&self) -> (usize, usize) {
        let Ok(line) = self.0.line() else { return (0, REQUESTS_MAX) };
        (line.requests.max_capacity() - line.requests.capacity(), REQUESTS_MAX)
    }

    /// The notices that nobody has taken yet.
    pub fn notices_waiting(&self) -> usize {
        self.0.mailbox.len()
    }

    /// How long libtorrent itself takes to answer.
    pub async fn ping(&self) -> Result<Duration, Error> {
        let begun = Instant::now();
        self.ask(Session::ping).await?;
        Ok(begun.elapsed())
    }

    /// How the session is, now and from now on.
    pub fn health(&self) -> watch::Receiver<EngineHealth> {
        self.0.health.subscribe()
    }

    /// The port that it listens on.
    pub async fn listen_port(&self) -> Result<u16, Error> {
        self.ask(Session::listen_port).await
    }

    /// Breaks the session as nothing real can, to see it rebuilt.
    pub fn inject(&self, fault: Fault) {
        // A full queue holds faults enough.
        let _ = self.0.faults.try_send(fault);
    }

    async fn ask_torrent<T: Send + 'static>(
        &self,
        id: TorrentId,
        question: impl FnOnce(&Session, u64) -> Result<T, libtorrent_sys::Error> + Send + 'static,
    ) -> Result<T, Error> {
        let key = self.0.board.key(id).ok_or(Error::NotInSession)?;
        self.ask(move |session| question(session, key)).await
    }

    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Session) -> Result<T, libtorrent_sys::Error> + Send + 'static,
    ) -> Result<T, Error> {
        let Line { session, .. } = self.0.line()?;
        let deadline = self.0.ping_deadline;
        let answer = tokio::task::spawn_blocking(move || question(&session));
        match tokio::time::timeout(deadline, answer).await {
            Ok(Ok(answer)) => Ok(answer?),
            // The runtime is going away, or the question panicked: nobody will answer either way.
            Ok(Err(_)) => Err(Error::NotRunning),
            Err(_) => Err(Error::Unresponsive(deadline)),
        }
    }
}
