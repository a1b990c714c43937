//! Adds that nobody waits for: what is told of them, and when there is a torrent to ask.

use std::time::Instant;

use crate::support::{KEY, Node, PATIENCE, add, loopback_settings, payload, seeder};
use libtorrent_sys::{
    AddTorrent, EventKind, Format, MetainfoLimits, Session, Setting, Source, State, parse_metainfo,
};
use tempfile::tempdir;

#[test]
fn posted_torrent_can_be_asked_once_it_is_told_added() {
    let dir = tempdir().unwrap();
    let metainfo = payload(dir.path(), Format::Hybrid);
    let mut node = Node::start();
    assert!(!node.session.post_add(KEY, &add(Source::Metainfo(metainfo), dir.path())).unwrap().held_back);
    assert_eq!(node.session.status(KEY).unwrap_err().category, "session");
    assert_eq!(node.hear("added", |kind| kind == EventKind::Added).key, Some(KEY));
    assert_eq!(node.session.status(KEY).unwrap().key, KEY);
    node.until_status("seeding", |status| status.state == State::Seeding);
}

#[test]
fn refused_add_is_told_under_its_own_key_and_leaves_the_key_free() {
    let dir = tempdir().unwrap();
    let metainfo = payload(dir.path(), Format::Hybrid);
    let mut node = seeder(dir.path(), &metainfo);
    let torrent = add(Source::Metainfo(metainfo), dir.path());
    assert_eq!(node.session.post_add(KEY, &torrent).unwrap_err().category, "session");
    for _ in 0..2 {
        node.session.post_add(KEY + 1, &torrent).unwrap();
        let refused = node.hear("refused", |kind| kind == EventKind::AddFailed);
        assert_eq!((refused.key, refused.error), (Some(KEY + 1), Some((19, "libtorrent".to_owned()))));
    }
    assert!(node.status().pieces_have > 0, "the first one is untouched");
    // What cannot be read is no add at all.
    let unreadable = add(Source::Metainfo(b"d4:infoi1ee".to_vec()), dir.path());
    for _ in 0..2 {
        assert_ne!(node.session.post_add(KEY + 1, &unreadable).unwrap_err().category, "session");
    }
}

/// The engine takes libtorrent's word of "finished" from then on.
#[test]
fn priorities_hold_when_a_posted_torrent_is_told_unless_it_says_that_files_are_held_back() {
    let dir = tempdir().unwrap();
    let metainfo = payload(dir.path(), Format::V1);
    let mut node = seeder(dir.path(), &metainfo);
    let resume_data = node.resume_data();
    drop(node);
    let count = parse_metainfo(&metainfo, &MetainfoLimits::default()).unwrap().files.len();
    let mut wanted = vec![4; count];
    wanted[0] = 0;
    let source = |resume_data: &[u8]| Source::Resume { resume_data: resume_data.to_vec(), metainfo: None };
    let torrent = AddTorrent { file_priorities: wanted.clone(), ..add(source(&resume_data), dir.path()) };
    let mut node = Node::start();
    assert!(!node.session.post_add(KEY, &torrent).unwrap().held_back);
    node.hear("added", |kind| kind == EventKind::Added);
    assert_eq!(node.session.file_priorities(KEY).unwrap(), wanted);
    let left_out = node.resume_data();
    drop(node);

    let torrent = AddTorrent { file_priorities: vec![4; count], ..add(source(&left_out), dir.path()) };
    let mut node = Node::start();
    assert!(node.session.post_add(KEY, &torrent).unwrap().held_back, "its ends may lie in the part file");
    node.hear("added", |kind| kind == EventKind::Added);
    assert_eq!(node.session.file_priorities(KEY).unwrap(), wanted);
}

#[test]
fn posted_torrent_whose_alert_was_lost_can_be_asked_all_the_same() {
    let dir = tempdir().unwrap();
    let metainfo = payload(dir.path(), Format::V1);
    let mut settings = loopback_settings();
    settings.push(Setting::int("alert_queue_size", 1));
    let (session, mut pump) = Session::start(&settings, None).unwrap();
    let magnet = |key: u64| format!("magnet:?xt=urn:btih:{key:040x}");
    session.post_add(KEY, &add(Source::Metainfo(metainfo), dir.path())).unwrap();
    for key in 100..200 {
        session.post_add(key, &add(Source::Magnet(magnet(key)), dir.path())).unwrap();
    }
    // A round trip: they are all there, and most of their alerts are not.
    session.ping().unwrap();
    let began = Instant::now();
    while !pump.pump().unwrap().dropped {
        assert!(began.elapsed() < PATIENCE, "no alert was lost");
    }
    assert_eq!(session.status(KEY).unwrap().key, KEY);
    for key in 100..200 {
        assert_eq!(session.status(key).unwrap().key, key);
    }
}
