//! What libtorrent did unasked, and what is not known because its alerts were lost.
//!
//! A difference counts only when it is settled: what is under way, and what a failure explains, is none.

use libtorrent_sys::{State, TorrentFlags};

use crate::notice::EngineNotice;
use crate::paths::folder;
use crate::selecting::difference;
use crate::torrents::{STANDING, Torrents};

/// The bridge knows no torrent with that key (`cpp/torrent.cpp`).
const NO_SUCH_TORRENT: (&str, i32) = ("session", 2);

impl Torrents {
    /// Compares what libtorrent has with what was last asked of it. A difference is told; the comparison that follows
    /// undoes it.
    pub(crate) fn look(&mut self, key: u64) {
        let Some(entry) = self.entries.get_mut(&key) else { return };
        if entry.removal.is_some() {
            return;
        }
        let status = match self.session.status(key) {
            Ok(status) => status,
            Err(error) if (error.category.as_str(), error.code) == NO_SUCH_TORRENT => {
                self.left_unasked(key);
                return;
            }
            // The session is ending.
            Err(_) => return,
        };
        let settled = entry.checking.is_none()
            && entry.failure.is_none()
            && !entry.retrying
            && !status.flags.contains(TorrentFlags::STOP_WHEN_READY);
        if !settled {
            return;
        }
        let mut differences = Vec::new();
        let queued = status.flags.contains(TorrentFlags::AUTO_MANAGED);
        let mut compare = |field, ours: &mut bool, found: bool| {
            if *ours != found {
                differences.push((field, *ours, found));
                *ours = found;
            }
        };
        // What the queue lets stand still is not paused.
        compare("paused", &mut entry.actual.paused, status.flags.contains(TorrentFlags::PAUSED) && !queued);
        compare("queued", &mut entry.actual.queued, queued);
        compare("sequential", &mut entry.actual.sequential, status.flags.contains(TorrentFlags::SEQUENTIAL));
        let id = entry.id;
        let mut differences: Vec<_> = differences
            .into_iter()
            .map(|(field, expected, found)| (field, expected.to_string(), found.to_string()))
            .collect();
        if entry.applied.is_some()
            && !self.unsettled.contains(&key)
            && let Ok(priorities) = self.session.file_priorities(key)
            && let Some((expected, found)) = difference(&priorities, &entry.priorities)
        {
            differences.push(("selection", expected, found));
            entry.actual.selection_revision = None;
        }
        for (field, expected, found) in differences {
            self.outbox.put(EngineNotice::Diverged { id, field: field.to_owned(), expected, found });
        }
        // Of two changes of a rule in a row libtorrent may take the first one over late, and lower the edges with it.
        if !self.unsettled.contains(&key) {
            self.raise_edges(key);
        }
    }

    /// A torrent is not in libtorrent's session any more; the next comparison adds it again.
    pub(crate) fn left_unasked(&mut self, key: u64) {
        let Some(entry) = self.entries.get(&key) else { return };
        let id = entry.id;
        tracing::error!(torrent = %id, "a torrent left the session unasked");
        self.forget(id, key);
        self.outbox.put(EngineNotice::Diverged {
            id,
            field: "presence".to_owned(),
            expected: "in the session".to_owned(),
            found: "absent".to_owned(),
        });
    }

    /// Alerts were lost: every torrent is looked at again, and what awaits an outcome is asked for again.
    pub(crate) fn resync(&mut self) {
        let keys: Vec<u64> = self.entries.keys().copied().collect();
        for key in keys {
            let Some(entry) = self.entries.get_mut(&key) else { continue };
            if entry.removal.is_some() {
                if self.session.status(key).is_err() && self.deleting == 0 {
                    self.on_removed(key);
                }
                continue;
            }
            entry.finish_told = None;
            entry.own_flushes = 0;
            entry.resuming = false;
            let moving = entry.actual.moving_to.clone().filter(|_| !entry.move_failed);
            if let Some(to) = moving {
                let to = folder(&self.options.download_root, &to);
                // To the place where it is already, libtorrent answers at once.
                let _ = self.session.move_storage(key, &to.to_string_lossy());
            }
            if self.forget_saves(key) {
                self.save(key);
            }
            self.try_again_if_broken(key);
            self.refresh(key);
            let checked = self.entries.get(&key).and_then(|entry| entry.last).is_some_and(|status| {
                !matches!(status.state, State::CheckingFiles | State::CheckingResumeData)
            });
            if checked {
                self.on_checked(key);
            }
        }
    }

    /// An error whose alert was lost is provoked again: the alert says what it is about.
    fn try_again_if_broken(&self, key: u64) {
        let Some(entry) = self.entries.get(&key) else { return };
        let Ok(status) = self.session.status(key) else { return };
        let broken = status.error_code != 0 || status.flags.contains(TorrentFlags::UPLOAD_MODE);
        if !broken || entry.failure.is_some() {
            return;
        }
        let upload_mode = TorrentFlags::UPLOAD_MODE;
        let mask = if entry.actual.paused { upload_mode } else { upload_mode | STANDING };
        let again = self
            .session
            .clear_error(key)
            .and_then(|()| self.session.set_flags(key, TorrentFlags::NONE, mask));
        if let Err(error) = again {
            tracing::warn!(%error, torrent = %entry.id, "a broken torrent cannot be tried again");
        }
    }
}
