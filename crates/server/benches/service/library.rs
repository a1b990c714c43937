//! Many torrents that seed: files on disk, what libtorrent knows of them, and a log that tells how they came.
//!
//! The resume data is libtorrent's own, made once. The service has it in its database and the bare session as files, so both
//! load the very same.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use libtorrent_sys::{
    AddTorrent, CreateOptions, EventKind, Format, Pump, SaveResume, Session, Setting, Source, TorrentFlags,
    create_metainfo, parse_metainfo,
};
use revaer_application::{Bodies, ResumeRow, TorrentFile};
use revaer_domain::values::{InfoHash, InfoHashes};
use revaer_event_log::{Append, EventLog, StreamId};
use revaer_event_schema::{Metadata, encode_torrent};
use revaer_test_support::{ServiceOptions, ServiceProcess, loopback_settings};
use tempfile::TempDir;
use time::OffsetDateTime;
use tokio::task::JoinSet;

use crate::facts::{beginning, id};
use crate::log::Log;

const REVAERD: &str = env!("CARGO_BIN_EXE_revaerd");
/// One piece, since what is measured is torrents and not bytes.
const FILE_BYTES: usize = 16 << 10;
/// Making and saving thousands of torrents takes seconds.
const PATIENCE: Duration = Duration::from_mins(2);
/// Resume data of one transaction.
const ROWS_AT_ONCE: usize = 500;
/// Commands under way at once.
const AT_ONCE: usize = 64;

/// Torrents that seed.
pub(crate) struct Library {
    folder: TempDir,
    pub(crate) torrents: usize,
}

#[derive(Clone)]
struct Made {
    number: u64,
    name: String,
    metainfo: Vec<u8>,
    resume_data: Vec<u8>,
}

impl Library {
    /// Makes the files, the resume data and the log.
    pub(crate) async fn make(torrents: usize) -> Self {
        let folder = tempfile::tempdir().expect("a folder is made");
        let library = Self { folder, torrents };
        let (downloads, resume) = (library.downloads(), library.resume_data());
        let made = tokio::task::spawn_blocking(move || make(&downloads, &resume, torrents));
        let made = made.await.expect("torrents are made");
        let log = Log::open(&library.data_dir()).await;
        record(&log.events, &made).await;
        log.close().await;
        library
    }

    /// The service on them.
    pub(crate) async fn service(&self) -> ServiceProcess {
        let arguments = ["--peer-listen", "127.0.0.1:0", "--utp", "false"];
        let options =
            arguments.into_iter().fold(ServiceOptions::new(self.data_dir()), ServiceOptions::argument);
        ServiceProcess::start(REVAERD, options).await
    }

    /// The data directory of the service.
    pub(crate) fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Where the files are.
    pub(crate) fn downloads(&self) -> PathBuf {
        self.data_dir().join("downloads")
    }

    /// Where the bare session finds its resume data.
    pub(crate) fn resume_data(&self) -> PathBuf {
        self.folder.path().join("resume")
    }
}

/// Where a service listens.
pub(crate) fn address(service: &ServiceProcess) -> SocketAddr {
    let address = service.base_url().strip_prefix("http://").expect("it speaks HTTP");
    address.parse().expect("it says its address")
}

