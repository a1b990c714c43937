//! The database goes away in the middle of a download. The download does not care, and afterwards the log has all of it.

use std::time::{Duration, Instant};

use revaer_domain::torrent::{Status, Torrent};
use revaer_engine::{EngineHealth, Options};
use revaer_test_support::CrashableCluster;

use crate::service::{Service, cap, options};
use crate::world::World;

const MIB: u64 = 1 << 20;
/// Longer than the append's queue waits (5 s), a connection is waited for (3 s) and the ping below.
const OUTAGE: Duration = Duration::from_secs(8);

#[tokio::test(flavor = "multi_thread")]
async fn download_goes_on_without_a_database_and_the_log_catches_up() {
    let world = World::new(8, 8 * MIB);
    let mut cluster = CrashableCluster::start().await;
    let options = Options { ping_deadline: Duration::from_secs(1), ..options(&world.downloads) };
    let service = Service::start(cluster.url(), options).await;
    let id = service.add(world.magnet(), |add| add.rate_cap = cap(3_000_000)).await;
    service.until(id, "downloading", |torrent| torrent.status() == Some(Status::Downloading)).await;
    service.until_live(id, |done| done >= MIB).await;

    let gone = Instant::now();
    cluster.kill9().await;
    let before = service.engine.live(id).expect("it is there").totals.wanted_done_bytes;
    assert!(before < 8 * MIB, "the outage begins in the middle");
    service.until_live(id, |done| done == 8 * MIB).await;
    // Everybody who waits for the log has to be kept waiting beyond every bound that it has.
    tokio::time::sleep(OUTAGE.saturating_sub(gone.elapsed())).await;
    assert_eq!(*service.engine.health().borrow(), EngineHealth::Well, "nobody broke the session meanwhile");
    world.assert_same_files(&world.content());

    cluster.restart().await;
    let torrent = service.until(id, "complete", Torrent::is_complete).await;
    assert_eq!(torrent.totals.wanted_done_bytes, 8 * MIB);
    let kinds = service.kinds(id).await;
    for kind in ["torrent.added", "torrent.files_discovered", "torrent.completed"] {
        assert_eq!(kinds.iter().filter(|seen| *seen == kind).count(), 1, "{kind} in {kinds:?}");
    }
    assert!(!kinds.contains(&"torrent.failed".to_owned()), "{kinds:?}");
    assert!(service.application.bodies().resume_data(id).await.expect("readable").is_some());
    // Commands are taken again, and reach the session.
    service.command(id, revaer_domain::torrent::TorrentCommand::Pause).await;
    service
        .until(id, "stopped", |torrent| torrent.phase == Some(revaer_domain::torrent::Phase::Stopped))
        .await;
    service.stop().await;
}
