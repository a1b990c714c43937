//! When to look at which torrent again: at most one time for each.
//!
//! What is next is known without a look at the others, however many wait.

use std::collections::{BTreeSet, HashMap};

use revaer_domain::values::TorrentId;
use tokio::time::Instant;

/// The times. As large as the number of torrents.
#[derive(Debug, Default)]
pub(super) struct Alarms {
    in_order: BTreeSet<(Instant, TorrentId)>,
    by_torrent: HashMap<TorrentId, Instant>,
}

impl Alarms {
    /// Sets the alarm of a torrent, in place of any before it.
    pub(super) fn set(&mut self, id: TorrentId, at: Instant) {
        self.clear(id);
        self.by_torrent.insert(id, at);
        self.in_order.insert((at, id));
    }

    pub(super) fn clear(&mut self, id: TorrentId) {
        if let Some(at) = self.by_torrent.remove(&id) {
            self.in_order.remove(&(at, id));
        }
    }

    /// Waits for the first alarm; without one, for ever. May be cancelled.
    pub(super) async fn first(&self) {
        match self.in_order.first() {
            Some((at, _)) => tokio::time::sleep_until(*at).await,
            None => std::future::pending().await,
        }
    }

    /// Takes one whose time has come.
    pub(super) fn take(&mut self, now: Instant) -> Option<TorrentId> {
        let (at, id) = *self.in_order.first()?;
        (at <= now).then(|| {
            self.clear(id);
            id
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn torrent(number: u8) -> TorrentId {
        format!("{number:026}").parse().expect("a ULID")
    }

    #[test]
    fn alarm_goes_off_once_in_its_order_and_not_before_its_time() {
        let now = Instant::now();
        let after = |seconds| now + Duration::from_secs(seconds);
        let mut alarms = Alarms::default();
        for (number, seconds) in [(1, 3), (2, 1), (3, 2), (2, 4), (4, 1)] {
            alarms.set(torrent(number), after(seconds));
        }
        alarms.clear(torrent(4));
        assert_eq!(alarms.take(now), None);
        let taken: Vec<_> = std::iter::from_fn(|| alarms.take(after(3))).collect();
        assert_eq!(taken, [torrent(3), torrent(1)], "the second one was put off, the fourth taken back");
        assert_eq!(alarms.take(after(4)), Some(torrent(2)));
        assert_eq!(alarms.take(after(9)), None);
    }
}
