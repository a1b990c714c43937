//! The libtorrent session.
//!
//! Nothing that makes this machine talk to strangers (DHT, local discovery, port mapping) is on until it is asked for.

use super::SecretRef;
use super::catalogue::Kind;
use super::format::Format;
use super::section::{choice, section};

/// A path of the file system.
const PATH: Kind = Kind::Text { format: Format::Path, bytes_max: 4096 };
const PLAIN: Kind = Kind::Text { format: Format::Plain, bytes_max: 255 };
/// What libtorrent keeps in a signed 32-bit integer.
const COUNT: Kind = Kind::Integer { min: 1, max: 65_535 };

section! {
    /// The libtorrent session.
    EngineSettings at "/engine";
    groups {
        /// The proxy that the session goes through.
        proxy: ProxySettings;
        /// How files are read and written.
        disk_io: DiskIoSettings;
    }
    keys {
        /// Where downloads go: every file of every torrent stays beneath this folder. Null: `downloads` in the data directory.
        download_root: Option<String> = None, PATH, Restart;
        /// Where peers are listened for: `address:port` or `interface:port`, separated by commas; port 0 lets the system choose.
        listen_interfaces: String = "0.0.0.0:6881,[::]:6881".to_owned(),
            Kind::Text { format: Format::Interfaces, bytes_max: 1024 }, Live;
        /// Whether peers are found by the distributed hash table (BEP 5).
        dht: bool = false, Kind::Boolean, Live;
        /// Whether peers are found on the local network (BEP 14).
        lsd: bool = false, Kind::Boolean, Live;
        /// Whether the router is asked by UPnP to let peers in.
        upnp: bool = false, Kind::Boolean, Live;
        /// Whether the router is asked by NAT-PMP or PCP to let peers in.
        nat_pmp: bool = false, Kind::Boolean, Live;
        /// Whether peers are spoken to over uTP too (BEP 29), which makes way for other traffic; otherwise over TCP alone.
        utp: bool = true, Kind::Boolean, Live;
        /// Whether connections to peers are encrypted.
        encryption: Encryption = Encryption::Allowed, Encryption::KIND, Live;
        /// The most connections to peers, of all torrents together.
        connections_max: u32 = 200, Kind::Integer { min: 2, max: 65_535 }, Live;
        /// The most connections to peers of one torrent. Null: as many as there may be together.
        connections_per_torrent_max: Option<u32> = None, Kind::Integer { min: 2, max: 65_535 }, Live;
        /// How many new connections are tried.
        connections_per_second_max: u32 = 30, Kind::Integer { min: 1, max: 1000 }, Live;
        /// How many peers are sent to at once, of all torrents together.
        upload_slots_max: u32 = 8, COUNT, Live;
        /// How many peers of one torrent are sent to at once. Null: as many as there may be together.
        upload_slots_per_torrent_max: Option<u32> = None, COUNT, Live;
        /// How many torrents download at once; the others wait their turn. Null: all of them.
        active_downloads: Option<u32> = None, COUNT, Live;
        /// How many complete torrents seed at once; the others wait their turn. Null: all of them.
        active_seeds: Option<u32> = None, COUNT, Live;
        /// Whether the session hides what would tell it from others: no client name, no listening beside a proxy.
        anonymous_mode: bool = false, Kind::Boolean, Live;
        /// What trackers and peers are told that this client is; private trackers list those that they allow. Null: libtorrent's own.
        user_agent: Option<String> = None, PLAIN, Live;
        /// The first bytes of the peer id, for the same reason. Null: libtorrent's own.
        peer_id_prefix: Option<String> = None, Kind::Text { format: Format::PeerIdPrefix, bytes_max: 12 }, Restart;
        /// A file of address ranges that no connection is made with, in the format of eMule (`ipfilter.dat`) or PeerGuardian (`.p2p`). Null: none.
        ip_filter_file: Option<String> = None, PATH, Live;
        /// Which peers get the upload slots while downloading.
        choking_algorithm: ChokingAlgorithm = ChokingAlgorithm::FixedSlots, ChokingAlgorithm::KIND, Live;
        /// Which peers get the upload slots while seeding.
        seed_choking_algorithm: SeedChokingAlgorithm = SeedChokingAlgorithm::RoundRobin, SeedChokingAlgorithm::KIND, Live;
        /// How often the resume data of a torrent that receives pieces is saved.
        resume_save_interval_seconds: u32 = 30, Kind::Integer { min: 1, max: 3600 }, Live;
        /// After how many received bytes it is saved earlier.
        resume_save_bytes: u64 = 32 << 20, Kind::Integer { min: 1 << 14, max: 1 << 40 }, Live;
        /// Samples of progress a second.
        progress_hertz: u8 = 1, Kind::Integer { min: 1, max: 10 }, Live;
    }
}

