//! Two real sessions on loopback: what a torrent goes through, judged by files, statuses and alerts.

use std::fs;

use crate::support::{KEY, Node, add, loopback_settings, payload, seeder, tree, tree_without_parts};
use libtorrent_sys::{
    AddTorrent, EventKind, Format, RemoveFiles, SaveResume, Session, Setting, Source, State, TorrentFlags,
    make_magnet, parse_metainfo, stats_metrics,
};
use rstest::rstest;
use tempfile::tempdir;

#[rstest]
#[case::v1(Format::V1)]
#[case::v2(Format::V2)]
#[case::hybrid(Format::Hybrid)]
fn torrent_file_downloads_to_the_same_bytes(#[case] format: Format) {
    let (from, to) = (tempdir().unwrap(), tempdir().unwrap());
    let metainfo = payload(from.path(), format);
    let mut seed = seeder(from.path(), &metainfo);
    let mut leech = Node::start();
    let torrent =
        AddTorrent { peers: vec![seed.addr()], ..add(Source::Metainfo(metainfo.clone()), to.path()) };
    leech.session.add(KEY, &torrent).unwrap();
    let done = leech.hear("finished", |kind| kind == EventKind::Finished);
    assert_eq!(done.key, Some(KEY));
    leech.flush();
    assert_eq!(tree(to.path()), tree(from.path()));
    let status = leech.until_status("seeding", |status| status.state == State::Seeding);
    assert_eq!(status.total_wanted_done, status.total_wanted);
    assert_eq!(status.progress_ppm, 1_000_000);
    assert!(status.has_metadata && status.is_finished);
    let progress: u64 = leech.session.file_progress(KEY).unwrap().iter().sum();
    assert_eq!(
        progress,
        parse_metainfo(&metainfo, &libtorrent_sys::MetainfoLimits::default()).unwrap().total_size
    );
}

#[rstest]
#[case::v1(Format::V1)]
#[case::v2(Format::V2)]
#[case::hybrid(Format::Hybrid)]
fn magnet_fetches_metadata_then_files(#[case] format: Format) {
    let (from, to, again) = (tempdir().unwrap(), tempdir().unwrap(), tempdir().unwrap());
    let metainfo = payload(from.path(), format);
    let mut seed = seeder(from.path(), &metainfo);
    let magnet = format!("{}&x.pe={}", make_magnet(&metainfo).unwrap(), seed.addr());
    let mut leech = Node::start();
    leech.session.add(KEY, &add(Source::Magnet(magnet), to.path())).unwrap();
    leech.hear("metadata", |kind| kind == EventKind::MetadataReceived);
    leech.hear("finished", |kind| kind == EventKind::Finished);
    leech.flush();
    assert_eq!(tree(to.path()), tree(from.path()));
    // The torrent file that it has now is as good as the one that it never saw.
    let limits = libtorrent_sys::MetainfoLimits::default();
    let (ours, theirs) = (leech.session.metainfo(KEY).unwrap(), metainfo);
    let (ours_read, theirs_read) =
        (parse_metainfo(&ours, &limits).unwrap(), parse_metainfo(&theirs, &limits).unwrap());
    assert_eq!(ours_read.info_hash_v1, theirs_read.info_hash_v1);
    assert_eq!(ours_read.info_hash_v2, theirs_read.info_hash_v2);
    assert_eq!(ours_read.files, leech.session.files(KEY).unwrap());
    let mut third = Node::start();
    let torrent = AddTorrent { peers: vec![seed.addr()], ..add(Source::Metainfo(ours), again.path()) };
    third.session.add(KEY, &torrent).unwrap();
    third.hear("finished", |kind| kind == EventKind::Finished);
}

