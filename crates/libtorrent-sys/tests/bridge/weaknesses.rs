//! What libtorrent 2.0.8 gets wrong with input that is hostile, or only unusual: the bridge has to be in front of it.
//!
//! Each of these was a crash, a file outside the download folder, or a torrent that never ends.

use std::fs;

use crate::support::{KEY, Node, add, noise, payload, seeder, tree, tree_without_parts};
use libtorrent_sys::{
    AddTorrent, CreateOptions, EventKind, Format, MetainfoLimits, Source, TorrentFlags, create_metainfo,
    make_magnet, parse_magnet, parse_metainfo,
};
use rstest::rstest;
use tempfile::tempdir;

/// Puts another entry into a dictionary of resume data.
fn with_entry(resume_data: &[u8], entry: &[u8]) -> Vec<u8> {
    [&resume_data[..resume_data.len() - 1], entry, b"e"].concat()
}

fn place_of(body: &[u8], part: &[u8]) -> usize {
    body.windows(part.len()).position(|window| window == part).expect("resume data has this part")
}

/// Bits for more blocks than a file has were written behind the end of an array: the process died.
#[test]
fn verified_blocks_beyond_the_end_of_a_file_are_cut_off() {
    let dir = tempdir().unwrap();
    let file = dir.path().join("two blocks");
    fs::write(&file, noise(9, 32 * 1024)).unwrap();
    let options =
        CreateOptions { format: Format::V2, piece_length: Some(32 * 1024), ..CreateOptions::default() };
    let metainfo = create_metainfo(&file, &options).unwrap();
    let whole = seeder(dir.path(), &metainfo).resume_data();

    // A tree with all its nodes, so that it is right, and then too many bits.
    let root = place_of(&whole, b"11:pieces root32:") + b"11:pieces root32:".len();
    let tree = place_of(&whole, b"d6:hashes64:");
    let leaves = tree + b"d6:hashes64:".len();
    let end = leaves + place_of(&whole[leaves..], b"8:verified2:11e") + b"8:verified2:11e".len();
    let bits = vec![b'1'; 5_000_000];
    let hostile = [
        &whole[..tree],
        b"d6:hashes96:",
        &whole[root..root + 32],
        &whole[leaves..leaves + 64],
        format!("8:verified{}:", bits.len()).as_bytes(),
        &bits,
        b"e",
        &whole[end..],
    ]
    .concat();
    let mut node = Node::start();
    let source = Source::Resume { resume_data: hostile, metainfo: None };
    node.session.add(KEY, &add(source, dir.path())).unwrap();
    node.until_status("complete", |status| status.is_finished);
    node.session.ping().unwrap();
}

/// A file's other name was believed, wherever it led.
#[test]
fn other_names_in_resume_data_lead_nowhere() {
    let (from, to, outside) = (tempdir().unwrap(), tempdir().unwrap(), tempdir().unwrap());
    let metainfo = payload(from.path(), Format::V1);
    let mut seed = seeder(from.path(), &metainfo);
    let mut node = Node::start();
    let paused = AddTorrent { flags: TorrentFlags::PAUSED, ..add(Source::Metainfo(metainfo), to.path()) };
    node.session.add(KEY, &paused).unwrap();
    let resume_data = node.resume_data();
    drop(node);

    let absolute = outside.path().join("absolute").to_str().unwrap().to_owned();
    let climbing = format!("../../../../../../../../..{}", outside.path().join("climbing").to_str().unwrap());
    let names = [absolute, climbing].map(|name| format!("{}:{name}", name.len())).concat();
    let hostile = with_entry(&resume_data, format!("12:mapped_filesl{names}e").as_bytes());
    let mut leech = Node::start();
    let source = Source::Resume { resume_data: hostile, metainfo: None };
    let torrent = AddTorrent { peers: vec![seed.addr()], ..add(source, to.path()) };
    leech.session.add(KEY, &torrent).unwrap();
    leech.hear("finished", |kind| kind == EventKind::Finished);
    leech.flush();
    assert!(tree(outside.path()).is_empty());
    assert_eq!(tree(to.path()), tree(from.path()));
}

