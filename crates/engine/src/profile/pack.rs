//! A profile as settings of libtorrent: a pure function, and what changes between two of its values.
//!
//! Every name is always there, so that a setting that is taken back is set back.

use libtorrent_sys::{Setting, default_text};
use revaer_domain::settings::{
    ChokingAlgorithm, DiskMode, Encryption, EngineSettings, ProxyKind, ProxySettings, SeedChokingAlgorithm,
};
use revaer_domain::values::{RateCap, RateLimit};

use super::{Password, Profile};

/// What a running session does not take any more: the peer id is drawn when a torrent is added, and files are opened in one
/// way while they are open.
const NEXT_SESSION: [&str; 2] = ["peer_fingerprint", "mmap_file_size_cutoff"];
/// libtorrent's own value for files of which it is told nothing: larger ones are mapped.
const MAPPED_FROM_MIB: i64 = 40;
/// No limit, to libtorrent.
const UNLIMITED: i64 = -1;

/// What the measurements settled: nobody decides these.
pub(crate) fn fixed() -> Vec<Setting> {
    vec![
        // Thousands of torrents that start or save at once must not lose alerts.
        Setting::int("alert_queue_size", 200_000),
        // With the default a changed cap overshoots for seconds.
        Setting::int("request_queue_time", 1),
        Setting::bool("allow_multiple_connections_per_ip", true),
        // A magnet wants nothing until its rule is applied: its seeds must not leave meanwhile.
        Setting::bool("close_redundant_connections", false),
        Setting::int("stop_tracker_timeout", 2),
        // A port that is taken is to be told; libtorrent would listen on another one and say nothing.
        Setting::bool("listen_system_port_fallback", false),
        Setting::int("max_retry_port_bind", 0),
        // One that is slow takes its turn like any other, else the limits of the queue are none.
        Setting::bool("dont_count_slow_torrents", false),
        // The queue has two limits; a third one for both together would make them untrue.
        Setting::int("active_limit", i64::from(i32::MAX)),
    ]
}

/// The settings of a session.
pub(crate) fn settings(profile: &Profile) -> Vec<Setting> {
    let engine = &profile.engine;
    let rate = |limit: Option<RateLimit>| limit.map_or(0, |limit| i64::from(limit.bytes_per_second()));
    let mut settings = vec![
        Setting::text("listen_interfaces", engine.listen_interfaces.as_str()),
        Setting::bool("enable_dht", engine.dht),
        Setting::bool("enable_lsd", engine.lsd),
        Setting::bool("enable_upnp", engine.upnp),
        Setting::bool("enable_natpmp", engine.nat_pmp),
        Setting::bool("enable_incoming_utp", engine.utp),
        Setting::bool("enable_outgoing_utp", engine.utp),
        Setting::int("connections_limit", engine.connections_max.into()),
        Setting::int("connection_speed", engine.connections_per_second_max.into()),
        Setting::int("unchoke_slots_limit", engine.upload_slots_max.into()),
        Setting::int("active_downloads", count(engine.active_downloads)),
        Setting::int("active_seeds", count(engine.active_seeds)),
        Setting::bool("anonymous_mode", engine.anonymous_mode),
        text_or_own("user_agent", engine.user_agent.as_deref()),
        text_or_own("peer_fingerprint", engine.peer_id_prefix.as_deref()),
        Setting::int("choking_algorithm", choking(engine.choking_algorithm)),
        Setting::int("seed_choking_algorithm", seed_choking(engine.seed_choking_algorithm)),
        Setting::int("download_rate_limit", rate(profile.rate_cap.download_bytes_per_second)),
        Setting::int("upload_rate_limit", rate(profile.rate_cap.upload_bytes_per_second)),
        tick(profile.rate_cap != RateCap::default()),
    ];
    settings.extend(encryption(engine.encryption));
    settings.extend(proxy(&engine.proxy, profile.proxy_password.as_ref()));
    settings.extend(disk_io(engine));
    settings
}