section! {
    /// The proxy that the session goes through.
    ProxySettings at "/engine/proxy";
    keys {
        /// What the proxy speaks.
        kind: ProxyKind = ProxyKind::None, ProxyKind::KIND, Live;
        /// Its address or name. Null: there is none.
        host: Option<String> = None, Kind::Text { format: Format::Host, bytes_max: 253 }, Live;
        /// Its port. Null: there is none.
        port: Option<u16> = None, Kind::Integer { min: 1, max: 65_535 }, Live;
        /// Who asks, if the proxy wants to know. Null: nobody.
        username: Option<String> = None, PLAIN, Live;
        /// The password that goes with the name. Null: none.
        password: Option<SecretRef> = None, Kind::Secret { bytes_max: 255 }, Live;
        /// Whether peers are reached through it too, and not trackers alone.
        peers: bool = true, Kind::Boolean, Live;
        /// Whether it looks names up, so that this machine asks nobody.
        hostnames: bool = true, Kind::Boolean, Live;
    }
}

section! {
    /// How files are read and written.
    DiskIoSettings at "/engine/disk_io";
    keys {
        /// By plain reads and writes, or mapped into memory. A mapped file that somebody truncates ends the process.
        mode: DiskMode = DiskMode::Plain, DiskMode::KIND, Restart;
        /// Threads that read and write.
        threads: u32 = 10, Kind::Integer { min: 1, max: 64 }, Live;
        /// Threads that hash.
        hashing_threads: u32 = 1, Kind::Integer { min: 1, max: 64 }, Live;
        /// The most files that are held open.
        open_files_max: u32 = 40, Kind::Integer { min: 1, max: 65_535 }, Live;
    }
}

choice! {
    /// Whether connections to peers are encrypted.
    Encryption {
        /// Never.
        Disabled = "disabled",
        /// If the peer wants it.
        Allowed = "allowed",
        /// Always: peers that cannot are not spoken to.
        Required = "required",
    }
}

choice! {
    /// What a proxy speaks.
    ProxyKind {
        /// There is none.
        None = "none",
        /// SOCKS 4.
        Socks4 = "socks4",
        /// SOCKS 5, with a password if there is a username.
        Socks5 = "socks5",
        /// HTTP, with a password if there is a username.
        Http = "http",
    }
}

choice! {
    /// How files are read and written.
    DiskMode {
        /// By plain reads and writes.
        Plain = "plain",
        /// Mapped into memory.
        Mapped = "mapped",
    }
}

choice! {
    /// Which peers get the upload slots while downloading.
    ChokingAlgorithm {
        /// A fixed number of slots.
        FixedSlots = "fixed_slots",
        /// As many as the upload rate feeds.
        RateBased = "rate_based",
    }
}

choice! {
    /// Which peers get the upload slots while seeding.
    SeedChokingAlgorithm {
        /// Each in turn.
        RoundRobin = "round_robin",
        /// Those that take the fastest.
        FastestUpload = "fastest_upload",
        /// Those that have just begun or are almost done.
        AntiLeech = "anti_leech",
    }
}
