//! What these tests share: sessions that stay on loopback, and waiting for alerts by their wake-up.
//!
//! Nothing here sleeps: `Node::until` polls the eventfd, with a bound.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::AsFd;
use std::path::Path;
use std::time::{Duration, Instant};

use libtorrent_sys::{
    AddTorrent, CreateOptions, EventKind, Format, Pump, SaveResume, Session, Setting, Source, Status,
    TorrentFlags, create_metainfo,
};
use rustix::event::{PollFd, PollFlags, Timespec};

/// Loopback swarms of a few megabytes need well under a second.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// The one torrent of most sessions.
pub(crate) const KEY: u64 = 7;

/// Everything off that would leave this machine.
pub(crate) fn loopback_settings() -> Vec<Setting> {
    let mut settings = vec![
        Setting::text("listen_interfaces", "127.0.0.1:0"),
        Setting::bool("allow_multiple_connections_per_ip", true),
        Setting::int("mmap_file_size_cutoff", i64::from(i32::MAX)),
        Setting::int("tick_interval", 50),
        Setting::int("stop_tracker_timeout", 1),
        Setting::int("alert_queue_size", 100_000),
        Setting::bool("close_redundant_connections", false),
    ];
    for name in [
        "enable_dht",
        "enable_lsd",
        "enable_upnp",
        "enable_natpmp",
        "enable_outgoing_utp",
        "enable_incoming_utp",
    ] {
        settings.push(Setting::bool(name, false));
    }
    settings
}

/// What an alert said, kept beyond the pump's next turn.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    pub(crate) key: Option<u64>,
    pub(crate) kind: EventKind,
    pub(crate) text: String,
    pub(crate) path: String,
    pub(crate) blob: Vec<u8>,
    pub(crate) error: Option<(i32, String)>,
}

/// A session and what it has said.
pub(crate) struct Node {
    pub(crate) session: Session,
    pub(crate) pump: Pump,
    pub(crate) heard: Vec<Heard>,
    pub(crate) statuses: Vec<Status>,
    pub(crate) stats: Vec<i64>,
    pub(crate) wakeups: usize,
}

impl Node {
    pub(crate) fn start() -> Self {
        Self::with(&loopback_settings(), None)
    }

    pub(crate) fn with(settings: &[Setting], state: Option<&[u8]>) -> Self {
        let (session, pump) = Session::start(settings, state).unwrap();
        Self { session, pump, heard: vec![], statuses: vec![], stats: vec![], wakeups: 0 }
    }

    /// Waits for the wake-up, and takes one batch.
    pub(crate) fn turn(&mut self, timeout: Duration) {
        let timeout = Timespec {
            tv_sec: i64::try_from(timeout.as_secs()).unwrap(),
            tv_nsec: timeout.subsec_nanos().into(),
        };
        let fd = self.pump.as_fd();
        let ready =
            rustix::event::poll(&mut [PollFd::new(&fd.as_fd(), PollFlags::IN)], Some(&timeout)).unwrap();
        if ready == 0 {
            return;
        }
        self.wakeups += 1;
        self.pump.drain_wakeup();
        let batch = self.pump.pump().unwrap();
        assert!(!batch.dropped, "no alert is lost");
        self.statuses.extend_from_slice(batch.statuses);
        if !batch.stats.is_empty() {
            self.stats = batch.stats.to_vec();
        }
        self.heard.extend(batch.events.map(|event| Heard {
            key: event.key,
            kind: event.kind,
            text: event.text.to_owned(),
            path: event.path.to_owned(),
            blob: event.blob.to_vec(),
            error: event.error.map(|(code, category)| (code, category.to_owned())),
        }));
    }

