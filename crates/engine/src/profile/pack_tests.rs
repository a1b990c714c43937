//! What each key of the settings comes to, and that libtorrent takes all of it.

use libtorrent_sys::{Session, Setting};
use revaer_domain::settings::{
    ChokingAlgorithm, DiskMode, Encryption, EngineSettings, ProxyKind, SeedChokingAlgorithm,
};
use revaer_domain::values::RateLimit;
use rstest::rstest;

use super::{Password, Profile, changes, fixed, settings};

fn int(name: &'static str, value: i64) -> Setting {
    Setting::int(name, value)
}

fn on(name: &'static str) -> Setting {
    Setting::bool(name, true)
}

fn off(name: &'static str) -> Setting {
    Setting::bool(name, false)
}

fn text(name: &'static str, value: &str) -> Setting {
    Setting::text(name, value)
}

fn limit(bytes_per_second: u32) -> RateLimit {
    bytes_per_second.try_into().expect("a limit")
}

type Of<'a> = &'a mut Profile;

#[rstest]
#[case::listen_interfaces(|p: Of<'_>| p.engine.listen_interfaces = "lo:1".into(), &[text("listen_interfaces", "lo:1")])]
#[case::dht(|p: Of<'_>| p.engine.dht = true, &[on("enable_dht")])]
#[case::lsd(|p: Of<'_>| p.engine.lsd = true, &[on("enable_lsd")])]
#[case::upnp(|p: Of<'_>| p.engine.upnp = true, &[on("enable_upnp")])]
#[case::nat_pmp(|p: Of<'_>| p.engine.nat_pmp = true, &[on("enable_natpmp")])]
#[case::utp(|p: Of<'_>| p.engine.utp = false, &[off("enable_incoming_utp"), off("enable_outgoing_utp")])]
#[case::connections_max(|p: Of<'_>| p.engine.connections_max = 7, &[int("connections_limit", 7)])]
#[case::connections_per_second_max(|p: Of<'_>| p.engine.connections_per_second_max = 7, &[int("connection_speed", 7)])]
#[case::upload_slots_max(|p: Of<'_>| p.engine.upload_slots_max = 3, &[int("unchoke_slots_limit", 3)])]
#[case::active_downloads(|p: Of<'_>| p.engine.active_downloads = Some(2), &[int("active_downloads", 2)])]
#[case::active_seeds(|p: Of<'_>| p.engine.active_seeds = Some(2), &[int("active_seeds", 2)])]
#[case::anonymous_mode(|p: Of<'_>| p.engine.anonymous_mode = true, &[on("anonymous_mode")])]
#[case::user_agent(|p: Of<'_>| p.engine.user_agent = Some("x/1".into()), &[text("user_agent", "x/1")])]
#[case::choking(|p: Of<'_>| p.engine.choking_algorithm = ChokingAlgorithm::RateBased, &[int("choking_algorithm", 2)])]
#[case::fastest_upload(|p: Of<'_>| p.engine.seed_choking_algorithm = SeedChokingAlgorithm::FastestUpload,
    &[int("seed_choking_algorithm", 1)])]
#[case::anti_leech(|p: Of<'_>| p.engine.seed_choking_algorithm = SeedChokingAlgorithm::AntiLeech,
    &[int("seed_choking_algorithm", 2)])]
#[case::download(|p: Of<'_>| p.rate_cap.download_bytes_per_second = Some(limit(9)),
    &[int("download_rate_limit", 9), int("tick_interval", 20)])]
#[case::upload(|p: Of<'_>| p.rate_cap.upload_bytes_per_second = Some(limit(9)),
    &[int("upload_rate_limit", 9), int("tick_interval", 20)])]
#[case::no_encryption(|p: Of<'_>| p.engine.encryption = Encryption::Disabled,
    &[int("in_enc_policy", 2), int("out_enc_policy", 2)])]
#[case::encryption(|p: Of<'_>| p.engine.encryption = Encryption::Required,
    &[int("in_enc_policy", 0), int("out_enc_policy", 0), int("allowed_enc_level", 2), on("prefer_rc4")])]
#[case::socks4(|p: Of<'_>| p.engine.proxy.kind = ProxyKind::Socks4, &[int("proxy_type", 1)])]
#[case::socks5(|p: Of<'_>| p.engine.proxy.kind = ProxyKind::Socks5, &[int("proxy_type", 2)])]
#[case::http(|p: Of<'_>| p.engine.proxy.kind = ProxyKind::Http, &[int("proxy_type", 4)])]
#[case::proxy_host(|p: Of<'_>| p.engine.proxy.host = Some("h".into()), &[text("proxy_hostname", "h")])]
#[case::proxy_port(|p: Of<'_>| p.engine.proxy.port = Some(9), &[int("proxy_port", 9)])]
#[case::proxy_username(|p: Of<'_>| { p.engine.proxy.kind = ProxyKind::Http; p.engine.proxy.username = Some("u".into()); },
    &[int("proxy_type", 5), text("proxy_username", "u")])]
