//! What can be asked of a torrent: by an operator, or by the engine's observer that saw something.
//!
//! Observations are commands too: the rules decide whether what was seen is news.

use serde::Serialize;
use time::OffsetDateTime;

use super::event::{
    Added, Failure, FilesDiscovered, LeftFile, Phase, Reconciled, SelectionApplied, ShareLimitReached, Totals,
};
use crate::fsops::{FsopsObservation, ProfileOffer};
use crate::selection::SelectionRule;
use crate::values::{Labels, RateCap, SavePath, ShareLimits};

/// Everything that an add says. With metainfo the files are known from the start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Add {
    /// The torrent.
    pub added: Added,
    /// Its files, when it came as a torrent file.
    pub files: Option<FilesDiscovered>,
}

/// A command to one torrent. `Serialize` gives the form that an idempotency fingerprint is taken of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TorrentCommand {
    /// Begins a torrent.
    Add(Box<Add>),
    /// Replaces the selection rule.
    Select(SelectionRule),
    /// Stops all transfer.
    Pause,
    /// Goes on; after a failure, tries again.
    Resume,
    /// Takes it out, with or without its downloaded files.
    Remove {
        /// Whether the files go too.
        delete_data: bool,
    },
    /// Announces to trackers now.
    Reannounce,
    /// Hashes all files again.
    Recheck,
    /// Downloads in order, or not.
    SetSequential {
        /// In order.
        enable: bool,
    },
    /// Replaces the limits.
    SetRateCap(RateCap),
    /// Replaces the limits of sharing.
    SetShareLimits(ShareLimits),
    /// Moves the files to another place beneath the download root.
    Move {
        /// The place.
        save_path: SavePath,
    },
    /// Replaces the labels.
    SetLabels(Labels),
    /// Begins the job in the file pipeline of a complete torrent, or tries it again.
    RetryFsops {
        /// The profile, if it is not to be chosen as at a completion.
        profile: Option<String>,
        /// What the settings offer. Looked up anew for a repeat, so it is no part of what was asked.
        #[serde(skip)]
        offer: Option<ProfileOffer>,
    },
    /// Ends the job, or clears away what a failed one left.
    CancelFsops,
    /// Takes the result of the job back.
    UndoFsops,

    /// The engine learned the files of a magnet.
    ObserveFiles(FilesDiscovered),
    /// The engine set these priorities.
    ObserveSelection(SelectionApplied),
    /// The engine saw a phase.
    ObservePhase {
        /// The phase.
        phase: Phase,
        /// The counters with it.
        totals: Totals,
    },
    /// Every wanted file is on disk, and the resume data that says so is stored.
    ObserveCompletion {
        /// When it was seen.
        #[serde(with = "time::serde::rfc3339")]
        at: OffsetDateTime,
        /// The counters with it.
        totals: Totals,
        /// What the settings offer for its files; none where there are no profiles.
        #[serde(skip)]
        offer: Option<ProfileOffer>,
    },
    /// It cannot go on.
    ObserveFailure(Failure),
    /// It goes on again.
    ObserveRecovery,
    /// The announce with this number was made.
    ObserveReannounced {
        /// The number.
        request: u32,
    },
    /// The check with this number ended.
    ObserveRechecked {
        /// The number.
        request: u32,
        /// What was found.
        totals: Totals,
        /// Whether every wanted byte is there.
        complete: bool,
    },
    /// The files are in this place.
    ObserveMoved {
        /// The place.
        save_path: SavePath,
    },
    /// The files could not be moved.
    ObserveMoveFailed {
        /// The place asked for.
        save_path: SavePath,
        /// Why not.
        detail: String,
    },
    /// It is out of the session.
    ObserveRemoved {
        /// Whether its files are gone.
        data_deleted: bool,
        /// What was left.
        left: Vec<LeftFile>,
    },
    /// The session differed from the log.
    ObserveDivergence(Reconciled),
    /// It came to a limit of sharing.
    ReachShareLimit(ShareLimitReached),
    /// The counters of the day.
    RecordCounters(Totals),
    /// Its job in the file pipeline came further.
    ObserveFsops(FsopsObservation),
}
