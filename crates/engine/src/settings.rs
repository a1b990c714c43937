//! libtorrent's settings as Revaer wants them, each with its reason.

use libtorrent_sys::Setting;

use crate::Options;

/// The settings of a new session.
pub(crate) fn session_settings(options: &Options) -> Vec<Setting> {
    vec![
        Setting::text("listen_interfaces", options.listen_interfaces.clone()),
        Setting::text("user_agent", options.user_agent.clone()),
        // Nothing leaves this machine until the operator asks.
        Setting::bool("enable_dht", false),
        Setting::bool("enable_lsd", false),
        Setting::bool("enable_upnp", false),
        Setting::bool("enable_natpmp", false),
        // With mmap, a file truncated by somebody else kills the process (SIGBUS); plain reads give an error.
        Setting::int("mmap_file_size_cutoff", i64::from(i32::MAX)),
        // A start of thousands of torrents posts several alerts each.
        Setting::int("alert_queue_size", 200_000),
        // A torrent that was paused has dropped its peers; a minute, the default, is long to wait for the only seed.
        Setting::int("min_reconnect_time", 5),
        // The defaults settle a changed cap in five seconds; these settle it within two.
        Setting::int("tick_interval", 100),
        Setting::int("request_queue_time", 1),
        Setting::bool("allow_multiple_connections_per_ip", true),
        // A magnet whose files wait for their selection wants nothing for a moment and must not lose its seeds.
        Setting::bool("close_redundant_connections", false),
        Setting::int("stop_tracker_timeout", 2),
    ]
}
