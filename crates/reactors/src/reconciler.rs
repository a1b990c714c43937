//! Brings the session to what the log says: at start for every torrent, then for each torrent that a fact arrives of.
//!
//! The same function serves a live fact, a restart, a rebuilt session and a divergence: fold the stream, compare, act.
//! There is no replay of effects.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use revaer_application::{Application, CommandError, PrefetchedBodies};
use revaer_domain::torrent::{Lifecycle, Origin, Torrent};
use revaer_domain::values::announce::fingerprint_of;
use revaer_domain::values::{InfoHash, TorrentId};
use revaer_engine::{Desired, EngineHandle, Materials, Reconciliation};
use revaer_event_log::{Body, Position, Version};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span};

use crate::backoff::Backoff;
use crate::{Causes, Metrics};

/// How often the whole session is compared with the log when nothing else asks for it.
const SWEEP_INTERVAL: Duration = Duration::from_hours(1);

/// Torrents that are looked up in one question when all are compared. With the bound of each body, at most 64 MiB.
const CHUNK: usize = 128;
/// Comparisons under way at once: enough to keep the session's thread busy while others wait for the database.
const AT_ONCE: usize = 16;

/// Asks the reconciler for every torrent, after the session was rebuilt, and tells when it has compared all of them. A cheap
/// clone.
#[derive(Debug, Clone, Default)]
pub struct ReconcileAll {
    asked: Arc<Notify>,
    compared: CancellationToken,
}

impl ReconcileAll {
    pub(crate) fn ask(&self) {
        self.asked.notify_one();
    }

    /// Waits until every torrent of the log was compared for the first time.
    pub(crate) async fn first_done(&self) {
        self.compared.cancelled().await;
    }
}

/// The reconciler.
pub struct Reconciler {
    application: Application,
    engine: EngineHandle,
    causes: Causes,
    all: ReconcileAll,
    metrics: Metrics,
}

impl Reconciler {
    /// A reconciler of this session with this log.
    pub fn new(
        application: Application,
        engine: EngineHandle,
        causes: Causes,
        all: ReconcileAll,
        metrics: Metrics,
    ) -> Self {
        Self { application, engine, causes, all, metrics }
    }

    /// Runs until shutdown.
    pub async fn run(self, shutdown: CancellationToken) {
        let Some(start) = self.head(&shutdown).await else { return };
        let mut subscription = self.application.log().follow("reconciler", start);
        if !self.reconcile_all(&shutdown).await {
            return;
        }
        let mut sweep =
            tokio::time::interval_at(tokio::time::Instant::now() + SWEEP_INTERVAL, SWEEP_INTERVAL);
        loop {
            tokio::select! {
                entries = subscription.next() => {
                    // Several facts of one torrent in a page are one comparison.
                    let mut touched = BTreeMap::new();
                    for entry in &entries {
                        let Body::Fact(fact) = &entry.body else { continue };
                        if let Some(id) = TorrentId::from_stream(fact.stream.as_str()) {
                            self.causes.note(id, fact);
                            touched.insert(id, fact.version);
                        }
                    }
                    for (id, version) in touched {
                        // What is too early now is done when everything is reconciled, as it is after each rebuild.
                        if self.reconcile(id, version, None, &shutdown).await.is_none() {
                            return;
                        }
                    }
                }
                () = self.all.asked.notified() => if !self.reconcile_all(&shutdown).await { return },
                _ = sweep.tick() => if !self.reconcile_all(&shutdown).await { return },
                () = shutdown.cancelled() => return,
            }
        }
    }

    async fn head(&self, shutdown: &CancellationToken) -> Option<Position> {
        let mut backoff = Backoff::new();
        loop {
            match self.application.log().head().await {
                Ok(head) => return Some(head),
                Err(error) => tracing::warn!(%error, "the reconciler waits for the log"),
            }
            if !backoff.wait(shutdown).await {
                return None;
            }
        }
    }

