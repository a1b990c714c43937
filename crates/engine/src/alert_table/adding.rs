//! What is asked of a torrent before libtorrent has answered its add.

use libtorrent_sys::Format;

use super::bench::Bench;
use super::stories::{desired, metainfo, seeded};
use crate::{Desired, EngineNotice, Materials, Presence};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_of_a_torrent_that_is_being_added_is_done_when_it_is_there() {
    let there = tempfile::tempdir().expect("a folder");
    let (_, seeder) = seeded(there.path(), 1, Format::V1);
    let torrent = desired(1, &[&seeder]);
    tokio::task::block_in_place(|| {
        let mut bench = Bench::start(Vec::new());
        bench.reconcile(&torrent, metainfo(&seeder));
        bench.reconcile(&Desired { paused: true, version: 2, ..torrent.clone() }, Materials::default());
        assert!(!bench.seen.contains_key("Added"), "nobody has looked yet");
        bench.until_seen("Paused");
        let removed =
            Desired { presence: Presence::Removing { delete_data: false }, version: 1, ..desired(2, &[]) };
        let magnet = Some(format!("magnet:?xt=urn:btih:{:040x}", 2));
        bench.reconcile(&Desired { magnet, ..desired(2, &[]) }, Materials::default());
        bench.reconcile(&Desired { version: 2, ..removed }, Materials::default());
        bench.until_told("Removed");
    });
}

/// Its files are another torrent's, which is why libtorrent would not have it.
#[tokio::test(flavor = "multi_thread")]
async fn refused_torrent_that_was_to_go_with_its_files_takes_none_of_another_torrent() {
    let there = tempfile::tempdir().expect("a folder");
    let (_, seeder) = seeded(there.path(), 1, Format::V1);
    tokio::task::block_in_place(|| {
        let mut bench = Bench::start(Vec::new());
        bench.reconcile(&desired(1, &[&seeder]), metainfo(&seeder));
        bench.until_told("Finished");
        bench.reconcile(&desired(2, &[]), metainfo(&seeder));
        let removed =
            Desired { presence: Presence::Removing { delete_data: true }, version: 2, ..desired(2, &[]) };
        bench.reconcile(&removed, Materials::default());
        bench.until_told("Removed");
        let told = bench.told.iter().find_map(|notice| match notice {
            EngineNotice::Removed { id, data_deleted, .. } => Some((*id, *data_deleted)),
            _ => None,
        });
        assert_eq!(told.map(|(id, _)| id), Some(removed.id));
        assert!(bench.root.path().join("T/1").exists(), "it is the first one's");
    });
}

/// Files that two share are known by then, though libtorrent does not have the second yet.
#[tokio::test(flavor = "multi_thread")]
async fn files_of_a_torrent_that_is_being_added_are_not_deleted_with_another() {
    let there = tempfile::tempdir().expect("a folder");
    let (_, seeder) = seeded(there.path(), 1, Format::V1);
    let elsewhere = tempfile::tempdir().expect("a folder");
    // Another torrent with a file of the same name in a folder of the same name.
    let (_, other) = seeded(elsewhere.path(), 2, Format::V1);
    tokio::task::block_in_place(|| {
        let mut bench = Bench::start(Vec::new());
        let torrent = desired(1, &[&seeder]);
        bench.reconcile(&torrent, metainfo(&seeder));
        bench.until_told("Finished");
        let removed = Desired { presence: Presence::Removing { delete_data: true }, version: 2, ..torrent };
        bench.reconcile(&removed, Materials::default());
        bench.reconcile(&Desired { paused: true, ..desired(2, &[]) }, metainfo(&other));
        bench.until_told("Removed");
        assert!(bench.root.path().join("T/1").exists(), "it is the second one's, too");
    });
}
