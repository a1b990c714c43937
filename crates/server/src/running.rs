//! The parts that run, and the order in which they end.
//!
//! Each end has a bound, so that a part that hangs delays the end and does not prevent it.

use std::time::Duration;

use revaer_event_log::EventLog;
use revaer_postgres_embedded::DataDirLock;

use crate::app::NODE;
use crate::part::Part;

/// How long requests may take to finish, and streams to end.
pub(crate) const API_END: Duration = Duration::from_secs(10);
/// How long the session may take: its own deadline is shorter.
const ENGINE_END: Duration = Duration::from_secs(30);
/// How long the session's last words may take to be recorded.
const OBSERVER_END: Duration = Duration::from_secs(20);
/// How long anything else may take.
const PART_END: Duration = Duration::from_secs(10);
/// How long the private PostgreSQL may take: an orderly stop first, then by force.
const DATABASE_END: Duration = Duration::from_secs(40);

/// The parts that run, in the order of their start.
pub(crate) struct Running {
    pub(crate) database: Option<Part<Result<(), revaer_postgres_embedded::Error>>>,
    pub(crate) log: Part<()>,
    pub(crate) projector: Part<()>,
    pub(crate) recorder: Part<()>,
    pub(crate) health: Part<()>,
    pub(crate) access: Part<()>,
    pub(crate) uses: Part<()>,
    pub(crate) observer: Part<()>,
    pub(crate) applier: Part<()>,
    pub(crate) reconciler: Part<()>,
    pub(crate) counters: Part<()>,
    pub(crate) limiter: Part<()>,
    pub(crate) sampler: Part<()>,
    pub(crate) engine: Part<Option<Vec<u8>>>,
    pub(crate) api: Part<()>,
    pub(crate) settings: Part<()>,
    pub(crate) kept: Part<()>,
    pub(crate) secrets: Part<()>,
    pub(crate) terms: Part<()>,
    pub(crate) tide: Part<()>,
    pub(crate) level: Part<()>,
    /// Nobody else may serve from the data directory until the last part has ended.
    pub(crate) lock: DataDirLock,
}

impl Running {
    /// Ends them in the reverse of the order of need.
    pub(crate) async fn end(self, bodies: &revaer_application::Bodies, log: &EventLog) {
        self.api.end(API_END + Duration::from_secs(1)).await;
        self.terms.end(PART_END).await;
        self.tide.end(PART_END).await;
        self.level.end(PART_END).await;
        self.reconciler.end(PART_END).await;
        self.applier.end(PART_END).await;
        self.counters.end(PART_END).await;
        self.limiter.end(PART_END).await;
        self.sampler.end(PART_END).await;
        let state = self.engine.end(ENGINE_END).await.flatten();
        // Its token is the end of all patience: until the bound it ends by itself, when everything is recorded.
        self.observer.wait(OBSERVER_END).await;
        if let Some(state) = state
            && let Err(error) = bodies.put_session_state(NODE, &state).await
        {
            tracing::warn!(%error, "the session's state is not saved");
        }
        self.uses.end(PART_END).await;
        self.access.end(PART_END).await;
        self.health.end(PART_END).await;
        self.recorder.end(PART_END).await;
        self.settings.end(PART_END).await;
        self.kept.end(PART_END).await;
        self.secrets.end(PART_END).await;
        self.projector.end(PART_END).await;
        self.log.end(PART_END).await;
        if tokio::time::timeout(PART_END, log.pool().close()).await.is_err() {
            tracing::warn!("connections to the database do not end and are left behind");
        }
        if let Some(database) = self.database
            && let Some(Err(error)) = database.end(DATABASE_END).await
        {
            tracing::warn!(error = &error as &dyn std::error::Error, "the private PostgreSQL ended badly");
        }
        drop(self.lock);
    }
}