#[test]
fn resume_data_carries_progress_and_what_the_add_says_wins() {
    let dir = tempdir().unwrap();
    let metainfo = payload(dir.path(), Format::Hybrid);
    let mut node = seeder(dir.path(), &metainfo);
    let saved = node.resume_data();
    node.session.save_resume_data(KEY, SaveResume::ONLY_IF_MODIFIED).unwrap();
    let kind = |kind| matches!(kind, EventKind::ResumeDataFailed { .. });
    let answer = node.hear("not modified", kind);
    assert_eq!(answer.kind, EventKind::ResumeDataFailed { not_modified: true });
    node.session.shutdown().unwrap();

    let mut node = Node::start();
    let torrent = AddTorrent {
        flags: TorrentFlags::PAUSED | TorrentFlags::SEQUENTIAL,
        mask: TorrentFlags::PAUSED | TorrentFlags::AUTO_MANAGED | TorrentFlags::SEQUENTIAL,
        download_bytes_per_second: Some(12_345),
        ..add(Source::Resume { resume_data: saved, metainfo: None }, dir.path())
    };
    node.session.add(KEY, &torrent).unwrap();
    let status = node.until_status("complete", |status| status.state == State::Seeding);
    assert!(status.flags.contains(TorrentFlags::PAUSED | TorrentFlags::SEQUENTIAL));
    assert!(!status.flags.contains(TorrentFlags::AUTO_MANAGED));
    assert!(status.pieces_have > 0);
}

#[test]
fn resume_data_of_another_torrent_is_refused() {
    let (one, other) = (tempdir().unwrap(), tempdir().unwrap());
    let metainfo = payload(one.path(), Format::V1);
    let mut node = seeder(one.path(), &metainfo);
    node.session.save_resume_data(KEY, SaveResume::default()).unwrap();
    let bare = node.hear("resume data", |kind| matches!(kind, EventKind::ResumeData { .. })).blob;
    fs::write(other.path().join("single"), b"something else").unwrap();
    let foreign = libtorrent_sys::create_metainfo(
        &other.path().join("single"),
        &libtorrent_sys::CreateOptions::default(),
    )
    .unwrap();
    let fresh = Node::start();
    let source = |metainfo| Source::Resume { resume_data: bare.clone(), metainfo: Some(metainfo) };
    let error = fresh.session.add(KEY, &add(source(foreign), one.path())).unwrap_err();
    assert_eq!((error.category.as_str(), error.code), ("resume data", 1));
    fresh.session.add(KEY, &add(source(metainfo), one.path())).unwrap();
}

#[test]
fn file_of_priority_zero_is_not_downloaded_until_it_is_wanted() {
    let (from, to) = (tempdir().unwrap(), tempdir().unwrap());
    let metainfo = payload(from.path(), Format::Hybrid);
    let mut seed = seeder(from.path(), &metainfo);
    let mut leech = Node::start();
    let files = parse_metainfo(&metainfo, &libtorrent_sys::MetainfoLimits::default()).unwrap().files;
    let priorities: Vec<u8> = files.iter().map(|file| u8::from(!file.path.ends_with("b.bin")) * 4).collect();
    let torrent = AddTorrent {
        peers: vec![seed.addr()],
        file_priorities: priorities.clone(),
        ..add(Source::Metainfo(metainfo), to.path())
    };
    leech.session.add(KEY, &torrent).unwrap();
    leech.hear("finished", |kind| kind == EventKind::Finished);
    leech.flush();
    assert_eq!(leech.session.file_priorities(KEY).unwrap(), priorities);
    assert!(!to.path().join("Sammlung 合集/b.bin").exists());
    assert!(to.path().join("Sammlung 合集/a.bin").exists());

    leech.session.set_file_priorities(KEY, &vec![4; priorities.len()]).unwrap();
    leech.until_status("all", |status| status.state == State::Seeding);
    leech.flush();
    let whole = tree_without_parts(to.path());
    assert_eq!(whole, tree(from.path()));
    assert_eq!(leech.session.set_file_priorities(KEY, &[8]).unwrap_err().category, "priority");
}

