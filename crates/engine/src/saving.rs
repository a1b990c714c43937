//! Resume data: when it is asked for, and what becomes of it.
//!
//! A torrent that receives nothing costs nothing: the cadence looks only at those that do.

use std::time::{Duration, Instant};

use libtorrent_sys::SaveResume;
use revaer_domain::torrent::Totals;

use crate::notice::EngineNotice;
use crate::torrents::{Torrents, totals_of};

/// A flush that waits for a slow disk takes seconds, not more.
const FLUSH_PATIENCE: Duration = Duration::from_secs(30);

/// Why it was asked for. libtorrent answers in the order of the questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To have it.
    Keep,
    /// To call the torrent finished once it is there.
    Finish,
}

/// Resume data that waits for the files to be as it says.
pub(crate) struct Held {
    body: Vec<u8>,
    piece_count: u32,
    /// The counters, if the torrent is finished with it.
    finished: Option<Totals>,
    since: Instant,
}

impl Held {
    pub(crate) const fn finishes(&self) -> bool {
        self.finished.is_some()
    }
}

impl Torrents {
    /// Asks for it after something changed that it has to know.
    pub(crate) fn save(&mut self, key: u64) {
        self.ask_to_save(key, SaveResume::SAVE_INFO_DICT, Purpose::Keep);
    }

    pub(crate) fn save_and_finish(&mut self, key: u64) {
        self.ask_to_save(key, SaveResume::SAVE_INFO_DICT, Purpose::Finish);
    }

    /// Asks for all that is newer than what was saved, before the session ends.
    pub(crate) fn save_all(&mut self) {
        let keys: Vec<u64> = self.entries.keys().copied().collect();
        for key in keys {
            let how = SaveResume::ONLY_IF_MODIFIED | SaveResume::SAVE_INFO_DICT;
            self.ask_to_save(key, how, Purpose::Keep);
        }
    }

    /// Torrents that receive pieces are saved at the interval, or earlier after many bytes.
    pub(crate) fn save_what_is_due(&mut self, now: Instant) {
        let (interval, bytes_max) =
            (self.profile.resume_save_interval(), self.profile.engine.resume_save_bytes);
        let due: Vec<u64> =
            self.receiving
                .iter()
                .filter(|(key, since)| {
                    now.duration_since(**since) >= interval
                        || self.entries.get(*key).is_none_or(|entry| {
                            entry.done_bytes.saturating_sub(entry.saved_bytes) >= bytes_max
                        })
                })
                .map(|(key, _)| *key)
                .collect();
        for key in due {
            self.ask_to_save(key, SaveResume::ONLY_IF_MODIFIED | SaveResume::SAVE_INFO_DICT, Purpose::Keep);
        }
    }

    pub(crate) fn is_saving(&self) -> bool {
        self.saving > 0
    }

    fn ask_to_save(&mut self, key: u64, how: SaveResume, purpose: Purpose) {
        self.receiving.remove(&key);
        let Some(entry) = self.entries.get_mut(&key) else { return };
        if entry.removal.is_some() || entry.adding.is_some() {
            return;
        }
        entry.saved_bytes = entry.done_bytes;
        match self.session.save_resume_data(key, how) {
            Ok(()) => {
                entry.saves.push_back(purpose);
                self.saving += 1;
            }
            Err(error) => tracing::warn!(%error, torrent = %entry.id, "resume data cannot be asked for"),
        }
    }

    /// What it calls complete may still be on its way to the disk: it is held until that is done, and told then.
    pub(crate) fn on_resume_data(&mut self, key: u64, body: &[u8], piece_count: u32) {
        let Some(entry) = self.entries.get_mut(&key) else { return };
        let Some(purpose) = entry.saves.pop_front() else { return };
        let finished = entry.last.as_ref().filter(|_| purpose == Purpose::Finish).map(totals_of);
        entry.held.push_back(Held { body: body.to_vec(), piece_count, finished, since: Instant::now() });
        if !entry.actual.has_metadata {
            // It has no files that anything could be on its way to, and libtorrent would not answer.
            self.release(key);
        } else if let Err(error) = self.session.flush(key) {
            tracing::warn!(%error, torrent = %entry.id, "resume data cannot be made sure of");
            self.saving -= entry.held.len();
            entry.held.clear();
        }
    }

    /// libtorrent closes the files of a torrent that has finished, and says so as if it had been asked to.
    pub(crate) fn on_own_flush(&mut self, key: u64) {
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.own_flushes += 1;
        }
    }

    /// A flush ended. They end in the order in which they began, so the last answer is never earlier than the last of ours,
    /// whichever of them was libtorrent's own.
    pub(crate) fn on_flushed(&mut self, key: u64) {
        let Some(entry) = self.entries.get_mut(&key) else { return };
        if entry.own_flushes > 0 {
            entry.own_flushes -= 1;
        } else {
            self.release(key);
        }
    }

    /// Everything that was received before the flush began is in the files.
    fn release(&mut self, key: u64) {
        let Some(entry) = self.entries.get_mut(&key) else { return };
        let Some(Held { body, piece_count, finished, .. }) = entry.held.pop_front() else { return };
        self.saving -= 1;
        let id = entry.id;
        self.outbox.put(EngineNotice::ResumeData { id, body, piece_count });
        if let Some(totals) = finished {
            self.outbox.put(EngineNotice::Finished { id, totals });
        }
    }

    /// Asks again for flushes whose answer does not come: then one was counted as libtorrent's own that never was.
    pub(crate) fn flush_what_is_overdue(&mut self, now: Instant) {
        if self.saving == 0 {
            return;
        }
        for (key, entry) in &mut self.entries {
            let overdue = |held: &Held| now.duration_since(held.since) >= FLUSH_PATIENCE;
            if !entry.held.front().is_some_and(overdue) {
                continue;
            }
            tracing::warn!(torrent = %entry.id, "a flush was not answered and is asked for again");
            entry.own_flushes = 0;
            for held in &mut entry.held {
                held.since = now;
                // Without an answer it is asked for once more.
                let _ = self.session.flush(*key);
            }
        }
    }

    /// Forgets what was asked for; whether there was any.
    pub(crate) fn forget_saves(&mut self, key: u64) -> bool {
        let Some(entry) = self.entries.get_mut(&key) else { return false };
        let outstanding = entry.saves.len() + entry.held.len();
        entry.saves.clear();
        entry.held.clear();
        self.saving -= outstanding;
        outstanding > 0
    }

    pub(crate) fn on_no_resume_data(&mut self, key: u64, reason: &str) {
        if self.answered(key) == Some(Purpose::Finish)
            && let Some(entry) = self.entries.get_mut(&key)
        {
            tracing::warn!(torrent = %entry.id, reason, "finished, but without resume data");
            // Not told: whoever relied on it would lose files at a crash. The next look tries again.
            entry.finish_told = None;
            self.unsettled.insert(key);
        }
    }

    fn answered(&mut self, key: u64) -> Option<Purpose> {
        let purpose = self.entries.get_mut(&key)?.saves.pop_front()?;
        self.saving -= 1;
        Some(purpose)
    }
}
