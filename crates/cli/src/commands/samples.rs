//! Bodies as the service sends them, for the tests of what is shown.

use revaer_wire::{InfoHashes, RateCap, Selection, SelectionPriority, ShareLimits, Torrent};

/// One that downloads, with a name that is not to be trusted.
pub(crate) fn torrent() -> Torrent {
    Torrent {
        id: "01ARZ3NDEKTSV4RRFFQ69G5FAV".to_owned(),
        info_hashes: InfoHashes { v1: Some("0123456789abcdef0123456789abcdef01234567".to_owned()), v2: None },
        name: "Sammlung 合集 \u{1b}[2J".to_owned(),
        state: "downloading".to_owned(),
        progress: 0.4239,
        size_bytes: Some(536_870_912),
        wanted_bytes: Some(400_000_000),
        downloaded_bytes: 171_000_000,
        uploaded_bytes: 1_500,
        download_bytes_per_second: 2_500_000,
        upload_bytes_per_second: 0,
        ratio: Some(0.00001),
        eta_seconds: Some(92),
        peers: 3,
        seeds: 1,
        labels: vec!["films".to_owned(), "new".to_owned()],
        trackers: vec!["127.0.0.1".to_owned()],
        added_at: "2026-01-02T03:04:05Z".to_owned(),
        completed_at: None,
        save_path: "films".to_owned(),
        content_path: "films/Sammlung 合集".to_owned(),
        error: None,
        selection: Selection {
            include: vec!["*.mkv".to_owned()],
            exclude: vec![],
            priorities: vec![SelectionPriority { index: Some(3), glob: None, priority: 7 }],
            case_sensitive: false,
            skip_fluff: true,
            first_last_piece_first: false,
        },
        rate_cap: RateCap { download_bytes_per_second: Some(2_500_000), upload_bytes_per_second: None },
        share_limits: ShareLimits { share_ratio: None, seed_time_seconds: None, share_action: None },
        sequential: false,
        version: 6,
        position: 4711,
    }
}

/// One that knows nothing but its hash yet.
pub(crate) fn magnet_without_metadata() -> Torrent {
    Torrent {
        id: "01ARZ3NDEKTSV4RRFFQ69G5FAW".to_owned(),
        name: "0123456789abcdef".to_owned(),
        state: "metadata".to_owned(),
        progress: 0.0,
        size_bytes: None,
        wanted_bytes: None,
        downloaded_bytes: 0,
        uploaded_bytes: 0,
        download_bytes_per_second: 0,
        ratio: None,
        eta_seconds: None,
        labels: vec![],
        trackers: vec![],
        ..torrent()
    }
}
