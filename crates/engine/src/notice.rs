//! What the engine saw, for whoever gives it to the rules.
//!
//! The queue never makes the engine wait. What describes a state coalesces (the newest of a torrent and kind stands, in the
//! newest's place), so its bound is the number of torrents times a few kinds; outcomes of one-shot requests are few.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use revaer_domain::torrent::{LeftFile, Phase, SelectionApplied, Totals};
use revaer_domain::values::{InfoHashes, SavePath, TorrentId};
use tokio::sync::Notify;

/// A file of a torrent, padding left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TorrentFile {
    /// Its path, top folder included.
    pub path: String,
    /// Bytes.
    pub size_bytes: u64,
}

/// Something that the engine saw.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of the facts that the notices become")]
pub enum EngineNotice {
    /// A magnet has its metadata.
    MetadataReceived {
        id: TorrentId,
        metainfo: Vec<u8>,
        info_hashes: InfoHashes,
        name: String,
        files: Vec<TorrentFile>,
        piece_length_bytes: u32,
        piece_count: u32,
        trackers: Vec<String>,
    },
    /// The rule became priorities.
    SelectionApplied { id: TorrentId, applied: SelectionApplied },
    /// libtorrent is in this phase with it.
    Phase { id: TorrentId, phase: Phase, totals: Totals },
    /// Resume data to store; always before the notice that relies on it.
    ResumeData { id: TorrentId, body: Vec<u8>, piece_count: u32 },
    /// Every wanted byte is on disk, and resume data that says so went before.
    Finished { id: TorrentId, totals: Totals },
    /// It cannot go on.
    Failed { id: TorrentId, code: String, detail: String },
    /// It goes on after a failure.
    Recovered { id: TorrentId },
    /// The announce was made.
    Reannounced { id: TorrentId, request: u32 },
    /// The check ended.
    Rechecked { id: TorrentId, request: u32, totals: Totals, complete: bool },
    /// The files are there.
    Moved { id: TorrentId, save_path: SavePath },
    /// The files are where they were.
    MoveFailed { id: TorrentId, save_path: SavePath, detail: String },
    /// It is out, and its files are dealt with.
    Removed { id: TorrentId, data_deleted: bool, left: Vec<LeftFile> },
    /// The session differed from the log.
    Diverged { id: TorrentId, field: String, expected: String, found: String },
    /// The session runs.
    Started { libtorrent_version: String },
    /// The session is no good.
    Faulted { reason: String },
    /// There is a new session, and it is empty.
    Restarted { attempt: u32 },
    /// There will be no new session.
    GaveUp { reason: String },
}

impl EngineNotice {
    /// What a newer notice of the same slot makes needless; `None` for what must be told one by one.
    const fn slot(&self) -> Option<(TorrentId, u8)> {
        match self {
            Self::ResumeData { id, .. } => Some((*id, 0)),
            Self::Phase { id, .. } => Some((*id, 1)),
            Self::SelectionApplied { id, .. } => Some((*id, 2)),
            Self::Finished { id, .. } => Some((*id, 3)),
            Self::Failed { id, .. } => Some((*id, 4)),
            Self::Recovered { id } => Some((*id, 5)),
            Self::Reannounced { id, .. } => Some((*id, 6)),
            Self::Rechecked { id, .. } => Some((*id, 7)),
            _ => None,
        }
    }
}

#[derive(Default)]
struct Waiting {
    by_number: BTreeMap<u64, EngineNotice>,
    slots: HashMap<(TorrentId, u8), u64>,
    next: u64,
    ended: bool,
}

/// The engine's side.
#[derive(Clone, Default)]
pub(crate) struct Notices {
    waiting: Arc<Mutex<Waiting>>,
    arrived: Arc<Notify>,
}

impl Notices {
    pub(crate) fn tell(&self, notice: EngineNotice) {
        let mut waiting = self.lock();
        let number = waiting.next;
        waiting.next += 1;
        if let Some(slot) = notice.slot()
            && let Some(older) = waiting.slots.insert(slot, number)
        {
            waiting.by_number.remove(&older);
        }
        waiting.by_number.insert(number, notice);
        drop(waiting);
        self.arrived.notify_one();
    }

    /// Nothing comes any more; what waits may still be taken.
    pub(crate) fn end(&self) {
        self.lock().ended = true;
        self.arrived.notify_one();
    }

    pub(crate) fn receiver(&self) -> NoticeReceiver {
        NoticeReceiver(self.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_now(&self, max: usize) -> Option<Vec<EngineNotice>> {
        let mut waiting = self.lock();
        let mut taken = Vec::new();
        while taken.len() < max
            && let Some((number, notice)) = waiting.by_number.pop_first()
        {
            if let Some(slot) = notice.slot()
                && waiting.slots.get(&slot) == Some(&number)
            {
                waiting.slots.remove(&slot);
            }
            taken.push(notice);
        }
        (!taken.is_empty() || waiting.ended).then_some(taken)
    }
}

/// The reader's side.
pub struct NoticeReceiver(Notices);

impl NoticeReceiver {
    /// Waits for notices and takes the oldest, at most `max`. Empty: the engine has ended and nothing waits.
    pub async fn take(&mut self, max: usize) -> Vec<EngineNotice> {
        loop {
            if let Some(taken) = self.0.take_now(max) {
                return taken;
            }
            // `notify_one` leaves a permit when nobody waits yet, so nothing is missed in between.
            self.0.arrived.notified().await;
        }
    }
}
