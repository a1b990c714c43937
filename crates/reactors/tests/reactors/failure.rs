//! A torrent that cannot write is a failed torrent, and nothing else fails with it.

use revaer_domain::torrent::{Status, Torrent, TorrentCommand};
use revaer_engine::EngineHealth;
use revaer_test_support::TestDatabase;

use crate::service::{Service, options};
use crate::world::World;

const MIB: u64 = 1 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn torrent_that_cannot_write_fails_once_and_recovers_by_a_resume() {
    let (world, database) = (World::new(3, MIB), TestDatabase::create().await);
    let service = Service::start(database.url(), options(&world.downloads)).await;
    // A file where its folder should be: that stops also root.
    std::fs::write(world.content(), "in the way").expect("writable");
    let id = service.add(world.magnet(), |_| {}).await;
    let torrent = service.until(id, "failed", |torrent| torrent.status() == Some(Status::Failed)).await;
    assert_eq!(torrent.failure.expect("a reason").code, "not_a_directory");
    assert_eq!(*service.engine.health().borrow(), EngineHealth::Well);

    make_room(&world.content());
    service.command(id, TorrentCommand::Resume).await;
    service.until(id, "complete", Torrent::is_complete).await;
    world.assert_same_files(&world.content());
    for kind in ["torrent.failed", "torrent.recovered", "torrent.completed"] {
        assert_eq!(service.count(id, kind).await, 1, "{kind} in {:?}", service.kinds(id).await);
    }
    service.stop().await;
}

/// After a restart the failure stands until somebody asks for another attempt.
#[tokio::test(flavor = "multi_thread")]
async fn failed_torrent_stays_failed_after_a_restart() {
    let (world, database) = (World::new(3, MIB), TestDatabase::create().await);
    let service = Service::start(database.url(), options(&world.downloads)).await;
    std::fs::write(world.content(), "in the way").expect("writable");
    let id = service.add(world.magnet(), |_| {}).await;
    service.until(id, "failed", |torrent| torrent.status() == Some(Status::Failed)).await;
    service.stop().await;
    make_room(&world.content());

    let service = Service::start(database.url(), options(&world.downloads)).await;
    service.until_live(id, |_| true).await;
    let (torrent, ..) = service.application.torrent(id).await.expect("readable").expect("there");
    assert_eq!(torrent.status(), Some(Status::Failed));
    service.command(id, TorrentCommand::Resume).await;
    service.until(id, "complete", Torrent::is_complete).await;
    service.stop().await;
}

#[expect(clippy::disallowed_methods, reason = "somebody clears the way, as an operator would")]
fn make_room(path: &std::path::Path) {
    std::fs::remove_file(path).expect("removable");
}
