//! Which alert leads to which notice: a table, held against the real alerts of real sessions.
//!
//! Every alert is put through the engine's own handling, one at a time, and what it makes the engine tell is put down to it.

use std::collections::{BTreeMap, BTreeSet};

use libtorrent_sys::{EventKind, Format, RemoveFiles};

use self::bench::Bench;
use crate::{EngineNotice, Materials};

mod bench;
mod stories;

/// Any look at a torrent may find these, whichever alert was the reason to look.
const BY_ANY_LOOK: [&str; 4] = ["MetadataReceived", "SelectionApplied", "Phase", "Recovered"];

enum Row {
    /// The notices of this alert, beside those of any look.
    Tells(&'static [&'static str]),
    /// No session here can be brought to it.
    NotHere(&'static str),
}
use Row::{NotHere, Tells};

const TABLE: [(&str, Row); 35] = [
    // No alert: a status, of a torrent that changed or that waits for its priorities.
    ("a look", Tells(&[])),
    ("MetadataReceived", Tells(&[])),
    ("StateChanged", Tells(&[])),
    ("Finished", Tells(&[])),
    ("Checked", Tells(&["Rechecked"])),
    ("Paused", Tells(&[])),
    ("Resumed", Tells(&[])),
    ("TorrentError", Tells(&["Failed"])),
    ("FileError", Tells(&["Failed"])),
    ("Flushed", Tells(&["ResumeData", "Finished"])),
    ("FileRenamed", NotHere("nothing here renames a file")),
    ("FileRenameFailed", NotHere("nothing here renames a file")),
    ("ResumeData", Tells(&[])),
    ("ResumeDataFailed", Tells(&[])),
    ("Removed", Tells(&["Removed"])),
    ("Deleted", NotHere("libtorrent is told to keep the files: they are deleted by ourselves")),
    ("DeleteFailed", NotHere("libtorrent is told to keep the files: they are deleted by ourselves")),
    ("StorageMoved", Tells(&["Moved"])),
    ("StorageMoveFailed", Tells(&["MoveFailed"])),
    (
        "MetadataFailed",
        NotHere("it takes a peer that sends metadata whose hash is right and whose form is not"),
    ),
    ("TrackerAnnounce", Tells(&[])),
    ("TrackerError", Tells(&[])),
    ("TrackerReply", Tells(&[])),
    ("TrackerWarning", Tells(&[])),
    ("FastresumeRejected", Tells(&["Diverged"])),
    ("TorrentConflict", Tells(&[])),
    ("HashFailed", Tells(&[])),
    ("ListenFailed", Tells(&[])),
    ("ListenSucceeded", Tells(&[])),
    ("Added", Tells(&[])),
    ("AddFailed", Tells(&[])),
    ("AlertsDropped", Tells(&[])),
    ("SessionError", NotHere("it is a fault inside of libtorrent's own thread")),
    ("Performance", NotHere("it is libtorrent's opinion of a machine under load")),
    ("Other", Tells(&[])),
];

/// Resume data of a magnet without files yet waits for no flush and is told at once; whether one is saved so early is chance.
const BY_CHANCE: [(&str, &str); 1] = [("ResumeData", "ResumeData")];

#[tokio::test(flavor = "multi_thread")]
async fn every_alert_leads_to_the_notices_of_its_row() {
    let mut seen: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for story in stories::ALL {
        for (alert, notices) in tokio::task::block_in_place(story).seen {
            seen.entry(alert).or_default().extend(notices);
        }
    }
    let everything: BTreeSet<_> = seen.values().flatten().copied().collect();
    assert!(BY_ANY_LOOK[..3].iter().all(|notice| everything.contains(notice)), "{everything:?}");
    for (alert, row) in &TABLE {
        match (row, seen.remove(alert)) {
            (Tells(expected), Some(mut found)) => {
                found.retain(|notice| !BY_ANY_LOOK.contains(notice) && !BY_CHANCE.contains(&(alert, notice)));
                assert_eq!(found, expected.iter().copied().collect(), "of {alert}");
            }
            (Tells(_), None) => panic!("{alert} was never seen"),
            (NotHere(reason), Some(_)) => panic!("{alert} was seen, though {reason}"),
            (NotHere(_), None) => {}
        }
    }
    assert!(seen.is_empty(), "no row for {seen:?}");
}

