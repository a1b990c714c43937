//! A cap that is in force is a fact, with what it was before and how long it took.

use revaer_domain::torrent::{Phase, TorrentCommand};
use revaer_test_support::TestDatabase;

use crate::service::{Service, cap, options};
use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn cap_of_a_torrent_is_told_when_libtorrent_has_it() {
    let world = World::new(2, 1 << 20);
    let database = TestDatabase::create().await;
    let service = Service::start(database.url(), options(&world.downloads)).await;
    let id = service.add(world.torrent_file(), |add| add.start_paused = true).await;
    service.until(id, "stopped", |torrent| torrent.phase == Some(Phase::Stopped)).await;
    service.command(id, TorrentCommand::SetRateCap(cap(1_000_000))).await;
    let applied = service.until_fact("engine.rate_cap_applied").await;
    assert_eq!(applied["torrent"], id.to_string());
    assert_eq!((&applied["direction"], &applied["old"]), (&"download".into(), &serde_json::Value::Null));
    assert_eq!(applied["new"], 1_000_000);
    assert!(applied["delay_ms"].as_u64().is_some_and(|delay| delay < 2000), "{applied}");
    service.stop().await;
}
