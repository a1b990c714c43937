//! The crossing itself: flat structs and the functions of `cpp/`. Nothing outside this crate sees it.
//!
//! Every function that can fail is a `Result`: the C++ side turns each exception into `category␟code␟message`.

#![expect(unreachable_pub, reason = "cxx generates items of its own making")]

#[cxx::bridge(namespace = "revaer")]
pub(crate) mod bridge {
    /// A setting by name. `kind`: 0 integer, 1 boolean, 2 text.
    struct RawSetting {
        name: String,
        kind: u8,
        integer: i64,
        text: String,
    }

    /// Everything that an add says; empty means absent, a limit of 0 means none. `source`: 0 magnet, 1 metainfo, 2 resume
    /// data.
    struct RawAdd {
        source: u8,
        metainfo: Vec<u8>,
        magnet: String,
        resume_data: Vec<u8>,
        save_path: String,
        flags: u64,
        mask: u64,
        file_priorities: Vec<u8>,
        download_limit: i32,
        upload_limit: i32,
        connections_max: i32,
        upload_slots_max: i32,
        trackers: Vec<String>,
        peers: Vec<String>,
    }

    /// A torrent at one moment.
    #[derive(Clone, Copy)]
    struct RawStatus {
        key: u64,
        flags: u64,
        state: u8,
        has_metadata: bool,
        is_finished: bool,
        moving_storage: bool,
        need_save_resume: bool,
        progress_ppm: u32,
        total_wanted: u64,
        total_wanted_done: u64,
        total_done: u64,
        all_time_download: u64,
        all_time_upload: u64,
        seeding_seconds: u64,
        payload_download_rate: u64,
        payload_upload_rate: u64,
        peers: u32,
        seeds: u32,
        pieces_have: u32,
        queue_position: i32,
        error_code: i32,
    }

    /// An alert, flattened. Texts and blobs are ranges of the arena.
    #[derive(Clone, Copy)]
    struct RawEvent {
        key: u64,
        kind: u8,
        a: i64,
        b: i64,
        has_error: bool,
        error_code: i32,
        category_start: usize,
        category_length: usize,
        text_start: usize,
        text_length: usize,
        path_start: usize,
        path_length: usize,
        blob_start: usize,
        blob_length: usize,
    }

    struct RawFile {
        path: String,
        size: u64,
        offset: u64,
        pad: bool,
    }

    struct RawTracker {
        url: String,
        tier: u32,
        status: u8,
        message: String,
    }

    struct RawPeer {
        address: String,
        client: String,
        progress_ppm: u32,
        download_rate: u64,
        upload_rate: u64,
        is_seed: bool,
    }

    struct RawMetainfo {
        name: String,
        v1: Vec<u8>,
        v2: Vec<u8>,
        total_size: u64,
        piece_length: u32,
        piece_count: u32,
        files: Vec<RawFile>,
        trackers: Vec<String>,
        private_torrent: bool,
        comment: String,
    }

    struct RawMagnet {
        name: String,
        v1: Vec<u8>,
        v2: Vec<u8>,
        trackers: Vec<String>,
        peers: Vec<String>,
    }

    /// Addresses from the first to the last. Version 4: the first four bytes of each.
    struct RawRange {
        is_v6: bool,
        first: [u8; 16],
        last: [u8; 16],
    }

    struct RawMetric {
        name: String,
        index: usize,
        is_counter: bool,
    }