    /// Every torrent of the log; `false` when shutdown came first. Files are deleted last: which of them are another
    /// torrent's too is known when that one is in the session.
    async fn reconcile_all(&self, shutdown: &CancellationToken) -> bool {
        let Ok(session) = self.engine.session_number() else {
            // It is being rebuilt; `Restarted` will ask again.
            return true;
        };
        let mut backoff = Backoff::new();
        let torrents = loop {
            match self.application.live_torrents().await {
                Ok(torrents) => break torrents,
                Err(error) => tracing::warn!(%error, "the reconciler waits for the log"),
            }
            if !backoff.wait(shutdown).await {
                return false;
            }
        };
        let begun = Instant::now();
        let mut too_early = Vec::new();
        for ids in torrents.chunks(CHUNK) {
            match self.reconcile_chunk(ids, shutdown).await {
                Some(more) => too_early.extend(more),
                None => return false,
            }
        }
        self.metrics.sweep_seconds.observe(begun.elapsed().as_secs_f64());
        let (count, milliseconds) = (torrents.len(), begun.elapsed().as_millis());
        tracing::info!(
            torrents = count,
            milliseconds,
            "every torrent of the log was compared with the session"
        );
        if let Err(error) = self.engine.everything_reconciled(session).await {
            tracing::warn!(%error, "the session broke before it had every torrent");
        }
        for id in too_early {
            if self.reconcile(id, 0, None, shutdown).await.is_none() {
                return false;
            }
        }
        self.all.compared.cancel();
        true
    }

    /// Some torrents, side by side, and looked up together. Those that were too early; `None` when shutdown came first.
    async fn reconcile_chunk(
        &self,
        ids: &[TorrentId],
        shutdown: &CancellationToken,
    ) -> Option<Vec<TorrentId>> {
        let bodies = match self.prefetch(ids).await {
            Ok(bodies) => bodies,
            Err(error) => {
                // Each of them asks by itself, and waits as long as it takes.
                tracing::warn!(%error, "torrents cannot be looked up together");
                PrefetchedBodies::default()
            }
        };
        // Boxed: the compiler cannot tell that a stream of borrowing futures may go from thread to thread.
        let comparisons: Vec<BoxFuture<'_, _>> = ids
            .iter()
            .map(|&id| self.reconcile(id, 0, Some(&bodies), shutdown).map(move |done| (id, done)).boxed())
            .collect();
        let compared: Vec<_> = futures::stream::iter(comparisons).buffer_unordered(AT_ONCE).collect().await;
        let mut too_early = Vec::new();
        for (id, reconciliation) in compared {
            if reconciliation? == Reconciliation::TooEarly {
                too_early.push(id);
            }
        }
        Some(too_early)
    }

    /// Folds them, and fetches the bodies of those that the session does not have.
    async fn prefetch(&self, ids: &[TorrentId]) -> Result<PrefetchedBodies, CommandError> {
        self.application.prefetch(ids).await?;
        let missing: Vec<_> = ids.iter().copied().filter(|id| self.engine.live(*id).is_none()).collect();
        if missing.is_empty() {
            return Ok(PrefetchedBodies::default());
        }
        let mut hashes = Vec::new();
        for id in &missing {
            if let Some((torrent, ..)) = self.application.torrent_since(*id, 0).await? {
                hashes.extend(torrent.info_hashes.iter());
            }
        }
        let bodies = self.application.bodies().prefetch(&missing, &hashes).await;
        bodies.map_err(|_| CommandError::Unavailable)
    }

