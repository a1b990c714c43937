//! What the benchmarks' sessions of libtorrent alone are started with.

use libtorrent_sys::Setting;

/// The settings of Revaer's engine, by value: this crate may not use the engine.
///
/// The ones that matter: plain reads and writes instead of mapped files, a tick of 100 ms, requests for one second ahead,
/// and TCP alone, as the benchmarks tell the service too. The others keep the session on loopback and its behaviour the same.
pub fn bare_settings() -> Vec<Setting> {
    vec![
        Setting::int("mmap_file_size_cutoff", i64::from(i32::MAX)),
        Setting::int("tick_interval", 100),
        Setting::int("request_queue_time", 1),
        Setting::int("alert_queue_size", 200_000),
        Setting::bool("allow_multiple_connections_per_ip", true),
        Setting::bool("close_redundant_connections", false),
        Setting::int("stop_tracker_timeout", 2),
        Setting::text("listen_interfaces", "127.0.0.1:0"),
        Setting::bool("enable_incoming_utp", false),
        Setting::bool("enable_outgoing_utp", false),
        Setting::bool("enable_dht", false),
        Setting::bool("enable_lsd", false),
        Setting::bool("enable_upnp", false),
        Setting::bool("enable_natpmp", false),
    ]
}
