//! The counters of a day are in the log when the day has ended.

use std::sync::Arc;
use std::time::Duration;

use revaer_application::{Clock, SystemClock};
use revaer_domain::torrent::{Phase, TorrentCommand};
use revaer_test_support::TestDatabase;

use crate::clock::SetClock;
use crate::service::{Service, cap, options};
use crate::world::World;

const MIB: u64 = 1 << 20;

/// A clock on which it is so long before midnight now.
fn before_midnight(left: Duration) -> Arc<dyn Clock> {
    let midnight = SystemClock.now().replace_time(time::Time::MIDNIGHT) + time::Duration::DAY;
    let clock = SetClock::at(midnight - left);
    clock.go_on();
    clock
}

#[tokio::test(flavor = "multi_thread")]
async fn counters_that_moved_are_recorded_at_midnight_and_others_are_not() {
    let (moving, still) = (World::new(2, 8 * MIB), World::new(3, MIB));
    let database = TestDatabase::create().await;
    let clock = before_midnight(Duration::from_secs(4));
    let service = Service::start_at(database.url(), options(&moving.downloads), clock).await;
    let standing = service.add(still.torrent_file(), |add| add.start_paused = true).await;
    service.until(standing, "stopped", |torrent| torrent.phase == Some(Phase::Stopped)).await;
    let id = service.add(moving.magnet(), |add| add.rate_cap = cap(1_000_000)).await;
    service.until_live(id, |done| done > 0).await;

    let recorded = service.until_fact("torrent.counters_recorded").await;
    assert!(recorded["downloaded_bytes"].as_u64().is_some_and(|bytes| bytes > 0), "{recorded}");
    assert!(recorded["wanted_done_bytes"].as_u64().is_some_and(|bytes| bytes < 8 * MIB), "{recorded}");
    // The next command of the other comes after its turn at midnight.
    service.command(standing, TorrentCommand::SetRateCap(cap(1))).await;
    assert_eq!(service.count(standing, "torrent.counters_recorded").await, 0);
    assert_eq!(service.count(id, "torrent.counters_recorded").await, 1);
    service.stop().await;
}
