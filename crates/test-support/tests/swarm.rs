//! A seeder gives what it has, at the rate it was told, as a process too.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use libtorrent_sys::{AddTorrent, Format, MetainfoLimits, Session, Source, parse_metainfo};
use revaer_test_support::{Payload, Seeder, SeederOptions, loopback_settings, sha256_tree};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_mins(1);

/// Downloads a magnet with a session of its own; gives how long it took.
fn download(magnet: &str, into: &Path) -> Duration {
    let begun = Instant::now();
    let (session, _pump) = Session::start(&loopback_settings(), None).expect("a session starts");
    let torrent = AddTorrent {
        source: Source::Magnet(magnet.to_owned()),
        save_path: into.to_str().expect("a path of ours").to_owned(),
        ..AddTorrent::default()
    };
    session.add(1, &torrent).expect("a magnet is taken");
    while !session.status(1).is_ok_and(|status| status.has_metadata && status.is_finished) {
        assert!(begun.elapsed() < PATIENCE, "still {:?}", session.status(1));
        std::thread::sleep(Duration::from_millis(10));
    }
    let took = begun.elapsed();
    session.shutdown().expect("a session ends");
    took
}

#[test]
fn leecher_gets_every_byte_by_magnet_alone() {
    let (source, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let payload = Payload::create(source.path(), 3, 25, 3_000_000).unwrap();
    let seeder = Seeder::start(payload.root(), &SeederOptions::default()).unwrap();
    assert!(seeder.addr().ip().is_loopback());
    download(seeder.magnet(), target.path());
    assert_eq!(sha256_tree(&target.path().join(payload.name())).unwrap(), payload.sha256().unwrap());
}

#[test]
fn every_format_is_seeded_under_its_own_hashes() {
    let source = tempfile::tempdir().unwrap();
    let payload = Payload::create(source.path(), 6, 9, 700_000).unwrap();
    for (format, v1, v2) in
        [(Format::V1, true, false), (Format::V2, false, true), (Format::Hybrid, true, true)]
    {
        let options = SeederOptions { format, ..SeederOptions::default() };
        let seeder = Seeder::start(payload.root(), &options).unwrap();
        let metainfo = parse_metainfo(seeder.metainfo(), &MetainfoLimits::default()).unwrap();
        assert_eq!(
            (metainfo.info_hash_v1.is_some(), metainfo.info_hash_v2.is_some()),
            (v1, v2),
            "{format:?}"
        );
        if format == Format::Hybrid {
            // libtorrent 2.0.8 now and then declares the hashes of a sound hybrid torrent inconsistent while it fetches them
            // by magnet (its issue 6394). That is the leecher's side, and the seeder is what is shown here.
            continue;
        }
        let target = tempfile::tempdir().unwrap();
        download(seeder.magnet(), target.path());
        let fetched = sha256_tree(&target.path().join(payload.name())).unwrap();
        assert_eq!(fetched, payload.sha256().unwrap(), "{format:?}");
    }
}

#[test]
fn capped_seeder_takes_its_time() {
    let (source, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let payload = Payload::create(source.path(), 4, 2, 2_000_000).unwrap();
    let options = SeederOptions { upload_bytes_per_second: Some(500_000), ..SeederOptions::default() };
    let seeder = Seeder::start(payload.root(), &options).unwrap();
    let took = download(seeder.magnet(), target.path());
    // A channel may hold three seconds of burst, so four seconds of payload take at least one.
    assert!(took > Duration::from_millis(900), "{took:?}");
}

#[test]
fn seeder_runs_as_a_process_until_its_input_closes() {
    let (source, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut child = Command::new(env!("CARGO_BIN_EXE_revaer-seeder"))
        .arg(source.path())
        .args(["--files", "12", "--bytes", "1000000", "--seed", "5", "--format", "v2"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&ready["files"], &ready["size_bytes"]), (&12.into(), &1_000_000.into()));
    assert!(ready["magnet"].as_str().unwrap().contains("urn:btmh:"), "{line}");
    download(ready["magnet"].as_str().unwrap(), target.path());
    let root = Path::new(ready["path"].as_str().unwrap());
    assert_eq!(sha256_tree(target.path()).unwrap(), sha256_tree(root.parent().unwrap()).unwrap());

    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    let end: Value = serde_json::from_str(&rest).unwrap();
    assert!(end["uploaded_bytes"].as_u64().unwrap() >= 1_000_000, "everything was given: {rest}");
}
