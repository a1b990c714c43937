//! Torrent files that strangers may send, wrong in every way we know.
//!
//! Each is an error, or it is read and stays inside its folder. None ends the process: a crash here fails the whole binary.

use std::collections::HashSet;
use std::path::{Component, Path};

use crate::support::{KEY, Node, add, payload, tree};
use libtorrent_sys::{Format, Metainfo, MetainfoLimits, Source, make_magnet, parse_metainfo};
use rstest::rstest;
use tempfile::tempdir;

fn text(text: &[u8]) -> Vec<u8> {
    [text.len().to_string().as_bytes(), b":", text].concat()
}

/// A torrent file around this inside of an info dictionary.
fn metainfo(info: &[u8]) -> Vec<u8> {
    [b"d4:infod", info, b"ee"].concat()
}

/// A v1 torrent of one 5-byte file.
fn single(name: &[u8]) -> Vec<u8> {
    metainfo(
        &[b"6:lengthi5e4:name", &text(name)[..], b"12:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaa"]
            .concat(),
    )
}

/// A v1 torrent of 5-byte files at these paths.
fn many(paths: &[&[&[u8]]]) -> Vec<u8> {
    let mut files = vec![];
    for path in paths {
        let parts: Vec<u8> = path.iter().flat_map(|part| text(part)).collect();
        files.extend([b"d6:lengthi5e4:pathl", &parts[..], b"ee"].concat());
    }
    metainfo(
        &[b"5:filesl", &files[..], b"e4:name4:root12:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaa"]
            .concat(),
    )
}

fn parse(body: &[u8]) -> Result<Metainfo, libtorrent_sys::Error> {
    parse_metainfo(body, &MetainfoLimits::default())
}

/// Whether a path names something inside of its folder, and no two files share it.
fn assert_confined(metainfo: &Metainfo) {
    let mut seen = HashSet::new();
    for file in metainfo.files.iter().filter(|file| !file.pad) {
        let path = Path::new(&file.path);
        assert!(path.components().all(|part| matches!(part, Component::Normal(_))), "{:?}", file.path);
        assert!(!file.path.is_empty() && !file.path.contains('\0'), "{:?}", file.path);
        assert!(seen.insert(file.path.to_lowercase()), "{:?} twice", file.path);
    }
}

#[test]
fn well_formed_fixtures_are_read() {
    let file = parse(&single(b"name")).unwrap();
    assert_eq!((file.name.as_str(), file.total_size, file.piece_count), ("name", 5, 1));
    assert!(file.info_hash_v1.is_some() && file.info_hash_v2.is_none());
    assert_eq!(parse(&many(&[&[b"a"], &[b"b", b"c"]])).unwrap().files[1].path, "root/b/c");
}

#[rstest]
#[case::empty(b"")]
#[case::not_bencoded(b"hello")]
#[case::integer(b"i1e")]
#[case::list(b"le")]
#[case::empty_dictionary(b"de")]
#[case::unclosed_dictionary(b"d4:info")]
#[case::only_nul(b"\0\0\0\0")]
#[case::info_integer(b"d4:infoi1ee")]
#[case::info_list(b"d4:infolee")]
#[case::info_text(b"d4:info3:abce")]
#[case::info_empty(b"d4:infodee")]
#[case::text_longer_than_the_file(b"d4:infod4:name99999999:xee")]
#[case::text_of_overflowing_length(b"d4:info99999999999999999999999999:xe")]
#[case::text_of_negative_length(b"d4:info-1:xe")]
#[case::integer_without_end(b"d4:infod6:lengthi5")]
#[case::integer_without_digits(b"d4:infod6:lengthiee")]
#[case::key_that_is_no_text(b"di1ei2ee")]
fn malformed_bencoding_is_an_error(#[case] body: &[u8]) {
    let error = parse(body).unwrap_err();
    assert!(!error.category.is_empty() && !error.message.is_empty(), "{error:?}");
}

