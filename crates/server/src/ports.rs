//! The view of the live session that the write side and the API ask for, by the engine.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use libtorrent_sys::TrackerStatus;
use revaer_application::{LiveError, LivePeer, LiveRates, LiveTracker, LiveView};
use revaer_domain::values::TorrentId;
use revaer_engine::{EngineHandle, Error};

/// Asks the engine, once it is there: it begins with the settings, which are read by whoever has this view.
#[derive(Clone, Default)]
pub(crate) struct EngineView(Arc<OnceLock<EngineHandle>>);

impl EngineView {
    /// Says which engine it is.
    pub(crate) fn begin(&self, engine: EngineHandle) {
        // There is one in the life of a process.
        let _ = self.0.set(engine);
    }

    fn engine(&self) -> Result<&EngineHandle, LiveError> {
        self.0.get().ok_or_else(|| LiveError::Unavailable("it has not begun".to_owned()))
    }
}

#[async_trait]
impl LiveView for EngineView {
    async fn trackers(&self, id: TorrentId) -> Result<Vec<LiveTracker>, LiveError> {
        let trackers = self.engine()?.trackers(id).await.map_err(live_error)?;
        let live = |tracker: libtorrent_sys::Tracker| LiveTracker {
            url: tracker.url,
            tier: tracker.tier,
            status: match tracker.status {
                TrackerStatus::NotContacted => "not_contacted",
                TrackerStatus::Working => "working",
                TrackerStatus::Updating => "updating",
                TrackerStatus::Failing => "failing",
            },
            message: (!tracker.message.is_empty()).then_some(tracker.message),
        };
        Ok(trackers.into_iter().map(live).collect())
    }

    async fn peers(&self, id: TorrentId) -> Result<Vec<LivePeer>, LiveError> {
        let peers = self.engine()?.peers(id).await.map_err(live_error)?;
        let live = |peer: libtorrent_sys::Peer| LivePeer {
            address: peer.address,
            client: peer.client,
            progress: f64::from(peer.progress_ppm) / 1_000_000.0,
            download_bytes_per_second: peer.download_bytes_per_second,
            upload_bytes_per_second: peer.upload_bytes_per_second,
        };
        Ok(peers.into_iter().map(live).collect())
    }

    async fn file_progress(&self, id: TorrentId) -> Result<Vec<u64>, LiveError> {
        self.engine()?.file_progress(id).await.map_err(live_error)
    }

    fn rates(&self, id: TorrentId) -> Option<LiveRates> {
        let live = self.0.get()?.live(id)?;
        Some(LiveRates {
            totals: live.totals,
            download_bytes_per_second: live.download_bytes_per_second,
            upload_bytes_per_second: live.upload_bytes_per_second,
            peers: live.peers,
            seeds: live.seeds,
        })
    }
}

fn live_error(error: Error) -> LiveError {
    match error {
        Error::NotInSession => LiveError::NotInSession,
        other => LiveError::Unavailable(other.to_string()),
    }
}