#[case::proxy_password(|p: Of<'_>| p.proxy_password = Some(Password("w".into())), &[text("proxy_password", "w")])]
#[case::proxy_peers(|p: Of<'_>| p.engine.proxy.peers = false, &[off("proxy_peer_connections")])]
#[case::proxy_hostnames(|p: Of<'_>| p.engine.proxy.hostnames = false, &[off("proxy_hostnames")])]
#[case::threads(|p: Of<'_>| p.engine.disk_io.threads = 3, &[int("aio_threads", 3)])]
#[case::hashing_threads(|p: Of<'_>| p.engine.disk_io.hashing_threads = 3, &[int("hashing_threads", 3)])]
#[case::open_files_max(|p: Of<'_>| p.engine.disk_io.open_files_max = 3, &[int("file_pool_size", 3)])]
// A running session keeps these.
#[case::peer_id_prefix(|p: Of<'_>| p.engine.peer_id_prefix = Some("-XX-".into()), &[])]
#[case::disk_mode(|p: Of<'_>| p.engine.disk_io.mode = DiskMode::Mapped, &[])]
// These are no settings of libtorrent's.
#[case::connections_per_torrent_max(|p: Of<'_>| p.engine.connections_per_torrent_max = Some(9), &[])]
#[case::upload_slots_per_torrent_max(|p: Of<'_>| p.engine.upload_slots_per_torrent_max = Some(9), &[])]
#[case::local_peers(|p: Of<'_>| p.limits_apply_to_local_peers = false, &[])]
#[case::download_root(|p: Of<'_>| p.engine.download_root = Some("/x".into()), &[])]
#[case::progress_hertz(|p: Of<'_>| p.engine.progress_hertz = 2, &[])]
#[case::resume_save_bytes(|p: Of<'_>| p.engine.resume_save_bytes = 1 << 20, &[])]
#[case::resume_save_interval(|p: Of<'_>| p.engine.resume_save_interval_seconds = 9, &[])]
fn change_of_a_key_changes_these_and_is_taken_back(#[case] change: fn(Of<'_>), #[case] expected: &[Setting]) {
    let (before, mut after) = (Profile::default(), Profile::default());
    change(&mut after);
    assert_ne!(before, after);
    assert_eq!(changes(&before, &after), expected);
    let names = |settings: &[Setting]| settings.iter().map(|one| one.name().to_owned()).collect::<Vec<_>>();
    assert_eq!(names(&changes(&after, &before)), names(expected));
}

#[test]
fn next_session_begins_with_what_a_running_one_keeps() {
    let mut profile = Profile::default();
    profile.engine.peer_id_prefix = Some("-XX-".into());
    profile.engine.disk_io.mode = DiskMode::Mapped;
    let settings = settings(&profile);
    assert!(settings.contains(&text("peer_fingerprint", "-XX-")));
    assert!(settings.contains(&int("mmap_file_size_cutoff", 40)));
}

#[test]
fn nothing_talks_to_strangers_until_it_is_asked_for() {
    let settings = settings(&Profile::default());
    for name in ["enable_dht", "enable_lsd", "enable_upnp", "enable_natpmp"] {
        assert!(settings.contains(&off(name)), "{name}");
    }
}

/// Everything that the tests may set without leaving loopback, unlike the defaults.
fn unusual() -> Profile {
    let mut profile = Profile {
        engine: EngineSettings {
            listen_interfaces: "127.0.0.1:0".into(),
            utp: false,
            encryption: Encryption::Required,
            connections_max: 11,
            connections_per_second_max: 12,
            upload_slots_max: 9,
            active_downloads: Some(13),
            active_seeds: Some(14),
            anonymous_mode: true,
            user_agent: Some("other/1".into()),
            peer_id_prefix: Some("-XX0001-".into()),
            choking_algorithm: ChokingAlgorithm::RateBased,
            seed_choking_algorithm: SeedChokingAlgorithm::AntiLeech,
            ..EngineSettings::default()
        },
        proxy_password: Some(Password("hunter2".into())),
        ..Profile::default()
    };
    profile.rate_cap.download_bytes_per_second = Some(limit(1 << 20));
    profile.rate_cap.upload_bytes_per_second = Some(limit(1 << 21));
    profile.engine.disk_io.threads = 3;
    profile.engine.disk_io.hashing_threads = 2;
    profile.engine.disk_io.open_files_max = 30;
    profile
}

#[test]
fn libtorrent_takes_every_setting_at_its_start_and_while_it_runs() {
    let read = |session: &Session, setting: &Setting| match setting {
        Setting::Int(name, _) => Setting::int(name.clone(), session.int_setting(name).expect("an integer")),
        Setting::Bool(name, _) => Setting::bool(name.clone(), session.bool_setting(name).expect("a boolean")),
        Setting::Text(name, _) => Setting::text(name.clone(), session.text_setting(name).expect("a text")),
    };
    let mut quiet = Profile::default();
    quiet.engine.listen_interfaces = "127.0.0.1:0".into();
    let mut all = fixed();
    all.extend(settings(&quiet));
    let (session, _pump) = Session::start(&all, None).expect("a session");
    for setting in &all {
        assert_eq!(read(&session, setting), *setting);
    }
    let changed = changes(&quiet, &unusual());
    session.apply_settings(&changed).expect("applied");
    for setting in &changed {
        assert_eq!(read(&session, setting), *setting);
    }
    session.apply_settings(&changes(&unusual(), &quiet)).expect("taken back");
    for setting in &all {
        assert_eq!(read(&session, setting), *setting);
    }
}

#[test]
fn password_is_not_shown() {
    assert!(!format!("{:?}", unusual()).contains("hunter2"));
}