/// The last piece counted more blocks than it has and never became complete.
#[test]
fn unfinished_pieces_of_resume_data_end_where_the_torrent_ends() {
    let (from, to) = (tempdir().unwrap(), tempdir().unwrap());
    let metainfo = payload(from.path(), Format::V1);
    let mut seed = seeder(from.path(), &metainfo);
    let mut node = Node::start();
    let paused = AddTorrent { flags: TorrentFlags::PAUSED, ..add(Source::Metainfo(metainfo), to.path()) };
    node.session.add(KEY, &paused).unwrap();
    let resume_data = node.resume_data();
    drop(node);

    let bits = "9".repeat(4_000);
    let entries: String = [17, 18, 1_000_000, 2_147_483_647]
        .map(|piece| format!("d7:bitmask{}:{bits}5:piecei{piece}ee", bits.len()))
        .concat();
    let hostile = with_entry(&resume_data, format!("10:unfinishedl{entries}e").as_bytes());
    let mut leech = Node::start();
    let source = Source::Resume { resume_data: hostile, metainfo: None };
    let torrent = AddTorrent { peers: vec![seed.addr()], ..add(source, to.path()) };
    leech.session.add(KEY, &torrent).unwrap();
    leech.hear("finished", |kind| kind == EventKind::Finished);
    leech.flush();
    assert_eq!(tree(to.path()), tree(from.path()));
}

/// Pieces kept the priorities of the resume data, and files that are wanted now were never fetched.
#[rstest]
#[case::v1(Format::V1)]
#[case::v2(Format::V2)]
#[case::hybrid(Format::Hybrid)]
fn priorities_of_the_add_win_over_those_of_resume_data(#[case] format: Format) {
    let (from, to) = (tempdir().unwrap(), tempdir().unwrap());
    let metainfo = payload(from.path(), format);
    let mut seed = seeder(from.path(), &metainfo);
    let files = parse_metainfo(&metainfo, &MetainfoLimits::default()).unwrap().files;
    let mut leech = Node::start();
    let without_b = files.iter().map(|file| 4 * u8::from(!file.path.ends_with("b.bin"))).collect();
    let torrent = AddTorrent {
        peers: vec![seed.addr()],
        file_priorities: without_b,
        ..add(Source::Metainfo(metainfo), to.path())
    };
    leech.session.add(KEY, &torrent).unwrap();
    leech.hear("finished", |kind| kind == EventKind::Finished);
    leech.flush();
    let resume_data = leech.resume_data();
    drop(leech);
    assert!(!to.path().join("Sammlung 合集/b.bin").exists());

    let mut leech = Node::start();
    let torrent = AddTorrent {
        peers: vec![seed.addr()],
        file_priorities: vec![4; files.len()],
        ..add(Source::Resume { resume_data, metainfo: None }, to.path())
    };
    leech.session.add(KEY, &torrent).unwrap();
    leech.until_status("everything", |status| {
        status.is_finished
            && status.total_wanted_done == status.total_wanted
            && status.total_wanted >= 570_000
    });
    leech.flush();
    // Its ends came with the pieces of its neighbours and lay in the part file.
    let whole = tree_without_parts(to.path());
    assert_eq!(whole, tree(from.path()));
}

