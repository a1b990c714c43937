//! What sessions go through so that every alert that can be had is had.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use libtorrent_sys::{Format, Setting};
use revaer_domain::torrent::OneShot;
use revaer_domain::values::{InfoHashes, RateCap, SavePath, TorrentId};
use revaer_test_support::{Seeder, SeederOptions};
use ulid::Ulid;

use super::bench::Bench;
use crate::{Desired, EngineNotice, Materials, Presence};

/// All of them.
pub(super) const ALL: [fn() -> Bench; 4] = [whole_life, trouble, conflict, narrow];

pub(super) fn desired(number: u128, peers: &[&Seeder]) -> Desired {
    Desired {
        id: TorrentId::new(Ulid::from(number)),
        version: 1,
        presence: Presence::Present,
        magnet: None,
        info_hashes: InfoHashes::default(),
        save_path: SavePath::default(),
        paused: false,
        queues: false,
        sequential: false,
        rate_cap: RateCap::default(),
        selection: revaer_domain::selection::SelectionRule::default(),
        selection_revision: 0,
        files_known: true,
        selection_applied: true,
        complete: false,
        trackers: Vec::new(),
        peers: peers.iter().map(|seeder| seeder.addr()).collect(),
        reannounce: OneShot::default(),
        recheck: OneShot::default(),
        retry: OneShot::default(),
        failed: false,
        moving_to: None,
        phase: None,
        expected_done_bytes: 0,
    }
}

pub(super) fn metainfo(seeder: &Seeder) -> Materials {
    Materials { metainfo: Some(seeder.metainfo().to_vec()), resume_data: None }
}

/// A folder `T` with one file, seeded; another number makes another torrent.
pub(super) fn seeded(dir: &Path, number: u32, format: Format) -> (PathBuf, Seeder) {
    let content = dir.join("T");
    std::fs::create_dir_all(&content).expect("a folder");
    let body: Vec<u8> = (number..100_000).flat_map(u32::to_le_bytes).collect();
    std::fs::write(content.join("1"), body).expect("a file");
    let options = SeederOptions { format, piece_length: Some(16 * 1024), ..SeederOptions::default() };
    let seeder = Seeder::start(&content, &options).expect("a seeder");
    (content, seeder)
}

/// A tracker that answers every announce with a warning and no peers.
fn tracker() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/announce", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let body = "d8:intervali60e5:peers0:15:warning message4:latee";
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    url
}

/// From a magnet to the removal, with a move that works and one that does not.
fn whole_life() -> Bench {
    let there = tempfile::tempdir().expect("a folder");
    let (_, seeder) = seeded(there.path(), 1, Format::V1);
    let mut bench = Bench::start(Vec::new());
    let trackers = vec![tracker()];
    let mut torrent =
        Desired { magnet: Some(seeder.magnet().to_owned()), trackers, ..desired(1, &[&seeder]) };
    bench.reconcile(&torrent, Materials::default());
    bench.until_told("Finished");
    torrent = Desired { complete: true, ..torrent };
    let mut next = |bench: &mut Bench, change: &dyn Fn(&mut Desired)| {
        torrent.version += 1;
        change(&mut torrent);
        bench.reconcile(&torrent, Materials::default());
    };
    next(&mut bench, &|torrent| torrent.reannounce.requested = 1);
    for kind in ["TrackerWarning", "TrackerReply", "ListenSucceeded"] {
        bench.until_seen(kind);
    }
    next(&mut bench, &|torrent| torrent.paused = true);
    bench.until_seen("Paused");
    next(&mut bench, &|torrent| torrent.paused = false);
    bench.until_seen("Resumed");
    next(&mut bench, &|torrent| torrent.recheck.requested = 1);
    bench.until_told("Rechecked");
    bench.until("all is saved", |bench| !bench.torrents.is_saving());
    // What libtorrent counts may make it newer once more; some save finds nothing that is newer.
    while !bench.seen.contains_key("ResumeDataFailed") {
        bench.torrents.save_all();
        bench.until("all is saved", |bench| !bench.torrents.is_saving());
    }

    std::fs::create_dir_all(bench.root.path().join("taken/T/1")).expect("a folder");
    next(&mut bench, &|torrent| torrent.moving_to = "taken".parse().ok());
    bench.until_told("MoveFailed");
    next(&mut bench, &|torrent| torrent.moving_to = None);
    next(&mut bench, &|torrent| torrent.moving_to = "free".parse().ok());
    bench.until_told("Moved");
    // The same again is refused by libtorrent, and never reaches a torrent of ours.
    bench.reconcile(&desired(2, &[]), metainfo(&seeder));
    bench.until_seen("AddFailed");
    next(&mut bench, &|torrent| torrent.presence = Presence::Removing { delete_data: false });
    bench.until_told("Removed");
    bench
}