#[rstest]
#[case::no_name(b"6:lengthi5e12:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaa")]
#[case::no_length(b"4:name1:a12:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaa")]
#[case::no_pieces(b"6:lengthi5e4:name1:a12:piece lengthi16384e")]
#[case::no_piece_length(b"6:lengthi5e4:name1:a6:pieces20:aaaaaaaaaaaaaaaaaaaa")]
#[case::zero_pieces(b"6:lengthi5e4:name1:a12:piece lengthi16384e6:pieces0:")]
#[case::half_a_hash(b"6:lengthi5e4:name1:a12:piece lengthi16384e6:pieces10:aaaaaaaaaa")]
#[case::one_hash_too_many(
    b"6:lengthi5e4:name1:a12:piece lengthi16384e6:pieces40:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
)]
#[case::pieces_integer(b"6:lengthi5e4:name1:a12:piece lengthi16384e6:piecesi20e")]
#[case::pieces_list(b"6:lengthi5e4:name1:a12:piece lengthi16384e6:piecesle")]
#[case::piece_length_zero(b"6:lengthi5e4:name1:a12:piece lengthi0e6:pieces20:aaaaaaaaaaaaaaaaaaaa")]
#[case::piece_length_negative(b"6:lengthi5e4:name1:a12:piece lengthi-16384e6:pieces20:aaaaaaaaaaaaaaaaaaaa")]
#[case::piece_length_huge(
    b"6:lengthi5e4:name1:a12:piece lengthi9223372036854775807e6:pieces20:aaaaaaaaaaaaaaaaaaaa"
)]
#[case::piece_length_text(b"6:lengthi5e4:name1:a12:piece length5:163846:pieces20:aaaaaaaaaaaaaaaaaaaa")]
#[case::length_negative(b"6:lengthi-5e4:name1:a12:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaa")]
#[case::length_huge(
    b"6:lengthi9223372036854775807e4:name1:a12:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaa"
)]
#[case::length_overflowing(
    b"6:lengthi99999999999999999999e4:name1:a12:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaa"
)]
#[case::length_text(b"6:length1:54:name1:a12:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaa")]
#[case::name_integer(b"6:lengthi5e4:namei1e12:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaa")]
#[case::files_integer(b"5:filesi1e4:name1:a12:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaa")]
#[case::files_empty(b"5:filesle4:name1:a12:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaa")]
#[case::files_of_texts(b"5:filesl1:a1:be4:name1:a12:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaa")]
#[case::file_without_path(
    b"5:filesld6:lengthi5eee4:name1:a12:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaa"
)]
#[case::file_path_text(
    b"5:filesld6:lengthi5e4:path1:aee4:name1:a12:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaa"
)]
#[case::sum_overflowing(b"5:filesld6:lengthi9223372036854775807e4:pathl1:aeed6:lengthi9223372036854775807e4:pathl1:beee4:name1:a12:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaa")]
#[case::v2_without_tree(b"12:meta versioni2e4:name1:a12:piece lengthi16384e")]
#[case::v2_tree_integer(b"9:file treei1e12:meta versioni2e4:name1:a12:piece lengthi16384e")]
#[case::v2_tree_empty(b"9:file treede12:meta versioni2e4:name1:a12:piece lengthi16384e")]
#[case::v2_root_too_short(
    b"9:file treed1:ad0:d6:lengthi5e11:pieces root3:abceee12:meta versioni2e4:name1:a12:piece lengthi16384e"
)]
#[case::v2_root_missing(
    b"9:file treed1:ad0:d6:lengthi5eeee12:meta versioni2e4:name1:a12:piece lengthi16384e"
)]
#[case::v2_piece_length_odd(b"9:file treed1:ad0:d6:lengthi5e11:pieces root32:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaeee12:meta versioni2e4:name1:a12:piece lengthi16385e")]
#[case::version_of_the_future(b"9:file treed1:ad0:d6:lengthi5e11:pieces root32:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaeee12:meta versioni99e4:name1:a12:piece lengthi16384e")]
fn info_dictionary_that_cannot_be_is_an_error(#[case] info: &[u8]) {
    let body = metainfo(info);
    assert!(parse(&body).is_err());
    assert!(make_magnet(&body).is_err());
    let dir = tempdir().unwrap();
    let node = Node::start();
    assert!(node.session.add(KEY, &add(Source::Metainfo(body), dir.path())).is_err());
    node.session.ping().unwrap();
}

#[rstest]
#[case::v1(Format::V1)]
#[case::v2(Format::V2)]
#[case::hybrid(Format::Hybrid)]
fn torrent_file_cut_anywhere_is_an_error(#[case] format: Format) {
    let dir = tempdir().unwrap();
    let body = payload(dir.path(), format);
    assert!(parse(&body).is_ok());
    for end in 0..body.len() {
        assert!(parse(&body[..end]).is_err(), "cut at {end}");
    }
}

