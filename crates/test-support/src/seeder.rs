//! The other side of a swarm: a real libtorrent session that has everything and stays on loopback.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};

use libtorrent_sys::{
    AddTorrent, CreateOptions, Format, Pump, Session, Setting, Source, State, TorrentFlags,
};

/// The one torrent of the session.
const KEY: u64 = 1;
/// Listening and reading a torrent file take milliseconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a seeder does differently from the default.
#[derive(Debug, Clone)]
pub struct SeederOptions {
    /// Which kind of torrent is made.
    pub format: Format,
    /// How large its pieces are; libtorrent chooses if this is not given.
    pub piece_length: Option<u32>,
    /// The trackers that the torrent names.
    pub trackers: Vec<String>,
    /// How fast it gives.
    pub upload_bytes_per_second: Option<u32>,
}

impl Default for SeederOptions {
    fn default() -> SeederOptions {
        SeederOptions {
            format: Format::V1,
            piece_length: None,
            trackers: Vec::new(),
            upload_bytes_per_second: None,
        }
    }
}

/// A session that seeds one file or folder until it is dropped.
pub struct Seeder {
    session: Session,
    // Alerts that nobody takes are dropped by libtorrent at a bound; the pump has to live as long as the session.
    _pump: Pump,
    metainfo: Vec<u8>,
    magnet: String,
    addr: SocketAddr,
}

impl Seeder {
    /// Hashes `content` and seeds it. Blocks for as long as hashing takes.
    pub fn start(content: &Path, options: &SeederOptions) -> Result<Seeder, libtorrent_sys::Error> {
        let create = CreateOptions {
            format: options.format,
            piece_length: options.piece_length,
            trackers: options.trackers.clone(),
            private: false,
        };
        Seeder::of(
            content,
            libtorrent_sys::create_metainfo(content, &create)?,
            options.upload_bytes_per_second,
        )
    }

    /// Seeds `content` by a torrent file that exists already, without looking at it.
    pub fn of(
        content: &Path,
        metainfo: Vec<u8>,
        upload_bytes_per_second: Option<u32>,
    ) -> Result<Seeder, libtorrent_sys::Error> {
        let (session, pump) = Session::start(&loopback_settings(), None)?;
        let parent = content.parent().unwrap_or(Path::new("/"));
        let flags = TorrentFlags::SEED_MODE;
        session.add(
            KEY,
            &AddTorrent {
                source: Source::Metainfo(metainfo.clone()),
                save_path: parent.to_string_lossy().into_owned(),
                flags,
                mask: flags | TorrentFlags::PAUSED | TorrentFlags::AUTO_MANAGED,
                upload_bytes_per_second,
                ..AddTorrent::default()
            },
        )?;
        let port = wait_for(|| session.listen_port().ok().filter(|&port| port != 0)).expect("it listens");
        wait_for(|| session.status(KEY).ok().filter(|status| status.state == State::Seeding))
            .expect("it seeds");
        let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let magnet = format!("{}&x.pe={addr}", libtorrent_sys::make_magnet(&metainfo)?);
        Ok(Seeder { session, _pump: pump, metainfo, magnet, addr })
    }

    /// The magnet URI, which names the seeder as a peer: no tracker and no DHT is needed to find it.
    pub fn magnet(&self) -> &str {
        &self.magnet
    }

    /// The torrent file.
    pub fn metainfo(&self) -> &[u8] {
        &self.metainfo
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Gives at another rate from now on; `None` is as fast as it can.
    pub fn set_upload_rate(&self, bytes_per_second: Option<u32>) -> Result<(), libtorrent_sys::Error> {
        self.session.set_limits(KEY, None, bytes_per_second)
    }

    /// How many bytes of payload it has given in all.
    pub fn uploaded_bytes(&self) -> Result<u64, libtorrent_sys::Error> {
        Ok(self.session.status(KEY)?.all_time_upload)
    }
}

impl Drop for Seeder {
    fn drop(&mut self) {
        // A session that cannot end has nobody left to tell.
        let _ = self.session.shutdown();
    }
}

/// Settings of a session that never leaves this machine and settles quickly.
pub fn loopback_settings() -> Vec<Setting> {
    let mut settings = vec![
        Setting::text("listen_interfaces", "127.0.0.1:0"),
        Setting::text("outgoing_interfaces", "127.0.0.1"),
        Setting::bool("allow_multiple_connections_per_ip", true),
        Setting::int("tick_interval", 100),
        Setting::int("request_queue_time", 1),
        // Every peer of a test is this machine, so none is ever worth waiting for.
        Setting::int("min_reconnect_time", 1),
        Setting::int("stop_tracker_timeout", 1),
    ];
    // Rates over uTP on loopback say little about caps.
    for name in [
        "enable_dht",
        "enable_lsd",
        "enable_upnp",
        "enable_natpmp",
        "enable_incoming_utp",
        "enable_outgoing_utp",
    ] {
        settings.push(Setting::bool(name, false));
    }
    settings
}

/// Asks again and again, since neither answer is announced before the pump runs.
fn wait_for<T>(mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match ask() {
            Some(answer) => return Some(answer),
            None if Instant::now() >= deadline => return None,
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}