/// Nothing of ours pauses a torrent behind the engine's back; here the test does.
#[tokio::test(flavor = "multi_thread")]
async fn difference_that_no_command_explains_is_told_and_undone() {
    let there = tempfile::tempdir().expect("a folder");
    let (_, seeder) = stories::seeded(there.path(), 1, Format::V1);
    let torrent = stories::desired(1, &[&seeder]);
    tokio::task::block_in_place(|| {
        let mut bench = Bench::start(Vec::new());
        bench.reconcile(&torrent, stories::metainfo(&seeder));
        bench.until_told("Finished");
        bench.told.clear();
        bench.reconcile(&torrent, Materials::default());
        assert!(!bench.told.iter().any(|notice| matches!(notice, EngineNotice::Diverged { .. })));

        let key = bench.torrents.keys[&torrent.id];
        bench.torrents.session.pause(key).expect("it is there");
        bench.reconcile(&torrent, Materials::default());
        let differs = bench.told.iter().find_map(|notice| match notice {
            EngineNotice::Diverged { field, expected, found, .. } => Some([field.as_str(), expected, found]),
            _ => None,
        });
        assert_eq!(differs, Some(["paused", "false", "true"]));
        bench.until_seen("Resumed");

        let priorities = |bench: &Bench| bench.torrents.session.file_priorities(key).expect("it is there");
        bench.torrents.session.set_file_priorities(key, &[0]).expect("it is there");
        bench.until("libtorrent follows", |bench| priorities(bench) == [0]);
        bench.told.clear();
        bench.reconcile(&torrent, Materials::default());
        let differs = bench.told.iter().find_map(|notice| match notice {
            EngineNotice::Diverged { field, expected, found, .. } => Some([field.as_str(), expected, found]),
            _ => None,
        });
        assert_eq!(differs, Some(["selection", "priority 4 of file 0", "priority 0"]));
        bench.until("libtorrent follows the rule again", |bench| priorities(bench) == [4]);

        bench.torrents.session.remove(key, RemoveFiles::Keep).expect("it is there");
        bench.reconcile(&torrent, stories::metainfo(&seeder));
        assert!(matches!(
            bench.told.iter().rev().find(|notice| matches!(notice, EngineNotice::Diverged { .. })),
            Some(EngineNotice::Diverged { field, .. }) if field == "presence"
        ));
        assert_ne!(bench.torrents.keys[&torrent.id], key, "it was added again");
    });
}

/// Exhaustive, so that a new kind of alert asks for its row.
const fn name_of_alert(kind: EventKind) -> &'static str {
    match kind {
        EventKind::MetadataReceived => "MetadataReceived",
        EventKind::StateChanged { .. } => "StateChanged",
        EventKind::Finished => "Finished",
        EventKind::Checked => "Checked",
        EventKind::Paused => "Paused",
        EventKind::Resumed => "Resumed",
        EventKind::TorrentError => "TorrentError",
        EventKind::FileError { .. } => "FileError",
        EventKind::Flushed => "Flushed",
        EventKind::FileRenamed => "FileRenamed",
        EventKind::FileRenameFailed => "FileRenameFailed",
        EventKind::ResumeData { .. } => "ResumeData",
        EventKind::ResumeDataFailed { .. } => "ResumeDataFailed",
        EventKind::Removed => "Removed",
        EventKind::Deleted => "Deleted",
        EventKind::DeleteFailed => "DeleteFailed",
        EventKind::StorageMoved => "StorageMoved",
        EventKind::StorageMoveFailed => "StorageMoveFailed",
        EventKind::MetadataFailed => "MetadataFailed",
        EventKind::TrackerAnnounce => "TrackerAnnounce",
        EventKind::TrackerError => "TrackerError",
        EventKind::TrackerReply => "TrackerReply",
        EventKind::TrackerWarning => "TrackerWarning",
        EventKind::FastresumeRejected => "FastresumeRejected",
        EventKind::TorrentConflict { .. } => "TorrentConflict",
        EventKind::HashFailed { .. } => "HashFailed",
        EventKind::ListenFailed => "ListenFailed",
        EventKind::ListenSucceeded { .. } => "ListenSucceeded",
        EventKind::Added => "Added",
        EventKind::AddFailed => "AddFailed",
        EventKind::AlertsDropped => "AlertsDropped",
        EventKind::SessionError => "SessionError",
        EventKind::Performance => "Performance",
        EventKind::Other(_) => "Other",
    }
}

const fn name_of_notice(notice: &EngineNotice) -> &'static str {
    match notice {
        EngineNotice::MetadataReceived { .. } => "MetadataReceived",
        EngineNotice::SelectionApplied { .. } => "SelectionApplied",
        EngineNotice::Phase { .. } => "Phase",
        EngineNotice::ResumeData { .. } => "ResumeData",
        EngineNotice::Finished { .. } => "Finished",
        EngineNotice::Failed { .. } => "Failed",
        EngineNotice::Recovered { .. } => "Recovered",
        EngineNotice::RateCapApplied { .. } => "RateCapApplied",
        EngineNotice::Reannounced { .. } => "Reannounced",
        EngineNotice::Rechecked { .. } => "Rechecked",
        EngineNotice::Moved { .. } => "Moved",
        EngineNotice::MoveFailed { .. } => "MoveFailed",
        EngineNotice::Removed { .. } => "Removed",
        EngineNotice::Diverged { .. } => "Diverged",
        EngineNotice::Faulted { .. } => "Faulted",
        EngineNotice::Restarted { .. } => "Restarted",
        EngineNotice::GaveUp { .. } => "GaveUp",
        EngineNotice::Started { .. } => "Started",
    }
}
