//! The view of the live session that the write side and the API ask for, by the engine.

use async_trait::async_trait;
use libtorrent_sys::TrackerStatus;
use revaer_application::{LiveError, LivePeer, LiveRates, LiveTracker, LiveView};
use revaer_domain::values::TorrentId;
use revaer_engine::{EngineHandle, Error};

/// Asks the engine.
#[derive(Clone)]
pub(crate) struct EngineView(pub(crate) EngineHandle);

#[async_trait]
impl LiveView for EngineView {
    async fn trackers(&self, id: TorrentId) -> Result<Vec<LiveTracker>, LiveError> {
        let trackers = self.0.trackers(id).await.map_err(live_error)?;
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
        let peers = self.0.peers(id).await.map_err(live_error)?;
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
        self.0.file_progress(id).await.map_err(live_error)
    }

    fn rates(&self, id: TorrentId) -> Option<LiveRates> {
        let live = self.0.live(id)?;
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
