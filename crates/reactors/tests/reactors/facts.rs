//! Every fact that the session can cause, caused by a real one.
//!
//! The engine's own table maps libtorrent's alerts to notices; this one maps what was noticed to the facts in the log.

use std::collections::BTreeSet;

use revaer_domain::torrent::{Lifecycle, Phase, Status, Torrent, TorrentCommand};
use revaer_test_support::TestDatabase;

use crate::service::{Service, open_log, options};
use crate::world::{World, damage};

const MIB: u64 = 1 << 20;

/// Facts that come from the session alone, each with what brings it about in the story below. `torrent.failed`,
/// `torrent.recovered` and `torrent.counters_recorded` have tests of their own.
const CAUSED: [(&str, &str); 10] = [
    ("torrent.files_discovered", "a magnet gets its metadata"),
    ("torrent.selection_applied", "its rule is followed"),
    ("torrent.state_changed", "libtorrent does something else"),
    ("torrent.completed", "the last piece is on disk"),
    ("torrent.reannounced", "an announce is asked for"),
    ("torrent.rechecked", "a check is asked for"),
    ("torrent.moved", "a move is asked for"),
    ("torrent.move_failed", "a file is in the way of a move"),
    ("torrent.reconciled", "the resume data is rubbish at the next start"),
    ("torrent.removed", "a removal is asked for"),
];

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_a_session_does_becomes_its_fact() {
    let (world, database) = (World::new(4, MIB), TestDatabase::create().await);
    let service = Service::start(database.url(), options(&world.downloads)).await;
    let id = service.add(world.magnet(), |_| {}).await;
    service.until(id, "complete", Torrent::is_complete).await;
    service.command(id, TorrentCommand::Reannounce).await;
    service.until(id, "announced", |torrent| !torrent.reannounce.is_pending()).await;
    service.command(id, TorrentCommand::Pause).await;
    service.until(id, "stopped", |torrent| torrent.phase == Some(Phase::Stopped)).await;
    damage(&world.first_file());
    service.command(id, TorrentCommand::Recheck).await;
    let torrent = service.until(id, "checked", |torrent| !torrent.recheck.is_pending()).await;
    assert_eq!(torrent.status(), Some(Status::Paused), "a piece is bad");

    let place = |path: &str| path.parse().expect("a path");
    std::fs::create_dir_all(world.downloads.join("taken").join(world.payload.name())).expect("a folder");
    let in_the_way = world.downloads.join("taken").join(world.payload.name());
    std::fs::create_dir_all(in_the_way.join(&world.payload.files()[0].path)).expect("a folder");
    service.command(id, TorrentCommand::Move { save_path: place("taken") }).await;
    service.until(id, "not moved", |torrent| torrent.moving_to.is_none()).await;
    service.command(id, TorrentCommand::Move { save_path: place("free") }).await;
    let torrent = service.until(id, "moved", |torrent| torrent.moving_to.is_none()).await;
    assert_eq!(torrent.save_path, place("free"));
    service.stop().await;

    // A row whose hash is right and whose body is not what libtorrent wrote.
    let (application, ..) =
        open_log(database.url(), std::sync::Arc::new(revaer_application::SystemClock)).await;
    let rubbish = revaer_application::ResumeRow { id, piece_count: 1, body: b"not bencoded".to_vec() };
    application.bodies().put_resume_data(&[rubbish]).await.expect("stored");
    let service = Service::start(database.url(), options(&world.downloads)).await;
    service.until_fact("torrent.reconciled").await;
    let aside: Vec<u8> = sqlx::query_scalar("SELECT refused_body FROM resume_data")
        .fetch_one(&database.pool().await)
        .await
        .expect("it is set aside");
    assert_eq!(aside, b"not bencoded");
    service.command(id, TorrentCommand::Resume).await;
    service.until(id, "complete again", Torrent::is_complete).await;
    world.assert_same_files(&world.downloads.join("free").join(world.payload.name()));
    service.command(id, TorrentCommand::Remove { delete_data: false }).await;
    service.until(id, "removed", |torrent| torrent.lifecycle == Lifecycle::Removed).await;

    let seen: BTreeSet<_> = service.kinds(id).await.into_iter().collect();
    let missing: Vec<_> = CAUSED.iter().filter(|(kind, _)| !seen.contains(*kind)).collect();
    assert!(missing.is_empty(), "{missing:?} not in {seen:?}");
    service.stop().await;
}
