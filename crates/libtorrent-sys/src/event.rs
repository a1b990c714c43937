//! Alerts, typed. The numbers are those of `cpp/pump.cpp`.

use crate::ffi::bridge::RawEvent;
use crate::status::State;

/// What an alert says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// A magnet has its metadata.
    MetadataReceived,
    /// libtorrent does something else with the torrent.
    StateChanged {
        /// Before.
        from: State,
        /// From here on.
        to: State,
    },
    /// All that is wanted is there. Also said at once when resume data of a finished torrent is loaded.
    Finished,
    /// The files were checked, or resume data made a check needless.
    Checked,
    /// It stands still.
    Paused,
    /// It goes on.
    Resumed,
    /// It cannot go on.
    TorrentError,
    /// A file could not be read or written; one for each piece.
    FileError {
        /// What was tried.
        op: FileOperation,
    },
    /// What was received is in the files.
    Flushed,
    /// A file has another name.
    FileRenamed,
    /// A file keeps its name.
    FileRenameFailed,
    /// Resume data, in the blob.
    ResumeData {
        /// How many pieces it calls complete.
        pieces: u32,
    },
    /// No resume data.
    ResumeDataFailed {
        /// Because nothing moved.
        not_modified: bool,
    },
    /// It is out of the session.
    Removed,
    /// Its files are gone, as libtorrent believes.
    Deleted,
    /// Its files are not gone, as libtorrent believes.
    DeleteFailed,
    /// Its files are elsewhere; the text is the folder.
    StorageMoved,
    /// Its files stay where they were.
    StorageMoveFailed,
    /// The metadata that arrived is not usable.
    MetadataFailed,
    /// An announce begins.
    TrackerAnnounce,
    /// A tracker or the way to it failed.
    TrackerError,
    /// A tracker answered.
    TrackerReply,
    /// A tracker warned.
    TrackerWarning,
    /// The resume data does not match the files.
    FastresumeRejected,
    /// Its metadata shows that it is another torrent of the session.
    TorrentConflict {
        /// The other one's key.
        with: u64,
    },
    /// A piece was wrong.
    HashFailed {
        /// Which.
        piece: i32,
    },
    /// A port could not be opened.
    ListenFailed,
    /// A port is open.
    ListenSucceeded {
        /// Which.
        port: u16,
    },
    /// It was added.
    Added,
    /// It could not be added.
    AddFailed,
    /// libtorrent's queue was full: see [`crate::Batch::dropped`].
    AlertsDropped,
    /// The session itself failed.
    SessionError,
    /// libtorrent sees a bottleneck.
    Performance,
    /// An alert that nobody here asks for, by its number.
    Other(i32),
}

impl EventKind {
    /// Its name, of which there are as many as kinds: what cannot be told apart here has one together.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MetadataReceived => "metadata_received",
            Self::StateChanged { .. } => "state_changed",
            Self::Finished => "finished",
            Self::Checked => "checked",
            Self::Paused => "paused",
            Self::Resumed => "resumed",
            Self::TorrentError => "torrent_error",
            Self::FileError { .. } => "file_error",
            Self::Flushed => "flushed",
            Self::FileRenamed => "file_renamed",
            Self::FileRenameFailed => "file_rename_failed",
            Self::ResumeData { .. } => "resume_data",
            Self::ResumeDataFailed { .. } => "resume_data_failed",
            Self::Removed => "removed",
            Self::Deleted => "deleted",
            Self::DeleteFailed => "delete_failed",
            Self::StorageMoved => "storage_moved",
            Self::StorageMoveFailed => "storage_move_failed",
            Self::MetadataFailed => "metadata_failed",
            Self::TrackerAnnounce => "tracker_announce",
            Self::TrackerError => "tracker_error",
            Self::TrackerReply => "tracker_reply",
            Self::TrackerWarning => "tracker_warning",
            Self::FastresumeRejected => "fastresume_rejected",
            Self::TorrentConflict { .. } => "torrent_conflict",
            Self::HashFailed { .. } => "hash_failed",
            Self::ListenFailed => "listen_failed",
            Self::ListenSucceeded { .. } => "listen_succeeded",
            Self::Added => "added",
            Self::AddFailed => "add_failed",
            Self::AlertsDropped => "alerts_dropped",
            Self::SessionError => "session_error",
            Self::Performance => "performance",
            Self::Other(_) => "other",
        }
    }
}

