//! What libtorrent says, made into what is true: alerts come late, twice and sometimes too early.
//!
//! A transition is told from a fresh status rather than from the alert, since several transitions may lie behind it by now. That
//! status is not waited for: each change of a torrent puts it among those that libtorrent tells with its next update, and the
//! update is asked for once for all the alerts of a batch.

use std::time::Instant;

use libtorrent_sys::{Event, EventKind, State, Status, TorrentFlags};
use revaer_domain::torrent::Phase;

use crate::board::Live;
use crate::desired::Presence;
use crate::failure::code_of;
use crate::notice::EngineNotice;
use crate::selecting::follows;
use crate::torrents::{Entry, Torrents, meet_again, totals_of};

impl Torrents {
    /// One alert; an error means that the session itself is broken.
    pub(crate) fn on_event(&mut self, event: &Event<'_>) -> Result<(), String> {
        match event.kind {
            EventKind::SessionError => return Err(event.text.to_owned()),
            EventKind::ListenFailed => self.on_listen_failed(event.text),
            _ => {}
        }
        let Some(key) = event.key else { return Ok(()) };
        match event.kind {
            EventKind::Added => self.on_added(key),
            EventKind::AddFailed => self.on_add_failed(key, event),
            EventKind::Removed => self.on_removed(key),
            _ if self.entries.get(&key).is_none_or(|entry| entry.removal.is_some()) => {}
            EventKind::MetadataReceived => self.on_metadata(key),
            EventKind::StateChanged { to, .. } => {
                match to {
                    State::CheckingFiles => self.on_hashing(key),
                    State::Finished => self.on_own_flush(key),
                    _ => {}
                }
                self.stale = true;
            }
            EventKind::Checked => self.on_checked(key),
            EventKind::Finished => self.stale = true,
            EventKind::Resumed => self.on_resumed(key),
            EventKind::Paused => {
                // It is told before the resume data that follows.
                self.refresh(key);
                self.save(key);
            }
            EventKind::TorrentError | EventKind::FileError { .. } if self.is_resuming(key) => {}
            EventKind::TorrentError | EventKind::FileError { .. } => {
                self.fail(key, code_of(event.error), event.text);
            }
            // A peer that sent rubbish is no failure: another is asked.
            EventKind::MetadataFailed if !event.text.contains("mismatch") => {
                self.fail(key, "metadata_invalid", event.text);
            }
            EventKind::TorrentConflict { .. } => self.fail(key, "conflict", event.text),
            EventKind::ResumeData { pieces } => self.on_resume_data(key, event.blob, pieces),
            EventKind::ResumeDataFailed { .. } => self.on_no_resume_data(key, event.text),
            EventKind::Flushed => self.on_flushed(key),
            EventKind::StorageMoved => self.on_moved(key),
            EventKind::StorageMoveFailed => self.on_move_failed(key, event.text),
            EventKind::FastresumeRejected => self.on_resume_rejected(key, event.text),
            _ => {}
        }
        Ok(())
    }

    /// A torrent that changed.
    pub(crate) fn on_status(&mut self, status: &Status) {
        let key = status.key;
        let Some(entry) = self.entries.get_mut(&key) else { return };
        if entry.removal.is_some() {
            return;
        }
        entry.last = Some(*status);
        if status.total_done > entry.done_bytes && status.state == State::Downloading {
            self.receiving.entry(key).or_insert_with(Instant::now);
        }
        entry.done_bytes = status.total_done;
        if status.has_metadata && !entry.actual.has_metadata {
            self.on_metadata(key);
        }
        if status.state == State::CheckingResumeData {
            // What it has is not known yet, and its numbers are those of a torrent that has nothing.
            return;
        }
        let Some(entry) = self.entries.get_mut(&key) else { return };
        let totals = totals_of(status);
        let phase = phase_of(entry, status, self.unsettled.contains(&key));
        let id = entry.id;
        if phase.is_some() && phase != entry.phase {
            entry.phase = phase;
            self.outbox.put(EngineNotice::Phase { id, phase: phase.unwrap_or(Phase::Stopped), totals });
        }
        if entry.retrying && status.error_code == 0 && !status.flags.contains(TorrentFlags::UPLOAD_MODE) {
            entry.retrying = false;
            self.outbox.put(EngineNotice::Recovered { id });
        }
        if !status.is_finished {
            entry.finish_told = None;
        }
        let live = Live {
            phase: entry.phase,
            totals,
            download_bytes_per_second: status.payload_download_rate,
            upload_bytes_per_second: status.payload_upload_rate,
            peers: status.peers,
            seeds: status.seeds,
        };
        self.outbox.update(id, live);
        self.consider_finish(key);
    }