    /// One torrent, until it succeeds; `None` when shutdown came first.
    async fn reconcile(
        &self,
        id: TorrentId,
        version: Version,
        bodies: Option<&PrefetchedBodies>,
        shutdown: &CancellationToken,
    ) -> Option<Reconciliation> {
        let mut backoff = Backoff::new();
        loop {
            let attempt = self.attempt(id, version, bodies).instrument(self.span(id)).await;
            self.metrics.reconciled(attempt.as_ref().ok().copied());
            match attempt {
                Ok(reconciliation) => return Some(reconciliation),
                Err(Failed::Log(error)) => tracing::warn!(%error, torrent = %id, "cannot reconcile yet"),
                // The session is being rebuilt; `Restarted` will ask for every torrent.
                Err(Failed::Engine(error)) => {
                    tracing::warn!(%error, torrent = %id, "the session takes nothing now");
                    return (!shutdown.is_cancelled()).then_some(Reconciliation::Done);
                }
            }
            if !backoff.wait(shutdown).await {
                return None;
            }
        }
    }

    /// What is logged of a comparison, the session's side of it included, says of which request it comes.
    fn span(&self, id: TorrentId) -> Span {
        let span = tracing::info_span!("reconcile", torrent = %id, correlation = tracing::field::Empty);
        if let Some(correlation) = self.causes.correlation_of(id) {
            span.record("correlation", correlation);
        }
        span
    }

    async fn attempt(
        &self,
        id: TorrentId,
        version: Version,
        bodies: Option<&PrefetchedBodies>,
    ) -> Result<Reconciliation, Failed> {
        let known = self.application.torrent_since(id, version).await.map_err(Failed::Log)?;
        let Some((torrent, version, _)) = known else { return Ok(Reconciliation::Done) };
        if torrent.lifecycle == Lifecycle::Removed {
            self.causes.forget(id);
            let forgotten = self.application.bodies().forget_resume_data(id).await;
            forgotten.map_err(|_| Failed::Log(CommandError::Unavailable))?;
        }
        let desired = || Desired::of(id, version, &torrent);
        let at_hand = bodies.and_then(|bodies| at_hand(id, &torrent, bodies));
        match self.engine.reconcile(desired(), at_hand).await.map_err(Failed::Engine)? {
            Reconciliation::NeedsMaterials => {
                let materials = self.materials(id, &torrent).await?;
                let trackers = self.application.announce_urls(id, &torrent.trackers).await;
                let desired = Desired { trackers: trackers.map_err(Failed::Log)?, ..desired() };
                self.engine.reconcile(desired, Some(materials)).await.map_err(Failed::Engine)
            }
            settled => Ok(settled),
        }
    }

    async fn materials(&self, id: TorrentId, torrent: &Torrent) -> Result<Materials, Failed> {
        let unavailable = |error: sqlx::Error| {
            tracing::warn!(%error, "a body cannot be read");
            Failed::Log(CommandError::Unavailable)
        };
        let bodies = self.application.bodies();
        let needs_metainfo = needs_metainfo(torrent);
        let hashes: Vec<InfoHash> = torrent.info_hashes.iter().collect();
        let metainfo =
            if needs_metainfo { bodies.metainfo(&hashes).await.map_err(unavailable)? } else { None };
        let resume_data = bodies.resume_data(id).await.map_err(unavailable)?;
        Ok(Materials { metainfo, resume_data })
    }
}

/// What was fetched with others, if it is all that the torrent needs.
fn at_hand(id: TorrentId, torrent: &Torrent, bodies: &PrefetchedBodies) -> Option<Materials> {
    let resume_data = Some(bodies.resume_data.get(&id)?.clone());
    let metainfo = torrent.info_hashes.iter().find_map(|hash| bodies.metainfo.get(&hash)).cloned();
    // Resume data names every tracker. If it is refused, the torrent file does; a magnet has what the log has.
    let is_all = metainfo.is_some()
        || (!needs_metainfo(torrent) && torrent.trackers.iter().all(|url| fingerprint_of(url).is_none()));
    is_all.then_some(Materials { metainfo, resume_data })
}

fn needs_metainfo(torrent: &Torrent) -> bool {
    torrent.files.is_some() || torrent.origin == Some(Origin::Metainfo)
}

enum Failed {
    Log(CommandError),
    Engine(revaer_engine::Error),
}
