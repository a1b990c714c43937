//! Which fact last asked something of a torrent, so that what the engine then does names its cause.
//!
//! Kept in memory. What was asked before a restart is in the torrent's stream, which is read once, when the session first says
//! something of the torrent.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use revaer_application::Caller;
use revaer_domain::values::TorrentId;
use revaer_event_log::{Fact, Position};
use revaer_event_schema::Metadata;
use time::OffsetDateTime;

/// What asks for other limits.
const RATE_CAP_CHANGED: &str = "torrent.rate_cap_changed";

#[derive(Debug, Clone)]
struct Cause {
    position: Position,
    /// When the newest limits were asked for.
    capped_at: Option<OffsetDateTime>,
    correlation_id: String,
}

/// The newest cause of each torrent. A cheap clone; as large as the number of torrents.
#[derive(Debug, Clone, Default)]
pub struct Causes {
    by_torrent: Arc<Mutex<HashMap<TorrentId, Cause>>>,
}

impl Causes {
    /// Remembers a fact unless the engine itself recorded it.
    pub(crate) fn note(&self, id: TorrentId, fact: &Fact) {
        let Ok(metadata) = serde_json::from_str::<Metadata>(&fact.meta) else { return };
        if metadata.actor != "engine" {
            let mut map = self.map();
            let capped_at = if fact.kind == RATE_CAP_CHANGED {
                Some(fact.recorded_at)
            } else {
                map.get(&id).and_then(|cause| cause.capped_at)
            };
            let correlation_id = metadata.correlation_id;
            map.insert(id, Cause { position: fact.position, capped_at, correlation_id });
        }
    }

    /// When the limits of a torrent were last asked for, if this process saw it.
    pub(crate) fn capped_at(&self, id: TorrentId) -> Option<OffsetDateTime> {
        self.map().get(&id)?.capped_at
    }

    pub(crate) fn forget(&self, id: TorrentId) {
        self.map().remove(&id);
    }

    /// What the torrent's last request belongs to, if this process knows it.
    pub(crate) fn correlation_of(&self, id: TorrentId) -> Option<String> {
        self.map().get(&id).map(|cause| cause.correlation_id.clone())
    }

    pub(crate) fn knows(&self, id: TorrentId) -> bool {
        self.map().contains_key(&id)
    }

    /// The engine as a caller, on account of what was last asked of the torrent.
    pub(crate) fn engine(&self, id: TorrentId) -> Caller {
        match self.map().get(&id) {
            Some(cause) => {
                let causation = format!("position:{}", cause.position);
                Caller::system("engine", cause.correlation_id.clone(), Some(causation))
            }
            None => Caller::system("engine", id.stream(), None),
        }
    }

    fn map(&self) -> std::sync::MutexGuard<'_, HashMap<TorrentId, Cause>> {
        self.by_torrent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
