//! Brings the session to what the log says: at start for every torrent, then for each torrent that a fact arrives of.
//!
//! The same function serves a live fact, a restart, a rebuilt session and a divergence: fold the stream, compare, act.
//! There is no replay of effects.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use revaer_application::{Application, CommandError};
use revaer_domain::torrent::{Lifecycle, Origin, Torrent};
use revaer_domain::values::{InfoHash, TorrentId};
use revaer_engine::{Desired, EngineHandle, Materials, Reconciliation};
use revaer_event_log::{Body, Position, Version};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::Causes;
use crate::backoff::Backoff;

/// How often the whole session is compared with the log when nothing else asks for it.
const SWEEP_INTERVAL: Duration = Duration::from_hours(1);

/// Asks the reconciler for every torrent, after the session was rebuilt. A cheap clone.
#[derive(Debug, Clone, Default)]
pub struct ReconcileAll(Arc<Notify>);

impl ReconcileAll {
    pub(crate) fn ask(&self) {
        self.0.notify_one();
    }
}

/// The reconciler.
pub struct Reconciler {
    application: Application,
    engine: EngineHandle,
    causes: Causes,
    all: ReconcileAll,
}

impl Reconciler {
    /// A reconciler of this session with this log.
    pub fn new(application: Application, engine: EngineHandle, causes: Causes, all: ReconcileAll) -> Self {
        Self { application, engine, causes, all }
    }

    /// Runs until shutdown.
    pub async fn run(self, shutdown: CancellationToken) {
        let Some(start) = self.head(&shutdown).await else { return };
        let mut subscription = self.application.log().subscribe(start);
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
                        if self.reconcile(id, version, &shutdown).await.is_none() {
                            return;
                        }
                    }
                }
                () = self.all.0.notified() => if !self.reconcile_all(&shutdown).await { return },
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
        let mut too_early = Vec::new();
        for id in torrents {
            match self.reconcile(id, 0, shutdown).await {
                Some(Reconciliation::TooEarly) => too_early.push(id),
                Some(_) => {}
                None => return false,
            }
        }
        if let Err(error) = self.engine.everything_reconciled(session).await {
            tracing::warn!(%error, "the session broke before it had every torrent");
        }
        for id in too_early {
            if self.reconcile(id, 0, shutdown).await.is_none() {
                return false;
            }
        }
        true
    }

    /// One torrent, until it succeeds; `None` when shutdown came first.
    async fn reconcile(
        &self,
        id: TorrentId,
        version: Version,
        shutdown: &CancellationToken,
    ) -> Option<Reconciliation> {
        let mut backoff = Backoff::new();
        loop {
            match self.attempt(id, version).await {
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

    async fn attempt(&self, id: TorrentId, version: Version) -> Result<Reconciliation, Failed> {
        let known = self.application.torrent_since(id, version).await.map_err(Failed::Log)?;
        let Some((torrent, version, _)) = known else { return Ok(Reconciliation::Done) };
        if torrent.lifecycle == Lifecycle::Removed {
            self.causes.forget(id);
            let forgotten = self.application.bodies().forget_resume_data(id).await;
            forgotten.map_err(|_| Failed::Log(CommandError::Unavailable))?;
        }
        let desired = || Desired::of(id, version, &torrent);
        match self.engine.reconcile(desired(), None).await.map_err(Failed::Engine)? {
            Reconciliation::NeedsMaterials => {
                let materials = self.materials(id, &torrent).await?;
                self.engine.reconcile(desired(), Some(materials)).await.map_err(Failed::Engine)
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
        let needs_metainfo = torrent.files.is_some() || torrent.origin == Some(Origin::Metainfo);
        let hashes: Vec<InfoHash> = torrent.info_hashes.iter().collect();
        let metainfo =
            if needs_metainfo { bodies.metainfo(&hashes).await.map_err(unavailable)? } else { None };
        let resume_data = bodies.resume_data(id).await.map_err(unavailable)?;
        Ok(Materials { metainfo, resume_data })
    }
}

enum Failed {
    Log(CommandError),
    Engine(revaer_engine::Error),
}