    /// Waits until an answer is there; asked again with each wake-up and whenever torrents may have moved.
    pub(crate) fn until<T>(&mut self, what: &str, mut found: impl FnMut(&mut Self) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(answer) = found(self) {
                return answer;
            }
            assert!(Instant::now() < deadline, "{what} never came; heard {:#?}", self.heard);
            self.session.post_updates().unwrap();
            self.turn(Duration::from_millis(50));
        }
    }

    /// Waits for an alert by the wake-up alone and takes it.
    pub(crate) fn hear(&mut self, what: &str, wanted: impl Fn(EventKind) -> bool) -> Heard {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(place) = self.heard.iter().position(|heard| wanted(heard.kind)) {
                return self.heard.remove(place);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{what} was never heard; heard {:#?}", self.heard);
            self.turn(left);
        }
    }

    pub(crate) fn status(&self) -> Status {
        self.session.status(KEY).unwrap()
    }

    pub(crate) fn until_status(&mut self, what: &str, wanted: impl Fn(&Status) -> bool) -> Status {
        self.until(what, |node| Some(node.status()).filter(&wanted))
    }

    pub(crate) fn port(&mut self) -> u16 {
        self.until("a port", |node| node.session.listen_port().ok().filter(|port| *port != 0))
    }

    pub(crate) fn addr(&mut self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port()))
    }

    /// Waits until what was received is in the files.
    pub(crate) fn flush(&mut self) {
        self.session.flush(KEY).unwrap();
        self.hear("flushed", |kind| kind == EventKind::Flushed);
    }

    /// Saves resume data with its metadata.
    pub(crate) fn resume_data(&mut self) -> Vec<u8> {
        self.session
            .save_resume_data(KEY, SaveResume::SAVE_INFO_DICT | SaveResume::FLUSH_DISK_CACHE)
            .unwrap();
        self.hear("resume data", |kind| matches!(kind, EventKind::ResumeData { .. })).blob
    }
}

/// A folder of three files, one with a name in another script, and its torrent file.
pub(crate) fn payload(root: &Path, format: Format) -> Vec<u8> {
    let folder = root.join("Sammlung 合集");
    fs::create_dir_all(folder.join("字幕")).unwrap();
    fs::write(folder.join("a.bin"), noise(1, 300_000)).unwrap();
    fs::write(folder.join("b.bin"), noise(2, 200_000)).unwrap();
    fs::write(folder.join("字幕/Ünïcode привет.txt"), noise(3, 70_000)).unwrap();
    let options = CreateOptions { format, piece_length: Some(32 * 1024), ..CreateOptions::default() };
    create_metainfo(&folder, &options).unwrap()
}

/// Bytes of which no two blocks are alike.
pub(crate) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        bytes.extend_from_slice(&(state >> 16).to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// A session that has everything.
pub(crate) fn seeder(root: &Path, metainfo: &[u8]) -> Node {
    let mut node = Node::start();
    node.session.add(KEY, &add(Source::Metainfo(metainfo.to_vec()), root)).unwrap();
    node.until_status("seeding", |status| status.is_finished && status.pieces_have > 0);
    node
}

pub(crate) fn add(source: Source, save_path: &Path) -> AddTorrent {
    AddTorrent {
        source,
        save_path: save_path.to_str().unwrap().to_owned(),
        flags: TorrentFlags::NONE,
        mask: TorrentFlags::PAUSED | TorrentFlags::AUTO_MANAGED,
        ..AddTorrent::default()
    }
}

/// Length and hash of every file below a folder, by relative path.
pub(crate) fn tree(root: &Path) -> Vec<(String, usize, u64)> {
    let mut files = vec![];
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries.map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                let path = entry.path().strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                let body = fs::read(entry.path()).unwrap();
                let mut hasher = DefaultHasher::new();
                body.hash(&mut hasher);
                files.push((path, body.len(), hasher.finish()));
            }
        }
    }
    files.sort();
    files
}

/// The same without what libtorrent keeps of skipped files.
pub(crate) fn tree_without_parts(root: &Path) -> Vec<(String, usize, u64)> {
    let is_parts = |path: &str| Path::new(path).extension().is_some_and(|extension| extension == "parts");
    tree(root).into_iter().filter(|(path, ..)| !is_parts(path)).collect()
}
