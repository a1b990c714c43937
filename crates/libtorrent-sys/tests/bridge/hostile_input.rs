//! Magnet URIs, resume data and paths that strangers may send, wrong in every way we know: an error, and never an abort.

use std::path::Path;

use crate::support::{KEY, Node, add, payload, seeder};
use libtorrent_sys::{AddTorrent, Format, Source, TorrentFlags, parse_magnet};
use rstest::rstest;
use tempfile::tempdir;

#[rstest]
#[case::empty("")]
#[case::scheme_alone("magnet:")]
#[case::no_parameters("magnet:?")]
#[case::name_alone("magnet:?dn=name")]
#[case::other_scheme("http://127.0.0.1/?xt=urn:btih:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
#[case::empty_hash("magnet:?xt=urn:btih:")]
#[case::hash_too_short("magnet:?xt=urn:btih:abcd")]
#[case::hash_too_long("magnet:?xt=urn:btih:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
#[case::hash_not_hex("magnet:?xt=urn:btih:zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz")]
#[case::hash_not_base32("magnet:?xt=urn:btih:!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!")]
#[case::v2_without_prefix(
    "magnet:?xt=urn:btmh:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
)]
#[case::v2_too_short("magnet:?xt=urn:btmh:1220aaaa")]
#[case::other_urn("magnet:?xt=urn:sha1:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
#[case::broken_escape("magnet:?xt=urn:btih:%zz%")]
#[case::nul("magnet:?xt=urn:btih:\0")]
fn malformed_magnet_is_an_error(#[case] uri: &str) {
    assert!(parse_magnet(uri).is_err(), "{:?}", parse_magnet(uri));
    let dir = tempdir().unwrap();
    let node = Node::start();
    assert!(node.session.add(KEY, &add(Source::Magnet(uri.to_owned()), dir.path())).is_err());
}

#[test]
fn magnet_with_strange_additions_keeps_what_is_right() {
    let hash = "magnet:?xt=urn:btih:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    let additions = [
        "&dn=%ff%fe",
        "&dn=..%2f..%2fetc",
        "&tr=",
        "&tr=not-a-url",
        "&x.pe=nonsense",
        "&x.pe=127.0.0.1:99999999",
        "&x.pe=[::1]:80",
        "&so=9999999999999",
        "&so=0-2147483647",
        "&so=-1,-",
        "&ws=",
        "&&&&",
        "&=",
        "&dn",
        "#fragment",
    ];
    for addition in additions {
        let uri = format!("{hash}{addition}");
        if let Ok(magnet) = parse_magnet(&uri) {
            assert_eq!(magnet.info_hash_v1, Some([0xaa; 20]), "{uri}");
        }
    }
    let peers = parse_magnet(&format!("{hash}&x.pe=127.0.0.1:80&x.pe=[::1]:81")).unwrap().peers;
    assert_eq!(peers, ["127.0.0.1:80".parse().unwrap(), "[::1]:81".parse().unwrap()]);
    let _ = parse_magnet(&format!("{hash}{}", "&tr=http://127.0.0.1/announce".repeat(10_000)));
}

#[test]
fn malformed_resume_data_is_an_error_or_harmless() {
    let dir = tempdir().unwrap();
    let body = payload(dir.path(), Format::Hybrid);
    let mut node = seeder(dir.path(), &body);
    let whole = node.resume_data();
    drop(node);

    let node = Node::start();
    let torrent = |resume_data: Vec<u8>| AddTorrent {
        flags: TorrentFlags::PAUSED,
        mask: TorrentFlags::PAUSED | TorrentFlags::AUTO_MANAGED,
        ..add(Source::Resume { resume_data, metainfo: None }, dir.path())
    };
    for malformed in
        [&b""[..], b"x", b"de", b"le", b"i1e", b"d11:file-format6:foreigne", &vec![b'l'; 1_000_000]]
    {
        assert!(node.session.add(KEY, &torrent(malformed.to_vec())).is_err());
    }
    for end in (0..whole.len()).step_by(7) {
        assert!(node.session.add(KEY, &torrent(whole[..end].to_vec())).is_err(), "cut at {end}");
    }
    let mut key = KEY;
    for place in (0..whole.len()).step_by(23) {
        let mut changed = whole.clone();
        changed[place] ^= 0x55;
        key += 1;
        if node.session.add(key, &torrent(changed)).is_ok() {
            node.session.status(key).unwrap();
            node.session.remove(key, libtorrent_sys::RemoveFiles::Keep).unwrap();
        }
    }
    node.session.ping().unwrap();
    node.session.add(KEY, &torrent(whole)).unwrap();
}

#[test]
fn path_with_a_nul_is_refused_everywhere() {
    let dir = tempdir().unwrap();
    let body = payload(dir.path(), Format::V1);
    let node = seeder(dir.path(), &body);
    let nul = format!("{}/a\0b", dir.path().display());
    assert_eq!(node.session.move_storage(KEY, &nul).unwrap_err().category, "path");
    assert_eq!(
        node.session.add(KEY + 1, &add(Source::Metainfo(body), Path::new(&nul))).unwrap_err().category,
        "path"
    );
}
