//! The main job on real parts: from a magnet or a torrent file to verified files, with every step in the log, across an
//! orderly end and a crash.

use std::path::Path;

use revaer_domain::selection::SelectionRule;
use revaer_domain::torrent::{Phase, Status, Torrent, TorrentCommand};
use revaer_domain::values::RateCap;
use revaer_test_support::{TestDatabase, sha256_tree};

use crate::service::{Service, cap, options};
use crate::world::{World, damage};

const MIB: u64 = 1 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn magnet_becomes_verified_files_and_every_step_is_in_the_log_once() {
    let (world, database) = (World::new(12, 3 * MIB), TestDatabase::create().await);
    let service = Service::start(database.url(), options(&world.downloads)).await;
    let id = service.add(world.magnet(), |_| {}).await;
    let torrent =
        service.until(id, "complete and seeding", |torrent| torrent.status() == Some(Status::Seeding)).await;
    assert_eq!(torrent.files.as_ref().map(|files| files.file_count), Some(12));
    world.assert_same_files(&world.content());
    for kind in
        ["torrent.added", "torrent.files_discovered", "torrent.selection_applied", "torrent.completed"]
    {
        assert_eq!(service.count(id, kind).await, 1, "{kind} in {:?}", service.kinds(id).await);
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn skipped_files_of_a_magnet_never_appear_until_they_are_wanted() {
    let (world, database) = (World::new(6, MIB), TestDatabase::create().await);
    let service = Service::start(database.url(), options(&world.downloads)).await;
    let wanted = world.payload.files()[0].path.to_string_lossy().into_owned();
    let rule = SelectionRule { include: vec![format!("**/{wanted}")], ..SelectionRule::default() };
    let id = service.add(world.magnet(), |add| add.selection = rule).await;
    service.until(id, "complete", Torrent::is_complete).await;
    let there = sha256_tree(&world.content()).expect("readable");
    assert_eq!(there.into_keys().collect::<Vec<_>>(), [Path::new(&wanted)]);

    service.command(id, TorrentCommand::Select(SelectionRule::default())).await;
    service
        .until(id, "everything", |torrent| torrent.is_complete() && torrent.totals.wanted_done_bytes == MIB)
        .await;
    world.assert_same_files(&world.content());
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn download_goes_on_from_its_resume_data_after_an_orderly_stop() {
    let (world, database) = (World::new(4, 8 * MIB), TestDatabase::create().await);
    let service = Service::start(database.url(), options(&world.downloads)).await;
    let id = service.add(world.magnet(), |add| add.rate_cap = cap(2_000_000)).await;
    service.until_live(id, |done| done >= 2 * MIB).await;
    service.stop().await;

    let service = Service::start(database.url(), options(&world.downloads)).await;
    service.command(id, TorrentCommand::SetRateCap(RateCap::default())).await;
    let torrent = service.until(id, "complete", Torrent::is_complete).await;
    world.assert_same_files(&world.content());
    let given = world.seeder.uploaded_bytes().expect("a number");
    assert!(given < 8 * MIB * 9 / 8, "nearly nothing was fetched twice: {given}");
    assert_eq!(torrent.totals.wanted_done_bytes, 8 * MIB);
    let kinds = service.kinds(id).await;
    assert!(!kinds.contains(&"torrent.reconciled".to_owned()), "nothing differed: {kinds:?}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn crash_costs_at_most_the_pieces_since_resume_data_was_saved() {
    let (world, database) = (World::new(4, 8 * MIB), TestDatabase::create().await);
    let often = |downloads: &Path| {
        let mut options = options(downloads);
        options.profile.engine.resume_save_bytes = 512 * 1024;
        options
    };
    let service = Service::start(database.url(), often(&world.downloads)).await;
    let id = service.add(world.magnet(), |add| add.rate_cap = cap(2_000_000)).await;
    service.until_live(id, |done| done >= 4 * MIB).await;
    // No word to anybody: what the observer did not store yet is lost.
    drop(service);

    let service = Service::start(database.url(), often(&world.downloads)).await;
    service.command(id, TorrentCommand::SetRateCap(RateCap::default())).await;
    service.until(id, "complete", Torrent::is_complete).await;
    world.assert_same_files(&world.content());
    let given = world.seeder.uploaded_bytes().expect("a number");
    // Twice the cadence: one save may have been under way. From zero it would be half of the payload again.
    assert!(given < 8 * MIB + 2 * MIB, "{given} bytes were given");
    let kinds = service.kinds(id).await;
    assert!(!kinds.contains(&"torrent.reconciled".to_owned()), "resume data was taken: {kinds:?}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn torrent_file_waits_downloads_and_is_whole_again_after_a_check() {
    let (world, database) = (World::new(5, MIB), TestDatabase::create().await);
    let service = Service::start(database.url(), options(&world.downloads)).await;
    let address = world.seeder.addr();
    let id = service
        .add(world.torrent_file(), |add| {
            add.start_paused = true;
            add.peers = vec![address];
        })
        .await;
    assert_eq!(service.until(id, "added", |_| true).await.status(), Some(Status::Paused));
    service.command(id, TorrentCommand::Resume).await;
    service.until(id, "complete", Torrent::is_complete).await;

    service.command(id, TorrentCommand::Pause).await;
    service.until(id, "stopped", |torrent| torrent.phase == Some(Phase::Stopped)).await;
    damage(&world.first_file());
    service.command(id, TorrentCommand::Recheck).await;
    let torrent = service.until(id, "rechecked", |torrent| !torrent.recheck.is_pending()).await;
    assert!(!torrent.is_complete(), "a flipped byte is found");
    service.command(id, TorrentCommand::Resume).await;
    service.until(id, "complete again", Torrent::is_complete).await;
    world.assert_same_files(&world.content());
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn completion_waits_for_the_resume_data_that_it_relies_on() {
    let (world, database) = (World::new(3, MIB), TestDatabase::create().await);
    let service = Service::start(database.url(), options(&world.downloads)).await;
    // The database refuses the row that calls everything complete, and counts how often: a sequence is not rolled back.
    let pool = database.pool().await;
    let pieces = MIB / (16 * 1024);
    let setup = format!(
        "CREATE SEQUENCE refusals;
         CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN PERFORM nextval('refusals'); RAISE EXCEPTION 'refused'; END $$;
         CREATE TRIGGER refuse BEFORE INSERT ON resume_data FOR EACH ROW WHEN (NEW.piece_count = {pieces})
         EXECUTE FUNCTION refuse();"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(setup)).execute(&pool).await.expect("a trigger");
    let id = service.add(world.magnet(), |_| {}).await;
    let refused = async {
        while !sqlx::query_scalar::<_, bool>("SELECT is_called FROM refusals")
            .fetch_one(&pool)
            .await
            .expect("a row")
        {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(crate::service::PATIENCE, refused).await.expect("the row was tried");
    service.until_live(id, |done| done == MIB).await;
    assert_eq!(service.count(id, "torrent.completed").await, 0, "{:?}", service.kinds(id).await);

    sqlx::query("DROP TRIGGER refuse ON resume_data").execute(&pool).await.expect("dropped");
    service.until(id, "complete", Torrent::is_complete).await;
    assert!(service.application.bodies().resume_data(id).await.expect("readable").is_some());
    service.stop().await;
}
