//! The main job on real parts: from a magnet or a torrent file to verified files, across a crash, with every step in the
//! log.

mod service;

use std::path::Path;

use revaer_application::AddSource;
use revaer_domain::selection::SelectionRule;
use revaer_domain::torrent::{Lifecycle, Phase, Status, Torrent, TorrentCommand};
use revaer_domain::values::RateCap;
use revaer_test_support::{Payload, Seeder, SeederOptions, TestDatabase, sha256_tree};
use service::Service;

struct World {
    _folder: tempfile::TempDir,
    downloads: std::path::PathBuf,
    payload: Payload,
    seeder: Seeder,
    database: TestDatabase,
}

async fn world(files: usize, bytes: u64) -> World {
    let folder = tempfile::tempdir().expect("a folder");
    let downloads = folder.path().join("downloads");
    std::fs::create_dir_all(&downloads).expect("a folder");
    let payload = Payload::create(&folder.path().join("seed"), 7, files, bytes).expect("a payload");
    let seeder = Seeder::start(payload.root(), &SeederOptions::default()).expect("a seeder");
    World { _folder: folder, downloads, payload, seeder, database: TestDatabase::create().await }
}

impl World {
    fn magnet(&self) -> AddSource {
        AddSource::Magnet(self.seeder.magnet().parse().expect("a magnet"))
    }

    fn assert_same_files(&self, downloaded: &Path) {
        assert_eq!(sha256_tree(downloaded).expect("readable"), self.payload.sha256().expect("readable"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn magnet_becomes_verified_files_and_every_step_is_in_the_log() {
    let world = world(12, 3 << 20).await;
    let service = Service::start(&world.database, &world.downloads).await;
    let id = service.add(world.magnet(), |_| {}).await;
    let torrent =
        service.until(id, "complete and seeding", |torrent| torrent.status() == Some(Status::Seeding)).await;
    assert_eq!(torrent.files.as_ref().map(|files| files.file_count), Some(12));
    world.assert_same_files(&world.downloads.join(&torrent.name));
    let kinds = service.kinds(id).await;
    for kind in
        ["torrent.added", "torrent.files_discovered", "torrent.selection_applied", "torrent.completed"]
    {
        assert_eq!(kinds.iter().filter(|seen| *seen == kind).count(), 1, "{kind} in {kinds:?}");
    }
    assert!(service.application.bodies().resume_data(id).await.expect("readable").is_some());
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn skipped_files_of_a_magnet_never_appear() {
    let world = world(6, 1 << 20).await;
    let service = Service::start(&world.database, &world.downloads).await;
    let wanted = world.payload.files()[0].path.to_string_lossy().into_owned();
    let rule = SelectionRule {
        include: vec![format!("**/{}", globset_escape(&wanted))],
        ..SelectionRule::default()
    };
    let id = service.add(world.magnet(), |add| add.selection = rule).await;
    let torrent = service.until(id, "complete", Torrent::is_complete).await;
    let there = sha256_tree(&world.downloads.join(&torrent.name)).expect("readable");
    assert_eq!(there.len(), 1, "only the wanted file is on disk: {there:?}");
    service.stop().await;
}

fn globset_escape(path: &str) -> String {
    path.chars().flat_map(|c| if "*?[]{}!\\".contains(c) { vec!['[', c, ']'] } else { vec![c] }).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn download_goes_on_from_its_resume_data_after_an_orderly_stop() {
    let world = world(4, 8 << 20).await;
    let service = Service::start(&world.database, &world.downloads).await;
    let cap = RateCap {
        download_bytes_per_second: Some(2_000_000_u32.try_into().expect("a limit")),
        ..RateCap::default()
    };
    let id = service.add(world.magnet(), |add| add.rate_cap = cap).await;
    let mut samples = service.log.subscribe(service.log.head().await.expect("a head"));
    // Some of it, not all of it.
    while service.engine.live(id).is_none_or(|live| live.progress.totals.wanted_done_bytes < 2 << 20) {
        samples.next().await;
    }
    service.stop().await;

    let service = Service::start(&world.database, &world.downloads).await;
    service.command(id, TorrentCommand::SetRateCap(RateCap::default())).await;
    let torrent = service.until(id, "complete", Torrent::is_complete).await;
    world.assert_same_files(&world.downloads.join(&torrent.name));
    let downloaded = torrent.totals.downloaded_bytes;
    assert!(downloaded < (8 << 20) * 5 / 4, "nearly nothing was fetched twice: {downloaded}");
    let kinds = service.kinds(id).await;
    assert!(!kinds.contains(&"torrent.reconciled".to_owned()), "nothing differed: {kinds:?}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn torrent_file_pauses_resumes_rechecks_and_goes_with_its_files() {
    let world = world(5, 1 << 20).await;
    let service = Service::start(&world.database, &world.downloads).await;
    let source = AddSource::Metainfo(world.seeder.metainfo().to_vec());
    let address = world.seeder.addr();
    let id = service
        .add(source, |add| {
            add.start_paused = true;
            add.peers = vec![address];
        })
        .await;
    assert_eq!(service.until(id, "added", |_| true).await.status(), Some(Status::Paused));
    service.command(id, TorrentCommand::Resume).await;
    let torrent = service.until(id, "complete", Torrent::is_complete).await;

    let folder = world.downloads.join(&torrent.name);
    service.command(id, TorrentCommand::Pause).await;
    service.until(id, "stopped", |torrent| torrent.phase == Some(Phase::Stopped)).await;
    let damaged = folder.join(&world.payload.files()[0].path);
    let mut bytes = std::fs::read(&damaged).expect("readable");
    bytes[0] ^= 0xff;
    std::fs::write(&damaged, bytes).expect("writable");
    service.command(id, TorrentCommand::Recheck).await;
    let torrent = service.until(id, "rechecked", |torrent| !torrent.recheck.is_pending()).await;
    assert!(!torrent.is_complete(), "a flipped byte is found");
    service.command(id, TorrentCommand::Resume).await;
    service.until(id, "complete again", Torrent::is_complete).await;
    world.assert_same_files(&folder);

    let foreign = folder.join("not ours");
    std::fs::write(&foreign, "x").expect("writable");
    service.command(id, TorrentCommand::Remove { delete_data: true }).await;
    service.until(id, "removed", |torrent| torrent.lifecycle == Lifecycle::Removed).await;
    assert_eq!(sha256_tree(&folder).expect("readable").len(), 1, "the foreign file stays, alone");
    service.stop().await;
}
