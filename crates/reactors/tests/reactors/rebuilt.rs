//! A session that breaks is rebuilt from the log, with every torrent.

use revaer_domain::torrent::{Torrent, TorrentCommand};
use revaer_domain::values::RateCap;
use revaer_engine::Fault;
use revaer_test_support::TestDatabase;

use crate::service::{Service, cap, options};
use crate::world::World;

const MIB: u64 = 1 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn rebuilt_session_has_every_torrent_again_and_goes_on() {
    let (one, other) = (World::new(3, 4 * MIB), World::new(5, 4 * MIB));
    let database = TestDatabase::create().await;
    let service = Service::start(database.url(), options(&one.downloads)).await;
    let first = service
        .add(one.magnet(), |add| {
            add.rate_cap = cap(1_500_000);
            add.save_path = "one".parse().expect("a path");
        })
        .await;
    let second = service
        .add(other.magnet(), |add| {
            add.rate_cap = cap(1_500_000);
            add.save_path = "other".parse().expect("a path");
        })
        .await;
    for id in [first, second] {
        service.until_live(id, |done| done >= MIB).await;
    }
    service.engine.inject(Fault::PumpError);
    assert_eq!(service.until_fact("engine.restarted").await["attempt"], 1);
    assert!(service.until_fact("engine.faulted").await["reason"].as_str().is_some_and(|why| !why.is_empty()));
    for id in [first, second] {
        service.until_live(id, |_| true).await;
        service.command(id, TorrentCommand::SetRateCap(RateCap::default())).await;
    }
    for (id, world, place) in [(first, &one, "one"), (second, &other, "other")] {
        service.until(id, "complete", Torrent::is_complete).await;
        world.assert_same_files(&one.downloads.join(place).join(world.payload.name()));
    }
    service.stop().await;
}
