//! The last status of every torrent, for whoever looks: no question to libtorrent, and no wait for the session.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use revaer_domain::torrent::{Phase, Totals};
use revaer_domain::values::TorrentId;
use tokio::sync::Notify;

/// How far a torrent that moved has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Which torrent.
    pub id: TorrentId,
    /// Its counters.
    pub totals: Totals,
    /// Payload coming in.
    pub download_bytes_per_second: u64,
    /// Payload going out.
    pub upload_bytes_per_second: u64,
    /// Connected peers.
    pub peers: u32,
    /// Those of them that have everything.
    pub seeds: u32,
}

/// A torrent as the session last said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Live {
    /// Where libtorrent stands with it.
    pub phase: Option<Phase>,
    /// Its counters.
    pub totals: Totals,
    /// Payload coming in.
    pub download_bytes_per_second: u64,
    /// Payload going out.
    pub upload_bytes_per_second: u64,
    /// Connected peers.
    pub peers: u32,
    /// Those of them that have everything.
    pub seeds: u32,
}

#[derive(Debug, Default)]
struct Boarded {
    /// Its key, and what was last said of it.
    torrents: HashMap<TorrentId, (u64, Option<Live>)>,
    moved: HashMap<TorrentId, Progress>,
}

#[derive(Debug, Default)]
pub(crate) struct Board {
    boarded: Mutex<Boarded>,
    moved: Notify,
}

impl Board {
    pub(crate) fn enter(&self, id: TorrentId, key: u64) {
        self.lock().torrents.insert(id, (key, None));
    }

    pub(crate) fn leave(&self, id: TorrentId) {
        let mut boarded = self.lock();
        boarded.torrents.remove(&id);
        boarded.moved.remove(&id);
    }

    pub(crate) fn clear(&self) {
        *self.lock() = Boarded::default();
    }

    /// Takes a status; a torrent whose numbers stand still costs nobody anything.
    pub(crate) fn update(&self, id: TorrentId, live: Live) {
        {
            let mut boarded = self.lock();
            let Some((_, known)) = boarded.torrents.get_mut(&id) else { return };
            let before = known.replace(live).unwrap_or_default();
            let moved = Live { phase: None, ..before } != Live { phase: None, ..live };
            if !moved {
                return;
            }
            boarded.moved.insert(
                id,
                Progress {
                    id,
                    totals: live.totals,
                    download_bytes_per_second: live.download_bytes_per_second,
                    upload_bytes_per_second: live.upload_bytes_per_second,
                    peers: live.peers,
                    seeds: live.seeds,
                },
            );
        }
        self.moved.notify_waiters();
    }

    pub(crate) fn key(&self, id: TorrentId) -> Option<u64> {
        self.lock().torrents.get(&id).map(|(key, _)| *key)
    }

    pub(crate) fn live(&self, id: TorrentId) -> Option<Live> {
        self.lock().torrents.get(&id).and_then(|(_, live)| *live)
    }

    pub(crate) fn totals(&self) -> Vec<(TorrentId, Totals)> {
        let boarded = self.lock();
        boarded.torrents.iter().filter_map(|(id, (_, live))| Some((*id, live.as_ref()?.totals))).collect()
    }

    pub(crate) fn take(&self) -> Vec<Progress> {
        std::mem::take(&mut self.lock().moved).into_values().collect()
    }

    pub(crate) async fn changed(&self) {
        loop {
            let notified = self.moved.notified();
            tokio::pin!(notified);
            // Registered before the look, so that nothing falls between the two.
            notified.as_mut().enable();
            if !self.lock().moved.is_empty() {
                return;
            }
            notified.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Boarded> {
        self.boarded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
