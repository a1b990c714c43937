//! Resume data: when it is asked for, and what becomes of it.
//!
//! A torrent that receives nothing costs nothing: the cadence looks only at those that do.

use std::time::Instant;

use libtorrent_sys::SaveResume;

use crate::notice::EngineNotice;
use crate::torrents::{Torrents, totals_of};

/// Why it was asked for. libtorrent answers in the order of the questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To have it.
    Keep,
    /// To call the torrent finished once it is there.
    Finish,
}

impl Torrents {
    /// Asks for it after something changed that it has to know.
    pub(crate) fn save(&mut self, key: u64) {
        self.ask_to_save(key, SaveResume::SAVE_INFO_DICT, Purpose::Keep);
    }

    pub(crate) fn save_and_finish(&mut self, key: u64) {
        self.ask_to_save(key, SaveResume::SAVE_INFO_DICT | SaveResume::FLUSH_DISK_CACHE, Purpose::Finish);
    }

    /// Asks for all that is newer than what was saved, before the session ends.
    pub(crate) fn save_all(&mut self) {
        let keys: Vec<u64> = self.entries.keys().copied().collect();
        for key in keys {
            let how =
                SaveResume::ONLY_IF_MODIFIED | SaveResume::SAVE_INFO_DICT | SaveResume::FLUSH_DISK_CACHE;
            self.ask_to_save(key, how, Purpose::Keep);
        }
    }

    /// Torrents that receive pieces are saved at the interval, or earlier after many bytes.
    pub(crate) fn save_what_is_due(&mut self, now: Instant) {
        let due: Vec<u64> = self
            .receiving
            .iter()
            .filter(|(key, since)| {
                now.duration_since(**since) >= self.options.resume_save_interval
                    || self.entries.get(*key).is_none_or(|entry| {
                        entry.done_bytes.saturating_sub(entry.saved_bytes) >= self.options.resume_save_bytes
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
        if entry.removal.is_some() {
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

    pub(crate) fn on_resume_data(&mut self, key: u64, body: &[u8], piece_count: u32) {
        let Some(purpose) = self.answered(key) else { return };
        let Some(entry) = self.entries.get_mut(&key) else { return };
        let id = entry.id;
        self.outbox.put(EngineNotice::ResumeData { id, body: body.to_vec(), piece_count });
        if purpose == Purpose::Finish
            && let Some(status) = &entry.last
        {
            let totals = totals_of(status);
            self.outbox.put(EngineNotice::Finished { id, totals });
        }
    }

    pub(crate) fn on_no_resume_data(&mut self, key: u64, reason: &str) {
        if self.answered(key) == Some(Purpose::Finish)
            && let Some(entry) = self.entries.get_mut(&key)
        {
            tracing::warn!(torrent = %entry.id, reason, "finished, but without resume data");
            // Not told: whoever relied on it would lose files at a crash. The next look tries again.
            entry.finish_reported = false;
            self.unsettled.insert(key);
        }
    }

    fn answered(&mut self, key: u64) -> Option<Purpose> {
        let purpose = self.entries.get_mut(&key)?.saves.pop_front()?;
        self.saving -= 1;
        Some(purpose)
    }
}