/// How often libtorrent hands quota out. A peer may wait twenty ticks for what it asked for and then get all of it: at 100 ms a
/// window of five seconds reads 0.77 to 1.13 of a cap, at 20 ms 0.93 to 1.02 (10 ms: 0.93 to 0.98). An idle session takes
/// 0.14 % of a core at 100 ms, 0.29 % at 20 and 0.34 % at 10: so it ticks finely only where there is a cap to hold.
pub(crate) fn tick(finely: bool) -> Setting {
    Setting::int(TICK, if finely { 20 } else { 100 })
}

/// libtorrent's name of [`tick`].
pub(crate) const TICK: &str = "tick_interval";

/// What has to be set to come from one to the other while the session runs.
pub(crate) fn changes(from: &Profile, to: &Profile) -> Vec<Setting> {
    let old = settings(from);
    let is_new = |setting: &Setting| !old.contains(setting) && !NEXT_SESSION.contains(&setting.name());
    settings(to).into_iter().filter(is_new).collect()
}

fn count(limit: Option<u32>) -> i64 {
    limit.map_or(UNLIMITED, i64::from)
}

fn text_or_own(name: &'static str, text: Option<&str>) -> Setting {
    let own = || default_text(name).expect("libtorrent has a text of this name");
    Setting::text(name, text.map_or_else(own, ToOwned::to_owned))
}

/// By libtorrent's numbers: a policy is 0 forced, 1 enabled, 2 disabled; a level is 1 the handshake alone, 2 everything.
fn encryption(encryption: Encryption) -> [Setting; 4] {
    let (policy, level, whole) = match encryption {
        Encryption::Disabled => (2, 3, false),
        Encryption::Allowed => (1, 3, false),
        Encryption::Required => (0, 2, true),
    };
    [
        Setting::int("in_enc_policy", policy),
        Setting::int("out_enc_policy", policy),
        Setting::int("allowed_enc_level", level),
        Setting::bool("prefer_rc4", whole),
    ]
}

fn proxy(proxy: &ProxySettings, password: Option<&Password>) -> [Setting; 8] {
    let named = proxy.username.is_some();
    let kind = match proxy.kind {
        ProxyKind::None => 0,
        ProxyKind::Socks4 => 1,
        ProxyKind::Socks5 => 2 + i64::from(named),
        ProxyKind::Http => 4 + i64::from(named),
    };
    let text = |text: Option<&String>| text.cloned().unwrap_or_default();
    [
        Setting::int("proxy_type", kind),
        Setting::text("proxy_hostname", text(proxy.host.as_ref())),
        Setting::int("proxy_port", proxy.port.unwrap_or_default().into()),
        Setting::text("proxy_username", text(proxy.username.as_ref())),
        Setting::text("proxy_password", text(password.map(|Password(password)| password))),
        Setting::bool("proxy_peer_connections", proxy.peers),
        Setting::bool("proxy_tracker_connections", true),
        Setting::bool("proxy_hostnames", proxy.hostnames),
    ]
}

fn disk_io(engine: &EngineSettings) -> [Setting; 4] {
    let disk_io = &engine.disk_io;
    let mapped_from = match disk_io.mode {
        // A file that someone truncates while it is mapped kills the process; plain reads give an error.
        DiskMode::Plain => i64::from(i32::MAX),
        DiskMode::Mapped => MAPPED_FROM_MIB,
    };
    [
        Setting::int("mmap_file_size_cutoff", mapped_from),
        Setting::int("aio_threads", disk_io.threads.into()),
        Setting::int("hashing_threads", disk_io.hashing_threads.into()),
        Setting::int("file_pool_size", disk_io.open_files_max.into()),
    ]
}

const fn choking(algorithm: ChokingAlgorithm) -> i64 {
    match algorithm {
        ChokingAlgorithm::FixedSlots => 0,
        ChokingAlgorithm::RateBased => 2,
    }
}

const fn seed_choking(algorithm: SeedChokingAlgorithm) -> i64 {
    match algorithm {
        SeedChokingAlgorithm::RoundRobin => 0,
        SeedChokingAlgorithm::FastestUpload => 1,
        SeedChokingAlgorithm::AntiLeech => 2,
    }
}
