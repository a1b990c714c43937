//! Torrent files made of folders: they say what is there, however many files there are and however they are called.

use std::fs;

use crate::support::payload;
use libtorrent_sys::{
    CreateOptions, Format, MetainfoLimits, create_metainfo, make_magnet, parse_magnet, parse_metainfo,
};
use rstest::rstest;
use tempfile::tempdir;

#[rstest]
#[case::v1(Format::V1, true, false)]
#[case::v2(Format::V2, false, true)]
#[case::hybrid(Format::Hybrid, true, true)]
fn format_decides_the_hashes(#[case] format: Format, #[case] v1: bool, #[case] v2: bool) {
    let dir = tempdir().unwrap();
    let body = payload(dir.path(), format);
    let read = parse_metainfo(&body, &MetainfoLimits::default()).unwrap();
    assert_eq!((read.info_hash_v1.is_some(), read.info_hash_v2.is_some()), (v1, v2));
    assert_eq!((read.name.as_str(), read.piece_length), ("Sammlung 合集", 32 * 1024));
    let mut paths: Vec<_> =
        read.files.iter().filter(|file| !file.pad).map(|file| file.path.as_str()).collect();
    paths.sort_unstable();
    assert_eq!(
        paths,
        ["Sammlung 合集/a.bin", "Sammlung 合集/b.bin", "Sammlung 合集/字幕/Ünïcode привет.txt"]
    );
    let magnet = parse_magnet(&make_magnet(&body).unwrap()).unwrap();
    assert_eq!((magnet.info_hash_v1, magnet.info_hash_v2), (read.info_hash_v1, read.info_hash_v2));
    assert_eq!(magnet.name.as_deref(), Some("Sammlung 合集"));
}

#[rstest]
#[case::v1(Format::V1)]
#[case::hybrid(Format::Hybrid)]
fn thousands_of_files_in_several_scripts(#[case] format: Format) {
    let dir = tempdir().unwrap();
    let root = dir.path().join("много файлов");
    for index in 0..3000 {
        let folder = root.join(format!("папка {}", index % 30));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{index} 日本語 مرحبا é.txt")), format!("file {index}")).unwrap();
    }
    let options = CreateOptions {
        format,
        trackers: vec!["http://127.0.0.1:1/announce".to_owned()],
        private: true,
        ..CreateOptions::default()
    };
    let read =
        parse_metainfo(&create_metainfo(&root, &options).unwrap(), &MetainfoLimits::default()).unwrap();
    let files: Vec<_> = read.files.iter().filter(|file| !file.pad).collect();
    assert_eq!(files.len(), 3000);
    assert!(files.iter().all(|file| dir.path().join(&file.path).is_file()));
    assert_eq!(read.trackers, options.trackers);
    assert!(read.private);
}

#[test]
fn what_cannot_be_hashed_is_an_error() {
    let dir = tempdir().unwrap();
    let options = CreateOptions::default();
    assert!(create_metainfo(&dir.path().join("missing"), &options).is_err());
    assert!(create_metainfo(dir.path(), &options).is_err(), "an empty folder");
    assert!(create_metainfo(&dir.path().join("a\0b"), &options).is_err());
}