    pub(crate) fn refresh(&mut self, key: u64) {
        if let Ok(status) = self.session.status(key) {
            self.on_status(&status);
        }
    }

    /// Asks for the torrents that changed, if alerts spoke of any. What libtorrent answers waits in its queue in a moment.
    pub(crate) fn look_at_stale(&mut self) -> Result<(), String> {
        if std::mem::take(&mut self.stale) {
            self.session.post_updates().map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// Torrents that wait for their priorities are looked at until libtorrent follows them.
    pub(crate) fn settle(&mut self) {
        for key in self.unsettled.clone() {
            if self.entries.get(&key).is_some_and(|entry| entry.adding.is_some()) {
                continue;
            }
            self.refresh(key);
            self.consider_finish(key);
        }
    }

    /// Finished counts only once the rule in force is followed and every wanted byte is there; then it is saved, then told.
    pub(crate) fn consider_finish(&mut self, key: u64) {
        let Some(entry) = self.entries.get_mut(&key) else { return };
        let follows_rule =
            entry.applied.as_ref().map(|applied| applied.revision) == Some(entry.desired.selection_revision);
        if !follows_rule || entry.removal.is_some() || entry.desired.presence != Presence::Present {
            return;
        }
        if self.unsettled.contains(&key) {
            let actual = self.session.file_priorities(key).unwrap_or_default();
            if !follows(&actual, &entry.priorities) {
                return;
            }
            self.unsettled.remove(&key);
            let changed = std::mem::take(&mut entry.priorities_changed);
            self.raise_edges(key);
            if changed {
                self.save(key);
            }
            // Nothing else may come of it, and its phase was not told while it was unsettled.
            return self.refresh(key);
        }
        let Some(entry) = self.entries.get_mut(&key) else { return };
        let whole = entry.last.as_ref().is_some_and(|status| is_whole(entry, status));
        let news = entry.finish_told != Some(entry.desired.version) && !entry.is_finishing();
        let idle = entry.checking.is_none() && entry.failure.is_none();
        if whole && idle && news && !entry.desired.complete {
            entry.finish_told = Some(entry.desired.version);
            self.save_and_finish(key);
        }
    }

    fn on_resumed(&mut self, key: u64) {
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.resuming = false;
        }
        self.stale = true;
    }

    fn is_resuming(&self, key: u64) -> bool {
        self.entries.get(&key).is_some_and(|entry| entry.resuming)
    }

    fn on_hashing(&mut self, key: u64) {
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.hashing = true;
        }
        self.on_ready(key);
    }

    fn on_ready(&mut self, key: u64) {
        if let Some(entry) = self.entries.get_mut(&key)
            && !entry.actual.ready
        {
            entry.actual.ready = true;
            self.bring(key);
        }
    }

    pub(crate) fn on_checked(&mut self, key: u64) {
        let Some(entry) = self.entries.get_mut(&key) else { return };
        // Loading resume data says "checked" without a check: only one that was asked for counts.
        if entry.checking.is_none() && !entry.hashing {
            self.stale = true;
            return self.on_ready(key);
        }
        let (id, stands) = (entry.id, entry.actual.paused);
        let status = self.session.status(key);
        if let Ok(status) = &status {
            // What it does since is told before what the check came to, so that nobody finds it checked and checking.
            self.on_status(status);
        }
        let Some(entry) = self.entries.get_mut(&key) else { return };
        entry.hashing = false;
        match (entry.checking.take(), status) {
            (Some(request), Ok(status)) => {
                let (complete, totals) = (is_whole(entry, &status), totals_of(&status));
                self.outbox.put(EngineNotice::Rechecked { id, request, totals, complete });
                self.consider_finish(key);
                self.save(key);
                // It let go of its peers for the check.
                if !stands && let Err(error) = meet_again(&self.session, key) {
                    tracing::warn!(%error, torrent = %id, "a checked torrent does not look for its peers");
                }
            }
            (None, Ok(_)) => self.save(key),
            (_, Err(error)) => tracing::warn!(%error, torrent = %id, "a checked torrent has no status"),
        }
        self.on_ready(key);
    }

