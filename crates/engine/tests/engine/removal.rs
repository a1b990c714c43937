//! Removal, with the files and without: what stays on disk, and what is told.

use crate::support::{Rig, desired, metainfo, options, seeded, small_pieces};
use revaer_domain::torrent::LeftFile;
use revaer_engine::{Desired, EngineNotice, Materials, Presence, Reconciliation};
use tempfile::tempdir;

const FILES: [(&str, usize); 2] = [("a/1", 50_000), ("b/2", 60_000)];

fn removed(notice: &EngineNotice) -> Option<(bool, Vec<LeftFile>)> {
    match notice {
        EngineNotice::Removed { data_deleted, left, .. } => Some((*data_deleted, left.clone())),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn removal_keeps_the_files_unless_asked_to_delete_them() {
    let [there, here] = [tempdir().unwrap(), tempdir().unwrap()];
    let (_, seeder) = seeded(there.path(), &FILES, &small_pieces());
    let mut rig = Rig::start(options(here.path()));
    let torrent = desired(1, &[&seeder]);
    rig.reconcile(&torrent, metainfo(&seeder)).await;
    rig.finished().await;
    let presence = Presence::Removing { delete_data: false };
    rig.reconcile(&Desired { presence, version: 2, ..torrent.clone() }, Materials::default()).await;
    assert_eq!(rig.wait(removed).await, (false, Vec::new()));
    assert!(here.path().join("T/a/1").exists());
    assert!(rig.engine.live(torrent.id).is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_others_stay_when_a_torrent_is_deleted() {
    let [there, here] = [tempdir().unwrap(), tempdir().unwrap()];
    let (_, seeder) = seeded(there.path(), &FILES, &small_pieces());
    let mut rig = Rig::start(options(here.path()));
    let torrent = desired(1, &[&seeder]);
    rig.reconcile(&torrent, metainfo(&seeder)).await;
    rig.finished().await;
    std::fs::write(here.path().join("T/b/mine"), "mine").unwrap();
    let presence = Presence::Removing { delete_data: true };
    rig.reconcile(&Desired { presence, version: 2, ..torrent }, Materials::default()).await;
    assert_eq!(rig.wait(removed).await, (true, Vec::new()));
    assert!(!here.path().join("T/a").exists());
    assert!(!here.path().join("T/b/2").exists());
    assert!(here.path().join("T/b/mine").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_two_torrents_share_outlive_the_first() {
    let [there, elsewhere, here] = [tempdir().unwrap(), tempdir().unwrap(), tempdir().unwrap()];
    let (_, one) = seeded(there.path(), &FILES, &small_pieces());
    let (_, two) = seeded(elsewhere.path(), &FILES[..1], &small_pieces());
    let mut rig = Rig::start(options(here.path()));
    let [first, second] = [desired(1, &[&one]), desired(2, &[&two])];
    rig.reconcile(&first, metainfo(&one)).await;
    rig.finished().await;
    rig.reconcile(&second, metainfo(&two)).await;
    rig.finished().await;

    let presence = Presence::Removing { delete_data: true };
    rig.reconcile(&Desired { presence, version: 2, ..first }, Materials::default()).await;
    let (data_deleted, left) = rig.wait(removed).await;
    assert!(!data_deleted);
    assert_eq!(left.iter().map(|left| left.path.as_str()).collect::<Vec<_>>(), ["T/a/1"]);
    assert!(here.path().join("T/a/1").exists());
    assert!(!here.path().join("T/b/2").exists());

    rig.reconcile(&Desired { presence, version: 2, ..second }, Materials::default()).await;
    assert_eq!(rig.wait(removed).await, (true, Vec::new()));
    assert!(!here.path().join("T").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn removal_that_a_crash_cut_off_is_finished_from_the_metainfo() {
    let [there, here] = [tempdir().unwrap(), tempdir().unwrap()];
    let (_, seeder) = seeded(there.path(), &FILES, &small_pieces());
    let mut rig = Rig::start(options(here.path()));
    let torrent = desired(1, &[&seeder]);
    rig.reconcile(&torrent, metainfo(&seeder)).await;
    rig.finished().await;
    rig.end().await;

    let mut rig = Rig::start(options(here.path()));
    let presence = Presence::Removing { delete_data: true };
    let torrent = Desired { presence, version: 2, ..torrent };
    rig.reconcile(&torrent, metainfo(&seeder)).await;
    assert_eq!(rig.wait(removed).await, (true, Vec::new()));
    assert!(!here.path().join("T").exists());
    // The log may be slow to take it: asked again, the same is told again.
    rig.reconcile(&torrent, Materials::default()).await;
    assert_eq!(rig.wait(removed).await, (true, Vec::new()));
}

#[tokio::test(flavor = "multi_thread")]
async fn deletion_waits_until_every_torrent_is_in_the_session() {
    let [there, elsewhere, here] = [tempdir().unwrap(), tempdir().unwrap(), tempdir().unwrap()];
    let (_, one) = seeded(there.path(), &FILES, &small_pieces());
    let (_, two) = seeded(elsewhere.path(), &FILES[..1], &small_pieces());
    let mut rig = Rig::start(options(here.path()));
    let [first, second] = [desired(1, &[&one]), desired(2, &[&two])];
    rig.reconcile(&first, metainfo(&one)).await;
    rig.finished().await;
    rig.end().await;

    // A new session, and nobody has said that it has everything.
    let mut rig = Rig::start(options(here.path()));
    let session = rig.engine.session_number().unwrap();
    let first = Desired { presence: Presence::Removing { delete_data: true }, version: 2, ..first };
    let answer = rig.engine.reconcile(first.clone(), None).await.unwrap();
    assert_eq!(answer, Reconciliation::TooEarly);
    rig.engine.reconcile(second, Some(metainfo(&two))).await.unwrap();
    rig.finished().await;
    assert!(rig.engine.everything_reconciled(session + 1).await.is_err(), "that is another session");
    assert_eq!(rig.engine.reconcile(first.clone(), None).await.unwrap(), Reconciliation::TooEarly);
    rig.engine.everything_reconciled(session).await.unwrap();
    rig.reconcile(&first, metainfo(&one)).await;
    let (data_deleted, left) = rig.wait(removed).await;
    assert_eq!((data_deleted, left.len()), (false, 1));
    assert!(here.path().join("T/a/1").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn files_on_the_move_are_deleted_where_they_arrive() {
    let [there, here] = [tempdir().unwrap(), tempdir().unwrap()];
    let (_, seeder) = seeded(there.path(), &FILES, &small_pieces());
    let mut rig = Rig::start(options(here.path()));
    let torrent = desired(1, &[&seeder]);
    rig.reconcile(&torrent, metainfo(&seeder)).await;
    rig.finished().await;
    let torrent = Desired { moving_to: "away".parse().ok(), version: 2, ..torrent };
    rig.reconcile(&torrent, Materials::default()).await;
    let presence = Presence::Removing { delete_data: true };
    rig.reconcile(&Desired { presence, version: 3, ..torrent }, Materials::default()).await;
    assert_eq!(rig.wait(removed).await, (true, Vec::new()));
    assert!(!here.path().join("T").exists() && !here.path().join("away/T").exists());
}
