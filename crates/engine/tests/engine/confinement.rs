//! Nothing is written outside the download root, whatever a torrent calls its files and whatever links lie in the way.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::support::{Rig, desired, metainfo, options, seeded, small_pieces};
use revaer_domain::torrent::OneShot;
use revaer_domain::values::SavePath;
use revaer_engine::{Desired, EngineNotice, Materials};
use revaer_test_support::{Seeder, sha256_tree};
use rstest::rstest;
use tempfile::tempdir;

const FILES: [(&str, usize); 2] = [("a/1", 50_000), ("b/2", 60_000)];

fn failure(notice: &EngineNotice) -> Option<String> {
    match notice {
        EngineNotice::Failed { code, .. } => Some(code.clone()),
        _ => None,
    }
}

/// A link to a folder beside the download root, at each place that a path leads through.
#[rstest]
#[case::save_path_of_a_torrent_file("films", false)]
#[case::folder_of_a_torrent_file("films/T", false)]
#[case::folder_within("films/T/b", false)]
#[case::file("films/T/b/2", false)]
#[case::save_path_of_a_magnet("films", true)]
#[case::folder_of_a_magnet("films/T", true)]
#[case::file_of_a_magnet("films/T/b/2", true)]
#[tokio::test(flavor = "multi_thread")]
async fn link_that_leads_out_of_the_root_is_a_failure_until_it_is_gone(
    #[case] link: &str,
    #[case] magnet: bool,
) {
    let [there, here] = [tempdir().unwrap(), tempdir().unwrap()];
    let (content, seeder) = seeded(there.path(), &FILES, &small_pieces());
    let (root, outside) = (here.path().join("root"), here.path().join("outside"));
    std::fs::create_dir_all(root.join(link).parent().unwrap()).unwrap();
    std::fs::create_dir_all(&outside).unwrap();
    symlink(&outside, root.join(link)).unwrap();
    let mut rig = Rig::start(options(&root));
    let source = magnet.then(|| seeder.magnet().to_owned());
    let materials = || if magnet { Materials::default() } else { metainfo(&seeder) };
    let torrent = Desired { magnet: source, save_path: "films".parse().unwrap(), ..desired(1, &[&seeder]) };
    rig.reconcile(&torrent, materials()).await;
    assert_eq!(rig.wait(failure).await, "unsafe_path");
    // The log says that it failed; another look changes nothing.
    let torrent = Desired { failed: true, version: 2, ..torrent };
    rig.reconcile(&torrent, materials()).await;

    make_room(&root.join(link));
    let torrent = Desired { retry: OneShot { requested: 1, done: 0 }, version: 3, ..torrent };
    rig.reconcile(&torrent, materials()).await;
    rig.finished().await;
    assert_eq!(sha256_tree(&root.join("films/T")).unwrap(), sha256_tree(&content).unwrap());
    assert!(sha256_tree(&outside).unwrap().is_empty(), "nothing was written there");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_do_not_move_through_a_link_that_leads_out() {
    let [there, here] = [tempdir().unwrap(), tempdir().unwrap()];
    let (_, seeder) = seeded(there.path(), &FILES, &small_pieces());
    let (root, outside) = (here.path().join("root"), here.path().join("outside"));
    for folder in [&root, &outside] {
        std::fs::create_dir_all(folder).unwrap();
    }
    symlink(&outside, root.join("link")).unwrap();
    let mut rig = Rig::start(options(&root));
    let torrent = desired(1, &[&seeder]);
    rig.reconcile(&torrent, metainfo(&seeder)).await;
    rig.finished().await;
    let to: SavePath = "link/below".parse().unwrap();
    rig.reconcile(&Desired { moving_to: Some(to), version: 2, ..torrent }, Materials::default()).await;
    rig.wait(|notice| matches!(notice, EngineNotice::MoveFailed { .. }).then_some(())).await;
    assert!(root.join("T/a/1").exists());
    assert!(sha256_tree(&outside).unwrap().is_empty());
}

fn text(text: &[u8]) -> Vec<u8> {
    [text.len().to_string().as_bytes(), b":", text].concat()
}

/// SHA-1 of `hello` once, twice and three times.
const PIECES: [[u8; 20]; 3] = [
    *b"\xaa\xf4\xc6\x1d\xdc\xc5\xe8\xa2\xda\xbe\xde\x0f\x3b\x48\x2c\xd9\xae\xa9\x43\x4d",
    *b"\x0b\x15\x62\x15\xb1\x89\x10\x3c\x3d\x26\x8f\x61\x29\x9a\x85\x4c\xd0\xb3\x1e\x70",
    *b"\xdd\xe5\x62\x78\x6e\x7e\xe8\x7c\xb2\x1e\xcd\x02\x73\x09\x4b\x78\xb8\xd5\x9d\x70",
];

/// A v1 torrent `T` whose every file is `hello`, at these paths.
fn hostile(name: &[u8], paths: &[Vec<&[u8]>]) -> Vec<u8> {
    let files: Vec<u8> = paths
        .iter()
        .flat_map(|path| {
            let parts: Vec<u8> = path.iter().flat_map(|part| text(part)).collect();
            [b"d6:lengthi5e4:pathl", &parts[..], b"ee"].concat()
        })
        .collect();
    let pieces = text(&PIECES[paths.len() - 1]);
    [
        b"d4:infod5:filesl",
        &files[..],
        b"e4:name",
        &text(name),
        b"12:piece lengthi16384e6:pieces",
        &pieces,
        b"ee",
    ]
    .concat()
}

/// Puts `hello` where libtorrent reads the files of this torrent from, if it takes the torrent at all.
fn seed(dir: &Path, metainfo: &[u8]) -> Option<Seeder> {
    let parsed = libtorrent_sys::parse_metainfo(metainfo, &libtorrent_sys::MetainfoLimits::default()).ok()?;
    let mut content = PathBuf::new();
    for file in parsed.files.iter().filter(|file| !file.pad) {
        content = dir.join(file.path.split('/').next().expect("it has parts"));
        let path = dir.join(&file.path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, "hello").expect("a file");
    }
    Seeder::of(&content, metainfo.to_vec(), None).ok()
}

#[rstest]
#[case::traversal(hostile(b"T", &[vec![b"..", b"..", b"evil"]]))]
#[case::traversal_in_one_part(hostile(b"T", &[vec![b"../../evil"]]))]
#[case::traversal_of_the_name(hostile(b"../../evil", &[vec![b"1"]]))]
#[case::absolute(hostile(b"/tmp/evil", &[vec![b"/tmp/evil"]]))]
#[case::nul(hostile(b"T", &[vec![b"a\0/../../evil"], vec![b"a"]]))]
#[case::overlong(hostile(b"T", &[vec![&[b'x'; 300]]]))]
#[case::duplicate(hostile(b"T", &[vec![b"same"], vec![b"same"], vec![b"same"]]))]
#[case::differing_in_case_alone(hostile(b"T", &[vec![b"Name"], vec![b"name"]]))]
#[case::file_as_a_folder(hostile(b"T", &[vec![b"a"], vec![b"a", b"b"]]))]
#[tokio::test(flavor = "multi_thread")]
async fn hostile_names_write_nothing_outside(#[case] torrent_file: Vec<u8>) {
    let [there, here] = [tempdir().unwrap(), tempdir().unwrap()];
    let root = here.path().join("deep/in/the/root");
    std::fs::create_dir_all(&root).unwrap();
    let mut rig = Rig::start(options(&root));
    let seeder = seed(there.path(), &torrent_file);
    let peers: Vec<_> = seeder.iter().collect();
    let materials = Materials { metainfo: Some(torrent_file), resume_data: None };
    rig.reconcile(&desired(1, &peers), materials).await;
    // Taken or refused: either is fine, as long as it stays where it belongs.
    rig.wait(|notice| {
        matches!(notice, EngineNotice::Finished { .. } | EngineNotice::Failed { .. }).then_some(())
    })
    .await;
    rig.end().await;
    let written = sha256_tree(here.path()).unwrap();
    assert!(written.keys().all(|path| path.starts_with("deep/in/the/root")), "{written:?}");
}

#[expect(clippy::disallowed_methods, reason = "somebody takes the link away, as an operator would")]
fn make_room(link: &Path) {
    std::fs::remove_file(link).expect("removable");
}