#[rstest]
#[case::v1(Format::V1)]
#[case::v2(Format::V2)]
#[case::hybrid(Format::Hybrid)]
fn torrent_file_with_any_byte_changed_is_an_error_or_confined(#[case] format: Format) {
    let dir = tempdir().unwrap();
    let whole = payload(dir.path(), format);
    for place in 0..whole.len() {
        for byte in [0, b'-', b'9', b'e', b'/', whole[place] ^ 0x80] {
            let mut body = whole.clone();
            body[place] = byte;
            if let Ok(metainfo) = parse(&body) {
                assert_confined(&metainfo);
            }
        }
    }
}

/// Byte strings that name what they should not: as the torrent's name, as a folder and as a file.
#[rstest]
#[case::parent(b"..")]
#[case::here(b".")]
#[case::nothing(b"")]
#[case::traversal(b"../../etc/passwd")]
#[case::traversal_of_the_other_system(b"..\\..\\windows")]
#[case::absolute(b"/etc/passwd")]
#[case::only_slashes(b"///")]
#[case::drive(b"C:\\x")]
#[case::nul(b"a\0b")]
#[case::leading_nul(b"\0")]
#[case::line_end(b"a\nb")]
#[case::not_utf8(b"\xff\xfe\x80")]
#[case::overlong_dots(b"\xc0\xae\xc0\xae")]
#[case::right_to_left(b"\xe2\x80\xaegnp.exe")]
#[case::blank_dots(b" .. ")]
#[case::trailing_dots(b"...")]
#[case::reserved(b"CON")]
#[case::tilde(b"~root")]
#[case::escape(b"\x1b[2J")]
#[case::overlong(&[b'a'; 5000])]
#[case::overlong_in_another_script(&[0xe5; 3000])]
fn hostile_names_are_errors_or_confined(#[case] name: &[u8]) {
    let outer = tempdir().unwrap();
    let folder = outer.path().join("downloads");
    std::fs::create_dir(&folder).unwrap();
    let node = Node::start();
    for (key, body) in [
        single(name),
        many(&[&[name], &[b"b"]]),
        many(&[&[name, b"a"], &[b"b"]]),
        many(&[&[b"b", name, name, b"c"]]),
    ]
    .into_iter()
    .enumerate()
    {
        let Ok(metainfo) = parse(&body) else { continue };
        assert_confined(&metainfo);
        let key = KEY + u64::try_from(key).unwrap();
        if node.session.add(key, &add(Source::Metainfo(body), &folder)).is_ok() {
            let files = node.session.files(key).unwrap();
            assert_eq!(files, metainfo.files, "what was judged is what is written");
        }
    }
    node.session.shutdown().unwrap();
    assert!(tree(outer.path()).iter().all(|(path, ..)| path.starts_with("downloads/")));
}

#[test]
fn names_that_differ_in_nothing_or_in_case_alone_get_paths_of_their_own() {
    for paths in [
        &[&[&b"same"[..]][..], &[b"same"], &[b"same"]][..],
        &[&[b"Name"], &[b"name"], &[b"NAME"]],
        &[&[b"a", b"b"], &[b"A", b"B"]],
        &[&[b"a"], &[b"a", b"b"]],
        &[&[b".", b"a"], &[b"a"]],
    ] {
        if let Ok(metainfo) = parse(&many(paths)) {
            assert_confined(&metainfo);
        }
    }
}

#[test]
fn symbolic_link_does_not_lead_out_of_the_torrent() {
    let body = metainfo(
        b"5:filesld4:attr1:l6:lengthi0e4:pathl4:linke12:symlink pathl2:..2:..3:etceed6:lengthi5e4:pathl1:aeee\
          4:name4:root12:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaa",
    );
    let dir = tempdir().unwrap();
    let node = Node::start();
    if node.session.add(KEY, &add(Source::Metainfo(body), dir.path())).is_ok() {
        node.session.recheck(KEY).unwrap();
        node.session.ping().unwrap();
        node.session.shutdown().unwrap();
    }
    if let Ok(target) = std::fs::canonicalize(dir.path().join("root/link")) {
        assert!(target.starts_with(std::fs::canonicalize(dir.path()).unwrap()), "{target:?}");
    }
}