#[test]
fn recheck_finds_a_flipped_byte_and_fetches_its_piece_again() {
    let (from, to) = (tempdir().unwrap(), tempdir().unwrap());
    let metainfo = payload(from.path(), Format::V1);
    let mut seed = seeder(from.path(), &metainfo);
    fs::create_dir_all(to.path().join("Sammlung 合集/字幕")).unwrap();
    for (path, ..) in tree(from.path()) {
        let mut bytes = fs::read(from.path().join(&path)).unwrap();
        if path.ends_with("a.bin") {
            bytes[100] ^= 1;
        }
        fs::write(to.path().join(path), bytes).unwrap();
    }
    let mut leech = Node::start();
    let seed_mode = TorrentFlags::SEED_MODE;
    let torrent = add(Source::Metainfo(metainfo), to.path());
    let torrent = AddTorrent { flags: seed_mode, mask: torrent.mask | seed_mode, ..torrent };
    leech.session.add(KEY, &torrent).unwrap();
    let whole = leech.until_status("believed complete", |status| status.state == State::Seeding);
    leech.heard.clear();
    leech.session.recheck(KEY).unwrap();
    leech.hear("checked", |kind| kind == EventKind::Checked);
    let after = leech.until_status("one piece short", |status| status.state == State::Downloading);
    assert_eq!(after.pieces_have + 1, whole.pieces_have);
    leech.session.connect_peer(KEY, seed.addr()).unwrap();
    leech.until_status("complete", |status| status.state == State::Seeding);
    leech.flush();
    assert_eq!(tree(to.path()), tree(from.path()));
}

#[rstest]
#[case::keep(RemoveFiles::Keep)]
#[case::delete(RemoveFiles::Delete)]
fn removal_keeps_or_deletes_files_and_says_whose(#[case] files: RemoveFiles) {
    let dir = tempdir().unwrap();
    let metainfo = payload(dir.path(), Format::Hybrid);
    fs::write(dir.path().join("foreign"), b"stays").unwrap();
    let before = tree(dir.path());
    let mut node = seeder(dir.path(), &metainfo);
    node.session.remove(KEY, files).unwrap();
    assert_eq!(node.hear("removed", |kind| kind == EventKind::Removed).key, Some(KEY));
    assert_eq!(node.session.status(KEY).unwrap_err().category, "session");
    match files {
        RemoveFiles::Keep => assert_eq!(tree(dir.path()), before),
        RemoveFiles::Delete => {
            assert_eq!(node.hear("deleted", |kind| kind == EventKind::Deleted).key, Some(KEY));
            let left: Vec<_> = tree(dir.path()).into_iter().map(|(path, ..)| path).collect();
            assert_eq!(left, ["foreign"]);
        }
    }
    // The number and the info hash are free again.
    node.session.add(KEY, &add(Source::Metainfo(metainfo), dir.path())).unwrap();
}

#[test]
fn second_add_of_a_key_or_of_an_info_hash_is_an_error() {
    let dir = tempdir().unwrap();
    let metainfo = payload(dir.path(), Format::Hybrid);
    let node = seeder(dir.path(), &metainfo);
    let torrent = add(Source::Metainfo(metainfo), dir.path());
    assert_eq!(node.session.add(KEY, &torrent).unwrap_err().category, "session");
    assert_eq!(node.session.add(0, &torrent).unwrap_err().category, "session");
    let error = node.session.add(KEY + 1, &torrent).unwrap_err();
    assert_eq!((error.category.as_str(), error.code), ("libtorrent", 19), "{error}");
    assert!(node.session.status(KEY + 1).is_err());
    assert!(node.status().pieces_have > 0, "the first one is untouched");
}