/// What was tried with a file when it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileOperation {
    /// It was opened.
    Open,
    /// It was read.
    Read,
    /// It was written.
    Write,
    /// Its folder was made.
    MakeFolder,
    /// It was looked at.
    Stat,
    /// Room was made for it, or it was cut.
    Resize,
    /// It was renamed, copied or linked.
    Move,
    /// It was removed.
    Remove,
    /// Something else, by libtorrent's number.
    Other(i32),
}

impl FileOperation {
    /// The numbers are those of `lt::operation_t`; `cpp/pump.cpp` holds them to it.
    fn from_number(number: i64) -> Self {
        match number {
            7 => Self::Write,
            8 => Self::Read,
            24 => Self::Stat,
            25 | 27 | 29 => Self::Move,
            26 | 46 => Self::Resize,
            28 => Self::Remove,
            30 => Self::Open,
            31 => Self::MakeFolder,
            _ => Self::Other(i32::try_from(number).unwrap_or(-1)),
        }
    }
}

/// One alert. Texts and blobs are borrowed from the pump's arena.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    /// Whose, if it is a torrent's.
    pub key: Option<u64>,
    /// What.
    pub kind: EventKind,
    /// In words; of a move, the folder. Empty for resume data and for what nobody asks for.
    pub text: &'a str,
    /// The file or the tracker's URL that it speaks of; empty for none.
    pub path: &'a str,
    /// Resume data.
    pub blob: &'a [u8],
    /// Code and category, if it is an error.
    pub error: Option<(i32, &'a str)>,
}

impl<'a> Event<'a> {
    pub(crate) fn of(raw: &RawEvent, arena: &'a [u8]) -> Self {
        let range = |start: usize, length: usize| arena.get(start..start + length).unwrap_or_default();
        let text = |start, length| std::str::from_utf8(range(start, length)).unwrap_or_default();
        let category = text(raw.category_start, raw.category_length);
        Self {
            key: (raw.key != 0).then_some(raw.key),
            kind: kind(raw),
            text: text(raw.text_start, raw.text_length),
            path: text(raw.path_start, raw.path_length),
            blob: range(raw.blob_start, raw.blob_length),
            error: raw.has_error.then_some((raw.error_code, category)),
        }
    }
}

fn kind(raw: &RawEvent) -> EventKind {
    match raw.kind {
        1 => EventKind::MetadataReceived,
        2 => EventKind::StateChanged { from: State::from_number(raw.a), to: State::from_number(raw.b) },
        3 => EventKind::Finished,
        4 => EventKind::Checked,
        5 => EventKind::Paused,
        6 => EventKind::Resumed,
        7 => EventKind::TorrentError,
        8 => EventKind::FileError { op: FileOperation::from_number(raw.a) },
        9 => EventKind::ResumeData { pieces: u32::try_from(raw.a).unwrap_or(0) },
        10 => EventKind::ResumeDataFailed { not_modified: raw.a != 0 },
        11 => EventKind::Removed,
        12 => EventKind::Deleted,
        13 => EventKind::DeleteFailed,
        14 => EventKind::StorageMoved,
        15 => EventKind::StorageMoveFailed,
        16 => EventKind::MetadataFailed,
        17 => EventKind::TrackerError,
        18 => EventKind::TrackerReply,
        19 => EventKind::TrackerWarning,
        20 => EventKind::FastresumeRejected,
        21 => EventKind::TorrentConflict { with: raw.a.cast_unsigned() },
        22 => EventKind::HashFailed { piece: i32::try_from(raw.a).unwrap_or(-1) },
        23 => EventKind::ListenFailed,
        24 => EventKind::ListenSucceeded { port: u16::try_from(raw.a).unwrap_or(0) },
        25 => EventKind::AddFailed,
        26 => EventKind::SessionError,
        27 => EventKind::Performance,
        28 => EventKind::TrackerAnnounce,
        29 => EventKind::Added,
        30 => EventKind::FileRenamed,
        31 => EventKind::FileRenameFailed,
        32 => EventKind::AlertsDropped,
        33 => EventKind::Flushed,
        _ => EventKind::Other(i32::try_from(raw.a).unwrap_or(-1)),
    }
}