/// A v2 magnet has its metadata long before the hashes of its pieces, if it wants none of them at all.
#[rstest]
#[case::v1(Format::V1)]
#[case::v2(Format::V2)]
#[case::hybrid(Format::Hybrid)]
fn torrent_file_of_a_magnet_is_there_with_its_metadata(#[case] format: Format) {
    let (from, to, again) = (tempdir().unwrap(), tempdir().unwrap(), tempdir().unwrap());
    let metainfo = payload(from.path(), format);
    let mut seed = seeder(from.path(), &metainfo);
    let tracker = "http://127.0.0.1:1/announce";
    let magnet = format!("{}&tr={tracker}", make_magnet(&metainfo).unwrap());
    let wants_nothing = TorrentFlags::DEFAULT_DONT_DOWNLOAD;
    let mut leech = Node::start();
    let torrent = AddTorrent {
        peers: vec![seed.addr()],
        flags: wants_nothing,
        mask: wants_nothing | TorrentFlags::PAUSED | TorrentFlags::AUTO_MANAGED,
        ..add(Source::Magnet(magnet), to.path())
    };
    leech.session.add(KEY, &torrent).unwrap();
    leech.hear("metadata", |kind| kind == EventKind::MetadataReceived);
    let ours = leech.session.metainfo(KEY).unwrap();
    let limits = MetainfoLimits::default();
    let (ours_read, theirs_read) =
        (parse_metainfo(&ours, &limits).unwrap(), parse_metainfo(&metainfo, &limits).unwrap());
    assert_eq!(ours_read.files, theirs_read.files);
    assert_eq!(ours_read.info_hash_v1, theirs_read.info_hash_v1);
    assert_eq!(ours_read.info_hash_v2, theirs_read.info_hash_v2);
    assert_eq!(ours_read.trackers, [tracker]);

    // It is good enough to start from.
    let mut third = Node::start();
    let torrent = AddTorrent { peers: vec![seed.addr()], ..add(Source::Metainfo(ours), again.path()) };
    third.session.add(KEY, &torrent).unwrap();
    third.hear("finished", |kind| kind == EventKind::Finished);
    third.flush();
    assert_eq!(tree(again.path()), tree(from.path()));
    // By now it has the layers, and they are those that the maker gave.
    let parsed = third.session.metainfo(KEY).unwrap();
    assert_eq!(layers(&parsed), layers(&metainfo));
}

/// The piece layers of a torrent file, if it has any.
fn layers(metainfo: &[u8]) -> Option<&[u8]> {
    let key = b"12:piece layers";
    let place = metainfo.windows(key.len()).position(|window| window == key)?;
    // The last key of the dictionary that libtorrent and the bridge write, but for web seeds.
    Some(&metainfo[place..])
}

/// Half a hash was filled up with zeros, and somebody else's torrent was looked for.
#[rstest]
#[case::last_digit("xt=urn:btih:abababababababababababababababababababzz")]
#[case::numbered("xt.1=urn:btih:abababababababababababababababababababzz")]
#[case::upper_case("XT=urn:btih:abababababababababababababababababababzz")]
#[case::escaped("xt=urn%3Abtih%3Aabababababababababababababababababababzz")]
#[case::v2("xt=urn:btmh:1220ababababababababababababababababababababababababababababababzz")]
#[case::second(
    "xt=urn:btih:abababababababababababababababababababab&xt=urn:btih:abababababababababababababababababababzz"
)]
#[case::zeros("xt=urn:btih:0000000000000000000000000000000000000000")]
fn magnet_with_half_a_hash_is_an_error(#[case] query: &str) {
    let uri = format!("magnet:?{query}&dn=name");
    assert!(parse_magnet(&uri).is_err());
    let dir = tempdir().unwrap();
    assert!(Node::start().session.add(KEY, &add(Source::Magnet(uri), dir.path())).is_err());
}

#[rstest]
#[case::hexadecimal("xt=urn:btih:abababababababababababababababababababab")]
#[case::upper_case("xt=urn:btih:ABABABABABABABABABABABABABABABABABABABAB")]
#[case::base32("xt=urn:btih:VOV2XK5LVOV2XK5LVOV2XK5LVOV2XK5L")]
#[case::escaped("xt=urn%3Abtih%3Aabababababababababababababababababababab")]
#[case::numbered("xt.1=urn:btih:abababababababababababababababababababab")]
#[case::other_topic_too("xt=urn:ed2k:zzzz&xt=urn:btih:abababababababababababababababababababab")]
fn magnet_with_a_whole_hash_is_read(#[case] query: &str) {
    assert_eq!(parse_magnet(&format!("magnet:?{query}")).unwrap().info_hash_v1, Some([0xab; 20]));
}

#[test]
fn magnet_beyond_any_list_of_trackers_is_an_error() {
    let hash = "magnet:?xt=urn:btih:abababababababababababababababababababab";
    let trackers = |count| format!("{hash}{}", "&tr=http%3A%2F%2F127.0.0.1%2Fannounce".repeat(count));
    assert_eq!(parse_magnet(&trackers(1_000)).unwrap().info_hash_v1, Some([0xab; 20]));
    assert!(parse_magnet(&trackers(10_000)).is_err());
}