#[test]
fn paused_torrent_receives_nothing_until_it_is_resumed() {
    let (from, to) = (tempdir().unwrap(), tempdir().unwrap());
    let metainfo = payload(from.path(), Format::V1);
    let mut seed = seeder(from.path(), &metainfo);
    let mut leech = Node::start();
    let torrent = AddTorrent {
        flags: TorrentFlags::PAUSED,
        peers: vec![seed.addr()],
        ..add(Source::Metainfo(metainfo), to.path())
    };
    leech.session.add(KEY, &torrent).unwrap();
    let status = leech.until_status("checked", |status| status.state == State::Downloading);
    assert!(status.flags.contains(TorrentFlags::PAUSED));
    assert_eq!((status.total_done, status.peers), (0, 0));
    leech.session.set_flags(KEY, TorrentFlags::SEQUENTIAL, TorrentFlags::SEQUENTIAL).unwrap();
    leech.session.set_limits(KEY, Some(400_000), None).unwrap();
    leech.session.resume(KEY).unwrap();
    leech.hear("resumed", |kind| kind == EventKind::Resumed);
    let peers = leech
        .until("a peer", |node| Some(node.session.peers(KEY).unwrap()).filter(|peers| !peers.is_empty()));
    assert_eq!(peers[0].address, seed.addr().to_string());
    leech.hear("finished", |kind| kind == EventKind::Finished);
    leech.session.pause(KEY).unwrap();
    leech.hear("paused", |kind| kind == EventKind::Paused);
    let flags = leech.status().flags;
    assert!(flags.contains(TorrentFlags::PAUSED | TorrentFlags::SEQUENTIAL));
}

