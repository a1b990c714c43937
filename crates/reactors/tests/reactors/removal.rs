//! Removals that a crash cut off between the request and the deletion.

use std::sync::Arc;

use revaer_application::SystemClock;
use revaer_domain::torrent::{Lifecycle, Torrent, TorrentCommand};
use revaer_domain::values::TorrentId;
use revaer_test_support::{Seeder, SeederOptions, TestDatabase};
use tokio_util::sync::CancellationToken;

use crate::service::{Service, open_log, operator, options};
use crate::world::World;

const MIB: u64 = 1 << 20;

/// Records a request while nothing runs that could act on it, as a crash right after the answer would leave it.
async fn request_removal(url: &str, id: TorrentId) {
    let (application, _, runner) = open_log(url, Arc::new(SystemClock)).await;
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(runner.run(shutdown.clone()));
    application
        .command(id, TorrentCommand::Remove { delete_data: true }, &operator())
        .await
        .expect("accepted");
    shutdown.cancel();
    running.await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread")]
async fn removal_that_a_crash_cut_off_is_finished_and_foreign_files_stay() {
    let (world, database) = (World::new(6, MIB), TestDatabase::create().await);
    let service = Service::start(database.url(), options(&world.downloads)).await;
    let id = service.add(world.magnet(), |_| {}).await;
    service.until(id, "complete", Torrent::is_complete).await;
    service.stop().await;
    request_removal(database.url(), id).await;
    let foreign = world.content().join("not ours");
    std::fs::write(&foreign, "x").expect("writable");

    let service = Service::start(database.url(), options(&world.downloads)).await;
    service.until(id, "removed", |torrent| torrent.lifecycle == Lifecycle::Removed).await;
    assert_eq!(service.until_fact("torrent.removed").await["data_deleted"], true);
    let left: Vec<_> =
        std::fs::read_dir(world.content()).expect("readable").map(|entry| entry.unwrap().path()).collect();
    assert_eq!(left, [foreign]);
    assert_eq!(service.application.live_torrents().await.expect("readable"), []);
    service.stop().await;
}

/// The torrent that goes is the older one: without care it is reconciled while the session does not have the other yet.
#[tokio::test(flavor = "multi_thread")]
async fn files_that_another_torrent_has_too_outlive_a_removal_at_the_start() {
    let (world, database) = (World::new(4, MIB), TestDatabase::create().await);
    let options_of_other = SeederOptions { piece_length: Some(32 * 1024), ..SeederOptions::default() };
    let other_seeder = Seeder::start(world.payload.root(), &options_of_other).expect("a seeder");
    let service = Service::start(database.url(), options(&world.downloads)).await;
    let going = service.add(world.magnet(), |_| {}).await;
    service.until(going, "complete", Torrent::is_complete).await;
    let other = revaer_application::AddSource::Magnet(other_seeder.magnet().parse().expect("a magnet"));
    let staying = service.add(other, |_| {}).await;
    service.until(staying, "complete", Torrent::is_complete).await;
    service.stop().await;
    request_removal(database.url(), going).await;

    let service = Service::start(database.url(), options(&world.downloads)).await;
    service.until(going, "removed", |torrent| torrent.lifecycle == Lifecycle::Removed).await;
    let removed = service.until_fact("torrent.removed").await;
    assert_eq!(removed["data_deleted"], false);
    assert_eq!(removed["left"].as_array().map(Vec::len), Some(4), "{removed}");
    world.assert_same_files(&world.content());
    service.stop().await;
}