#[test]
fn nesting_is_bounded() {
    for depth in [101, 10_000, 1_000_000] {
        for (open, close) in [("l", "e"), ("d1:a", "e")] {
            let body = format!("d4:info{}{}e", open.repeat(depth), close.repeat(depth));
            assert!(parse(body.as_bytes()).is_err());
            let node = open.repeat(depth);
            assert!(parse(node.as_bytes()).is_err());
        }
        let tree = format!("9:file treed{}{}e", "1:ad".repeat(depth), "e".repeat(depth));
        assert!(
            parse(&metainfo(format!("{tree}12:meta versioni2e4:name1:a12:piece lengthi16384e").as_bytes()))
                .is_err()
        );
    }
}

#[test]
fn limits_bound_bytes_pieces_depth_and_tokens() {
    let dir = tempdir().unwrap();
    let body = payload(dir.path(), Format::V1);
    let limits = MetainfoLimits::default();
    let size = u32::try_from(body.len()).unwrap();
    assert!(parse_metainfo(&body, &MetainfoLimits { bytes_max: size, ..limits }).is_ok());
    for limits in [
        MetainfoLimits { bytes_max: size - 1, ..limits },
        MetainfoLimits { pieces_max: 3, ..limits },
        MetainfoLimits { depth_max: 2, ..limits },
        MetainfoLimits { tokens_max: 10, ..limits },
        MetainfoLimits { bytes_max: 0, pieces_max: 0, depth_max: 0, tokens_max: 0 },
    ] {
        assert!(parse_metainfo(&body, &limits).is_err(), "{limits:?}");
    }
}

/// A hybrid torrent file whose piece layers were changed.
fn with_layers(change: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let dir = tempdir().unwrap();
    let body = payload(dir.path(), Format::V2);
    let key = b"12:piece layersd";
    let place = body.windows(key.len()).position(|part| part == key).unwrap();
    let inside = place + key.len();
    [&body[..inside], &change(&body[inside..body.len() - 2]), b"ee"].concat()
}

#[rstest]
#[case::no_layers(|_: &[u8]| vec![])]
#[case::key_too_short(|_: &[u8]| b"3:abc32:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa".to_vec())]
#[case::layer_integer(|layers: &[u8]| [&layers[..35], b"i1e"].concat())]
#[case::layer_of_half_a_hash(|layers: &[u8]| [&layers[..35], b"16:aaaaaaaaaaaaaaaa"].concat())]
#[case::layer_is_its_own_root(|layers: &[u8]| [&layers[..35], b"32:", &layers[3..35]].concat())]
#[case::layer_is_a_dictionary_of_itself(|layers: &[u8]| [&layers[..35], b"d", &layers[..35], b"0:e"].concat())]
#[case::wrong_hash(|layers: &[u8]| {
    let mut layers = layers.to_vec();
    let last = layers.len() - 1;
    layers[last] ^= 1;
    layers
})]
#[case::last_layer_missing(|layers: &[u8]| {
    // Each layer is a 32-byte key, a length and that many bytes.
    let digits = layers[35..].iter().position(|byte| *byte == b':').unwrap();
    let length: usize = std::str::from_utf8(&layers[35..35 + digits]).unwrap().parse().unwrap();
    layers[..35 + digits + 1 + length].to_vec()
})]
fn piece_layers_that_do_not_fit_are_an_error_or_fetched_from_peers(#[case] change: fn(&[u8]) -> Vec<u8>) {
    let whole = with_layers(<[u8]>::to_vec);
    assert!(parse(&whole).is_ok());
    let body = with_layers(change);
    let dir = tempdir().unwrap();
    let node = Node::start();
    // Layers may be left out of a torrent file; peers have them, and each is checked against its root.
    let read = parse(&body);
    let added = node.session.add(KEY, &add(Source::Metainfo(body), dir.path()));
    // A layer that does not hash to its root is noticed by the add alone.
    assert!(read.is_ok() || added.is_err());
    if added.is_ok() {
        assert_eq!(read.unwrap().info_hash_v2, parse(&whole).unwrap().info_hash_v2);
        let _ = node.session.metainfo(KEY);
    }
    node.session.ping().unwrap();
}