/// A peer whose file rots, then a place that cannot be written to, then resume data without its files.
fn trouble() -> Bench {
    let there = tempfile::tempdir().expect("a folder");
    let (content, seeder) = seeded(there.path(), 2, Format::V1);
    let mut bench = Bench::start(Vec::new());
    let place = |path: &str| path.parse().expect("a path");
    let gone = |torrent: &Desired| Desired { presence: Presence::Gone, version: 2, ..torrent.clone() };
    // A seeder looks at each piece before it gives it for the first time.
    let torrent = desired(1, &[&seeder]);
    bench.reconcile(&torrent, metainfo(&seeder));
    bench.until_told("Finished");
    bench.reconcile(&gone(&torrent), Materials::default());
    bench.until_told("Removed");
    let mut body = std::fs::read(content.join("1")).expect("readable");
    body[7] ^= 1;
    std::fs::write(content.join("1"), body).expect("writable");
    let trackers = vec!["http://127.0.0.1:1/announce".to_owned()];
    let torrent = Desired { trackers, save_path: place("again"), ..desired(5, &[&seeder]) };
    bench.reconcile(&torrent, metainfo(&seeder));
    bench.until_seen("HashFailed");
    bench.until_seen("TrackerError");

    let elsewhere = tempfile::tempdir().expect("a folder");
    let (_, seeder) = seeded(elsewhere.path(), 3, Format::V1);
    std::fs::create_dir_all(bench.root.path().join("full")).expect("a folder");
    std::fs::write(bench.root.path().join("full/T"), "in the way").expect("writable");
    bench.reconcile(&Desired { save_path: place("full"), ..desired(2, &[&seeder]) }, metainfo(&seeder));
    bench.until_seen("FileError");

    let third = tempfile::tempdir().expect("a folder");
    let (_, seeder) = seeded(third.path(), 4, Format::Hybrid);
    let torrent = Desired { save_path: place("third"), ..desired(3, &[&seeder]) };
    bench.reconcile(&torrent, metainfo(&seeder));
    bench.until_told("Finished");
    let saved = bench.told.iter().find_map(|notice| match notice {
        EngineNotice::ResumeData { id, body, .. } if *id == torrent.id => Some(body.clone()),
        _ => None,
    });
    bench.reconcile(&gone(&torrent), Materials::default());
    bench.until_told("Removed");
    let torrent = Desired { id: TorrentId::new(Ulid::from(4_u128)), save_path: place("fourth"), ..torrent };
    bench.reconcile(&torrent, Materials { resume_data: saved, ..metainfo(&seeder) });
    bench.until_seen("FastresumeRejected");
    bench
}

/// The two halves of a hybrid torrent, each added by its own magnet, find out that they are one.
fn conflict() -> Bench {
    let there = tempfile::tempdir().expect("a folder");
    let (_, seeder) = seeded(there.path(), 5, Format::Hybrid);
    let hash = |name: &str| {
        let whole = seeder.magnet();
        let begin = whole.find(name).expect("a hybrid has both");
        whole[begin..].split('&').next().expect("it ends").to_owned()
    };
    let mut bench = Bench::start(Vec::new());
    for (number, name) in [(1, "urn:btih:"), (2, "urn:btmh:")] {
        let magnet = Some(format!("magnet:?xt={}", hash(name)));
        bench.reconcile(&Desired { magnet, ..desired(number, &[&seeder]) }, Materials::default());
    }
    bench.until_seen("TorrentConflict");
    bench.until("both are told", |bench| {
        let failed = bench
            .told
            .iter()
            .filter(|notice| matches!(notice, EngineNotice::Failed { code, .. } if code == "conflict"));
        failed.count() == 2
    });
    bench
}

/// A port that somebody else has, and a queue that is too short.
fn narrow() -> Bench {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let there = tempfile::tempdir().expect("a folder");
    let (_, seeder) = seeded(there.path(), 6, Format::V1);
    let mut bench = Bench::start(vec![
        Setting::text("listen_interfaces", taken.local_addr().expect("an address").to_string()),
        Setting::int("max_retry_port_bind", 0),
        Setting::bool("listen_system_port_fallback", false),
        Setting::int("alert_queue_size", 4),
    ]);
    bench.until_seen("ListenFailed");
    bench.reconcile(&desired(1, &[&seeder]), metainfo(&seeder));
    bench.until_told("Finished");
    bench.until("alerts are lost", |bench| {
        let ids = (0..64).map(|number| desired(100 + number, &[]));
        for torrent in ids {
            let magnet = Some(format!("magnet:?xt=urn:btih:{:040x}", torrent.id.ulid().0));
            bench.reconcile(&Desired { magnet, ..torrent }, Materials::default());
        }
        bench.turn();
        bench.seen.contains_key("AlertsDropped")
    });
    bench
}