fn make(downloads: &Path, resume: &Path, torrents: usize) -> Vec<Made> {
    fs::create_dir_all(downloads).expect("a folder is made");
    fs::create_dir_all(resume).expect("a folder is made");
    let mut settings = loopback_settings();
    // Each torrent says a few things before anybody listens.
    settings.push(Setting::int("alert_queue_size", 1_000_000));
    let (session, mut pump) = Session::start(&settings, None).expect("a session starts");
    let options =
        CreateOptions { format: Format::V1, piece_length: None, trackers: Vec::new(), private: false };
    let flags = TorrentFlags::SEED_MODE;
    let mut made = Vec::with_capacity(torrents);
    for number in 0..torrents as u64 {
        let name = format!("film {number:05}.mkv");
        let mut bytes = vec![0; FILE_BYTES];
        bytes[..8].copy_from_slice(&number.to_le_bytes());
        fs::write(downloads.join(&name), bytes).expect("a file is written");
        let metainfo = create_metainfo(&downloads.join(&name), &options).expect("it is hashed");
        let add = AddTorrent {
            source: Source::Metainfo(metainfo.clone()),
            save_path: downloads.to_string_lossy().into_owned(),
            flags,
            mask: flags | TorrentFlags::PAUSED | TorrentFlags::AUTO_MANAGED,
            ..AddTorrent::default()
        };
        session.add(number + 1, &add).expect("it is added");
        session.save_resume_data(number + 1, SaveResume::SAVE_INFO_DICT).expect("it is asked for");
        made.push(Made { number, name, metainfo, resume_data: Vec::new() });
    }
    take_resume_data(&mut pump, &mut made);
    session.shutdown().expect("a session ends");
    for torrent in &made {
        fs::write(resume.join(format!("{:05}", torrent.number)), &torrent.resume_data)
            .expect("it is written");
    }
    made
}

fn take_resume_data(pump: &mut Pump, made: &mut [Made]) {
    let (began, mut left) = (Instant::now(), made.len());
    while left > 0 {
        assert!(began.elapsed() < PATIENCE, "{left} torrents have no resume data");
        pump.drain_wakeup();
        for event in pump.pump().expect("a session speaks").events {
            if let (EventKind::ResumeData { .. }, Some(key)) = (event.kind, event.key) {
                made[usize::try_from(key - 1).expect("small")].resume_data = event.blob.to_vec();
                left -= 1;
            }
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

async fn record(log: &EventLog, made: &[Made]) {
    let bodies = Bodies::new(log.pool().clone());
    for some in made.chunks(ROWS_AT_ONCE) {
        let row = |torrent: &Made| ResumeRow {
            id: id(torrent.number),
            piece_count: 1,
            body: torrent.resume_data.clone(),
        };
        bodies.put_resume_data(&some.iter().map(row).collect::<Vec<_>>()).await.expect("it is stored");
    }
    let mut recording = JoinSet::new();
    for some in made.chunks(made.len().div_ceil(AT_ONCE)) {
        let (log, bodies, some) = (log.clone(), bodies.clone(), some.to_vec());
        recording.spawn(async move {
            for torrent in some {
                record_one(&log, &bodies, &torrent).await;
            }
        });
    }
    recording.join_all().await;
    sqlx::query("VACUUM ANALYZE").execute(log.pool()).await.expect("the tables are ours");
}

async fn record_one(log: &EventLog, bodies: &Bodies, torrent: &Made) {
    let id = id(torrent.number);
    let parsed = parse_metainfo(&torrent.metainfo, &libtorrent_sys::MetainfoLimits::default())
        .expect("it was just made");
    let v1 = parsed.info_hash_v1.expect("it is of the first version");
    let hash = InfoHash::V1(v1);
    let hashes = InfoHashes { v1: Some(v1), v2: None };
    bodies.put_metainfo(&hash, &torrent.metainfo).await.expect("it is stored");
    let file = TorrentFile { path: torrent.name.clone(), size_bytes: FILE_BYTES as u64 };
    bodies.put_files(id, &[file]).await.expect("they are stored");
    let metadata = Metadata::of_system("operator", "bench");
    let events = beginning(OffsetDateTime::UNIX_EPOCH, &torrent.name, hashes, FILE_BYTES as u64);
    let append = Append {
        stream: StreamId::new(&id.stream()).expect("a torrent's stream"),
        expected: 0,
        facts: events.iter().map(|event| encode_torrent(event, &metadata)).collect(),
        command: None,
        claims: vec![hash.to_string()],
        releases: Vec::new(),
    };
    log.append(append).await.expect("it appends");
}