    fn on_moved(&mut self, key: u64) {
        let Some(entry) = self.entries.get_mut(&key) else { return };
        let Some(to) = entry.actual.moving_to.take() else { return };
        entry.actual.save_path = to.clone();
        entry.move_failed = false;
        self.outbox.put(EngineNotice::Moved { id: entry.id, save_path: to });
        self.save(key);
        self.bring(key);
    }

    pub(crate) fn on_move_failed(&mut self, key: u64, detail: &str) {
        let Some(entry) = self.entries.get_mut(&key) else { return };
        let Some(to) = entry.actual.moving_to.clone() else { return };
        if entry.desired.presence != Presence::Present {
            // Nobody waits for the move any more, and the removal waited for its end.
            entry.actual.moving_to = None;
            self.bring(key);
            return;
        }
        // It stays "moving" until the log knows better: else the next comparison would try again unasked.
        entry.move_failed = true;
        self.outbox.put(EngineNotice::MoveFailed { id: entry.id, save_path: to, detail: detail.to_owned() });
    }

    fn on_resume_rejected(&self, key: u64, reason: &str) {
        let Some(entry) = self.entries.get(&key) else { return };
        self.outbox.put(EngineNotice::Diverged {
            id: entry.id,
            field: "resume_data".to_owned(),
            expected: format!("{} verified bytes", entry.desired.expected_done_bytes),
            found: format!("rejected: {reason}"),
        });
    }

    /// A full disk fails every piece; it is told once, until it is tried again.
    pub(crate) fn fail(&mut self, key: u64, code: &'static str, detail: &str) {
        let Some(entry) = self.entries.get_mut(&key) else { return };
        entry.retrying = false;
        if entry.failure != Some(code) {
            entry.failure = Some(code);
            let (id, code) = (entry.id, code.to_owned());
            self.outbox.put(EngineNotice::Failed { id, code, detail: detail.to_owned() });
        }
        // A check that an error cut off will not be answered; the log may ask again.
        if let Some(request) = entry.checking.take() {
            let totals = entry.last.as_ref().map(totals_of).unwrap_or_default();
            self.outbox.put(EngineNotice::Rechecked { id: entry.id, request, totals, complete: false });
        }
    }
}

/// Whether every wanted byte is there. For a moment after new priorities libtorrent still wants nothing, and calls that
/// finished.
fn is_whole(entry: &Entry, status: &Status) -> bool {
    let wanted = entry.applied.as_ref().map_or(0, |applied| applied.wanted_bytes);
    status.is_finished
        && status.total_wanted >= wanted
        && status.has_metadata
        && matches!(status.state, State::Finished | State::Seeding)
        && status.total_wanted_done >= status.total_wanted
}

/// What the phase is, if it can be told: while libtorrent does not follow the rule yet, nothing is wanted and "finished" means
/// nothing.
fn phase_of(entry: &Entry, status: &Status, unsettled: bool) -> Option<Phase> {
    match status.state {
        _ if status.flags.contains(TorrentFlags::PAUSED | TorrentFlags::AUTO_MANAGED) => Some(Phase::Queued),
        _ if status.flags.contains(TorrentFlags::PAUSED) => Some(Phase::Stopped),
        State::CheckingFiles => Some(Phase::Checking),
        State::DownloadingMetadata => Some(Phase::Metadata),
        _ if entry.applied.is_none() => None,
        // Resume data of a finished torrent passes through here on its way to "finished".
        State::Downloading if status.total_wanted_done >= status.total_wanted => None,
        State::Downloading => Some(Phase::Downloading),
        State::CheckingResumeData => None,
        State::Finished | State::Seeding if unsettled || !is_whole(entry, status) => None,
        State::Finished | State::Seeding => Some(Phase::Seeding),
    }
}
