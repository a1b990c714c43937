//! A torrent at one moment, as libtorrent's state updates tell it.

use crate::ffi::bridge::RawStatus;
use crate::flags::TorrentFlags;

/// libtorrent's own states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Hashes files.
    CheckingFiles,
    /// Asks peers for the metadata.
    DownloadingMetadata,
    /// Downloads.
    Downloading,
    /// Has all that is wanted.
    Finished,
    /// Has everything.
    Seeding,
    /// Reads resume data.
    CheckingResumeData,
}

impl State {
    pub(crate) const fn from_number(number: i64) -> Self {
        match number {
            1 => Self::CheckingFiles,
            2 => Self::DownloadingMetadata,
            4 => Self::Finished,
            5 => Self::Seeding,
            7 => Self::CheckingResumeData,
            _ => Self::Downloading,
        }
    }
}

/// A torrent at one moment.
#[expect(clippy::struct_excessive_bools, reason = "they are libtorrent's own, one by one")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// Our number of it.
    pub key: u64,
    /// What libtorrent does with it.
    pub state: State,
    /// Its flags.
    pub flags: TorrentFlags,
    /// Of the current state, in millionths.
    pub progress_ppm: u32,
    /// Bytes of wanted files.
    pub total_wanted: u64,
    /// Verified bytes of wanted files.
    pub total_wanted_done: u64,
    /// Verified bytes.
    pub total_done: u64,
    /// Payload received, ever.
    pub all_time_download: u64,
    /// Payload sent, ever.
    pub all_time_upload: u64,
    /// How long it has seeded, ever; libtorrent keeps it in the resume data.
    pub seeding_seconds: u64,
    /// Payload received a second.
    pub payload_download_rate: u64,
    /// Payload sent a second.
    pub payload_upload_rate: u64,
    /// Connected peers.
    pub peers: u32,
    /// Those that have everything.
    pub seeds: u32,
    /// Verified pieces.
    pub pieces_have: u32,
    /// Its place in libtorrent's queue, -1 for none.
    pub queue_position: i32,
    /// 0 when it has no error.
    pub error_code: i32,
    /// Whether its metadata is known.
    pub has_metadata: bool,
    /// Whether all that is wanted is there.
    pub is_finished: bool,
    /// Whether its files are being moved.
    pub moving: bool,
    /// Whether its resume data is older than itself.
    pub need_save_resume: bool,
}

impl Status {
    pub(crate) fn of(raw: &RawStatus) -> Self {
        Self {
            key: raw.key,
            state: State::from_number(i64::from(raw.state)),
            flags: TorrentFlags(raw.flags),
            progress_ppm: raw.progress_ppm,
            total_wanted: raw.total_wanted,
            total_wanted_done: raw.total_wanted_done,
            total_done: raw.total_done,
            all_time_download: raw.all_time_download,
            all_time_upload: raw.all_time_upload,
            seeding_seconds: raw.seeding_seconds,
            payload_download_rate: raw.payload_download_rate,
            payload_upload_rate: raw.payload_upload_rate,
            peers: raw.peers,
            seeds: raw.seeds,
            pieces_have: raw.pieces_have,
            queue_position: raw.queue_position,
            error_code: raw.error_code,
            has_metadata: raw.has_metadata,
            is_finished: raw.is_finished,
            moving: raw.moving_storage,
            need_save_resume: raw.need_save_resume,
        }
    }
}