    unsafe extern "C++" {
        include!("libtorrent-sys/cpp/session.hpp");

        type Session;
        type Pump;

        fn session_start(settings: &[RawSetting], state: &[u8], event_fd: i32) -> Result<SharedPtr<Session>>;
        fn apply_settings(self: &Session, settings: &[RawSetting]) -> Result<()>;
        fn int_setting(self: &Session, name: &str) -> Result<i64>;
        fn bool_setting(self: &Session, name: &str) -> Result<bool>;
        fn text_setting(self: &Session, name: &str) -> Result<String>;
        fn save_state(self: &Session) -> Result<Vec<u8>>;
        fn limit_local_peers(self: &Session, on: bool) -> Result<()>;
        fn reconnect_local_peers(self: &Session) -> Result<()>;
        fn set_ip_filter(self: &Session, blocked: &[RawRange]) -> Result<()>;
        fn add(self: &Session, key: u64, torrent: &RawAdd) -> Result<Vec<u8>>;
        fn remove(self: &Session, key: u64, delete_files: bool) -> Result<()>;
        fn set_flags(self: &Session, key: u64, flags: u64, mask: u64) -> Result<()>;
        fn set_file_priorities(self: &Session, key: u64, priorities: &[u8]) -> Result<()>;
        fn set_piece_priorities(self: &Session, key: u64, priorities: &[u8]) -> Result<()>;
        fn set_limits(self: &Session, key: u64, download: i32, upload: i32) -> Result<()>;
        fn set_slots(self: &Session, key: u64, connections_max: i32, upload_slots_max: i32) -> Result<()>;
        fn reannounce(self: &Session, key: u64) -> Result<()>;
        fn recheck(self: &Session, key: u64) -> Result<()>;
        fn clear_error(self: &Session, key: u64) -> Result<()>;
        fn move_storage(self: &Session, key: u64, path: &str) -> Result<()>;
        fn save_resume_data(self: &Session, key: u64, how: u8) -> Result<()>;
        fn flush(self: &Session, key: u64) -> Result<()>;
        fn connect_peer(self: &Session, key: u64, address: &str) -> Result<()>;
        fn post_updates(self: &Session) -> Result<()>;
        fn post_stats(self: &Session) -> Result<()>;
        fn post_status(self: &Session, key: u64) -> Result<()>;
        fn post_all_status(self: &Session) -> Result<()>;
        fn listen_port(self: &Session) -> Result<u16>;
        fn status(self: &Session, key: u64) -> Result<RawStatus>;
        fn files(self: &Session, key: u64) -> Result<Vec<RawFile>>;
        fn file_progress(self: &Session, key: u64) -> Result<Vec<u64>>;
        fn file_priorities(self: &Session, key: u64) -> Result<Vec<u8>>;
        fn piece_priorities(self: &Session, key: u64) -> Result<Vec<u8>>;
        fn piece_length(self: &Session, key: u64) -> Result<u32>;
        fn trackers(self: &Session, key: u64) -> Result<Vec<RawTracker>>;
        fn peers(self: &Session, key: u64) -> Result<Vec<RawPeer>>;
        fn metainfo(self: &Session, key: u64) -> Result<Vec<u8>>;
        fn shutdown(self: &Session) -> Result<()>;

        fn pump_of(session: &SharedPtr<Session>) -> Result<UniquePtr<Pump>>;
        fn pump(self: Pin<&mut Pump>) -> Result<()>;
        fn statuses(self: &Pump) -> &[RawStatus];
        fn events(self: &Pump) -> &[RawEvent];
        fn arena(self: &Pump) -> &[u8];
        fn stats(self: &Pump) -> &[i64];
        fn dropped(self: &Pump) -> bool;

        fn stats_metrics() -> Result<Vec<RawMetric>>;
        fn version() -> String;
        fn header_version() -> String;
        fn default_text(name: &str) -> Result<String>;
        fn parse_metainfo(
            body: &[u8],
            bytes_max: i32,
            pieces_max: i32,
            depth_max: i32,
            tokens_max: i32,
        ) -> Result<RawMetainfo>;
        fn parse_magnet(uri: &str) -> Result<RawMagnet>;
        fn make_magnet(metainfo: &[u8]) -> Result<String>;
        fn create_metainfo(
            path: &str,
            format: u8,
            piece_length: i32,
            trackers: &[String],
            private_torrent: bool,
        ) -> Result<Vec<u8>>;
    }
}