#[test]
fn session_limit_binds_loopback_peers_when_they_are_in_the_global_class() {
    let (from, to) = (tempdir().unwrap(), tempdir().unwrap());
    let metainfo = payload(from.path(), Format::V1);
    let mut seed = seeder(from.path(), &metainfo);
    let mut settings = loopback_settings();
    settings.push(Setting::int("download_rate_limit", 100_000));
    let mut leech = Node::with(&settings, None);
    leech.session.limit_local_peers(true).unwrap();
    let torrent = AddTorrent { peers: vec![seed.addr()], ..add(Source::Metainfo(metainfo), to.path()) };
    let began = std::time::Instant::now();
    leech.session.add(KEY, &torrent).unwrap();
    leech.hear("finished", |kind| kind == EventKind::Finished);
    // 570 kB at 100 kB/s, less three seconds of burst; unbound it takes a few hundredths of a second.
    assert!(began.elapsed() > std::time::Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!(leech.session.int_setting("download_rate_limit").unwrap(), 100_000);
}

#[test]
fn moved_files_are_where_the_alert_says_and_foreign_ones_stay() {
    let (from, to) = (tempdir().unwrap(), tempdir().unwrap());
    let metainfo = payload(from.path(), Format::V1);
    let before = tree(from.path());
    let mut node = seeder(from.path(), &metainfo);
    node.session.move_storage(KEY, to.path().to_str().unwrap()).unwrap();
    let moved = node.hear("moved", |kind| kind == EventKind::StorageMoved);
    assert_eq!(moved.text, to.path().to_str().unwrap());
    assert_eq!(tree(to.path()), before);
    fs::create_dir_all(from.path().join("Sammlung 合集")).unwrap();
    fs::write(from.path().join("Sammlung 合集/a.bin"), b"foreign").unwrap();
    node.session.move_storage(KEY, from.path().to_str().unwrap()).unwrap();
    let failed = node.hear("not moved", |kind| kind == EventKind::StorageMoveFailed);
    // libtorrent gives no error code here: the kind says it all.
    assert_eq!(failed.key, Some(KEY));
    assert_eq!(tree(to.path()), before);
    assert_eq!(fs::read(from.path().join("Sammlung 合集/a.bin")).unwrap(), b"foreign");
}

#[test]
fn file_that_cannot_be_written_is_an_error_alert_with_its_operation() {
    let (from, to) = (tempdir().unwrap(), tempdir().unwrap());
    let metainfo = payload(from.path(), Format::V1);
    let mut seed = seeder(from.path(), &metainfo);
    // A file where the folder should be: not even root writes through it.
    fs::write(to.path().join("Sammlung 合集"), b"in the way").unwrap();
    let mut leech = Node::start();
    let torrent = AddTorrent { peers: vec![seed.addr()], ..add(Source::Metainfo(metainfo), to.path()) };
    leech.session.add(KEY, &torrent).unwrap();
    let failed = leech
        .hear("a file error", |kind| matches!(kind, EventKind::FileError { .. } | EventKind::TorrentError));
    assert_eq!(failed.key, Some(KEY));
    assert!(failed.error.is_some() && !failed.path.is_empty(), "{failed:?}");
    make_room(to.path());
    leech.session.clear_error(KEY).unwrap();
    leech.session.set_flags(KEY, TorrentFlags::NONE, TorrentFlags::UPLOAD_MODE).unwrap();
    leech.session.resume(KEY).unwrap();
    leech.session.connect_peer(KEY, seed.addr()).unwrap();
    leech.until_status("complete", |status| status.state == State::Seeding);
}

#[test]
fn trackers_are_listed_and_a_dead_one_is_reported_with_its_url() {
    let dir = tempdir().unwrap();
    let metainfo = payload(dir.path(), Format::V1);
    let mut node = Node::start();
    // Port 1 of this machine: refused at once.
    let url = "http://127.0.0.1:1/announce".to_owned();
    let torrent = AddTorrent { trackers: vec![url.clone()], ..add(Source::Metainfo(metainfo), dir.path()) };
    node.session.add(KEY, &torrent).unwrap();
    node.session.reannounce(KEY).unwrap();
    let failed = node.hear("a tracker's error", |kind| kind == EventKind::TrackerError);
    assert_eq!((failed.key, failed.path.as_str()), (Some(KEY), url.as_str()));
    let trackers = node.session.trackers(KEY).unwrap();
    assert_eq!(trackers.len(), 1);
    assert_eq!(trackers[0].url, url);
    assert!(!trackers[0].message.is_empty());
}

#[test]
fn statuses_come_for_what_changed_and_for_what_was_asked() {
    let dir = tempdir().unwrap();
    let metainfo = payload(dir.path(), Format::V1);
    let mut node = seeder(dir.path(), &metainfo);
    node.until("an update", |node| node.statuses.iter().any(|status| status.key == KEY).then_some(()));
    for ask in [Session::post_all_status as fn(&Session) -> _, |session: &Session| session.post_status(KEY)] {
        node.statuses.clear();
        ask(&node.session).unwrap();
        node.turn(crate::support::PATIENCE);
        let asked = node.statuses.iter().find(|status| status.key == KEY);
        assert_eq!(asked.map(|status| status.state), Some(State::Seeding));
    }
    assert!(node.session.post_status(KEY + 1).is_err());
}

#[test]
fn counters_have_names_and_count() {
    let (from, to) = (tempdir().unwrap(), tempdir().unwrap());
    let metainfo = payload(from.path(), Format::V1);
    let mut seed = seeder(from.path(), &metainfo);
    let mut leech = Node::start();
    let torrent = AddTorrent { peers: vec![seed.addr()], ..add(Source::Metainfo(metainfo), to.path()) };
    leech.session.add(KEY, &torrent).unwrap();
    leech.hear("finished", |kind| kind == EventKind::Finished);
    leech.session.post_stats().unwrap();
    let stats = leech.until("counters", |node| (!node.stats.is_empty()).then(|| node.stats.clone()));
    let metrics = stats_metrics();
    let place = metrics.iter().find(|metric| metric.name == "net.recv_payload_bytes").unwrap().place;
    assert!(stats[place] >= 570_000, "{}", stats[place]);
    assert!(metrics.iter().all(|metric| metric.place < stats.len()));
    let grows = |name: &str| metrics.iter().find(|metric| metric.name == name).unwrap().only_grows;
    assert!(grows("net.recv_payload_bytes") && !grows("peer.num_peers_connected"));
}

#[expect(clippy::disallowed_methods, reason = "the file is this test's own")]
fn make_room(folder: &std::path::Path) {
    fs::remove_file(folder.join("Sammlung 合集")).unwrap();
}
