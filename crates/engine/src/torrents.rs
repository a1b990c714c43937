//! The torrents of one session: what each is, should be, and is on its way to.
//!
//! Everything here runs on the session's thread, one thing after another. It may ask libtorrent and wait for the answer; it
//! never waits for anybody else.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use libtorrent_sys::{Session, Status, TorrentFlags};
use revaer_domain::torrent::{Phase, SelectionApplied, Totals};
use revaer_domain::values::{RateCap, TorrentId};
use tokio::sync::mpsc;

use crate::actual::Actual;
use crate::confine::LeadsOut;
use crate::deletion::Outcome;
use crate::desired::{Desired, Materials, Presence, Reconciliation};
use crate::diff::{EngineAction, after, diff};
use crate::notice::EngineNotice;
use crate::options::Options;
use crate::outbox::Outbox;
use crate::paths::folder;
use crate::profile::Profile;
use crate::saving::{Held, Purpose};

/// One torrent of the session.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each remembers one thing that libtorrent has yet to answer"
)]
pub(crate) struct Entry {
    pub(crate) id: TorrentId,
    pub(crate) key: u64,
    pub(crate) desired: Desired,
    pub(crate) actual: Actual,
    /// The limits that were last set.
    pub(crate) capped: RateCap,
    pub(crate) last: Option<Status>,
    pub(crate) phase: Option<Phase>,
    /// The code of the failure that was told.
    pub(crate) failure: Option<&'static str>,
    /// Tried again, and not yet seen to go on.
    pub(crate) retrying: bool,
    /// Tried again while it stood still: errors before it is resumed are those of the attempt before.
    pub(crate) resuming: bool,
    /// The check that runs.
    pub(crate) checking: Option<u32>,
    /// The move that failed; the log has not taken that yet.
    pub(crate) move_failed: bool,
    /// The version at which it was told that it is finished: told again when the log has moved on without it.
    pub(crate) finish_told: Option<u32>,
    /// The version at which its metadata was told.
    pub(crate) metadata_told: Option<u32>,
    pub(crate) priorities: Vec<u8>,
    /// Whether the first and last pieces of its files were raised above the others.
    pub(crate) edges_first: bool,
    /// Whether resume data is to be saved once libtorrent follows them.
    pub(crate) priorities_changed: bool,
    pub(crate) applied: Option<SelectionApplied>,
    /// Whether its files are being hashed.
    pub(crate) hashing: bool,
    pub(crate) saves: VecDeque<Purpose>,
    pub(crate) held: VecDeque<Held>,
    /// Flushes that libtorrent makes by itself and answers like ours.
    pub(crate) own_flushes: u32,
    pub(crate) done_bytes: u64,
    pub(crate) saved_bytes: u64,
    /// Its folder or only file.
    pub(crate) top: Option<String>,
    /// Its files, once it is on its way out.
    pub(crate) removal: Option<Vec<String>>,
}

impl Entry {
    pub(crate) const fn new(key: u64, desired: Desired, actual: Actual) -> Self {
        Self {
            id: desired.id,
            key,
            capped: desired.rate_cap,
            desired,
            actual,
            last: None,
            phase: None,
            failure: None,
            retrying: false,
            resuming: false,
            checking: None,
            move_failed: false,
            finish_told: None,
            metadata_told: None,
            priorities: Vec::new(),
            edges_first: false,
            priorities_changed: false,
            applied: None,
            hashing: false,
            saves: VecDeque::new(),
            held: VecDeque::new(),
            own_flushes: 0,
            done_bytes: 0,
            saved_bytes: 0,
            top: None,
            removal: None,
        }
    }
}

impl Entry {
    /// Whether resume data is on its way that it will be called finished with.
    pub(crate) fn is_finishing(&self) -> bool {
        self.saves.contains(&Purpose::Finish) || self.held.iter().any(Held::finishes)
    }
}

/// All of them.
pub(crate) struct Torrents {
    pub(crate) session: Arc<Session>,
    pub(crate) options: Arc<Options>,
    pub(crate) profile: Profile,
    /// Whether a torrent has or had a cap.
    pub(crate) ticks_finely: bool,
    /// Ports that could not be opened since the list of them last changed.
    pub(crate) listen_failures: Vec<String>,
    pub(crate) outbox: Outbox,
    pub(crate) entries: HashMap<u64, Entry>,
    pub(crate) keys: HashMap<TorrentId, u64>,
    /// Out of the session, while the log may not know it yet: whether the files went too, and what was told.
    pub(crate) gone: HashMap<TorrentId, (bool, EngineNotice)>,
    /// Those that receive pieces, and since when unsaved. Ticks look at these alone.
    pub(crate) receiving: HashMap<u64, Instant>,
    /// Those whose priorities libtorrent has yet to take over.
    pub(crate) unsettled: HashSet<u64>,
    /// Whether every torrent of the log was brought here, so that the files which two share are known.
    pub(crate) everything_here: bool,
    pub(crate) saving: usize,
    pub(crate) deleting: usize,
    pub(crate) deletions: mpsc::Sender<(TorrentId, Outcome)>,
    pub(crate) next_key: u64,
}

impl Torrents {
    pub(crate) fn new(
        session: Arc<Session>,
        options: Arc<Options>,
        outbox: Outbox,
        deletions: mpsc::Sender<(TorrentId, Outcome)>,
    ) -> Self {
        outbox.deaf(None);
        Self {
            session,
            profile: outbox.shared.profile(),
            ticks_finely: false,
            listen_failures: Vec::new(),
            options,
            outbox,
            entries: HashMap::new(),
            keys: HashMap::new(),
            gone: HashMap::new(),
            receiving: HashMap::new(),
            unsettled: HashSet::new(),
            everything_here: false,
            saving: 0,
            deleting: 0,
            deletions,
            // 0 is nobody's.
            next_key: 1,
        }
    }

    /// Compares one torrent with what it should be and does what is missing.
    pub(crate) fn reconcile(&mut self, mut desired: Desired, materials: Option<Materials>) -> Reconciliation {
        let id = desired.id;
        desired.queues = self.profile.queues();
        match (desired.presence, self.gone.get(&id)) {
            (Presence::Removing { delete_data }, Some((files_too, notice))) if *files_too || !delete_data => {
                self.outbox.put(notice.clone());
                return Reconciliation::Done;
            }
            _ => self.gone.remove(&id),
        };
        if desired.presence == (Presence::Removing { delete_data: true }) && !self.everything_here {
            return Reconciliation::TooEarly;
        }
        let Some(&key) = self.keys.get(&id) else { return self.absent(desired, materials) };
        if self.entries.get(&key).is_some_and(|entry| entry.desired.version == desired.version) {
            // Nothing new is asked for: a sweep, which looks whether libtorrent went its own way.
            self.look(key);
        }
        let Some(&key) = self.keys.get(&id) else { return self.absent(desired, materials) };
        if let Some(entry) = self.entries.get_mut(&key) {
            // Two reconciliations may overtake each other.
            if desired.version >= entry.desired.version {
                if entry.move_failed && desired.moving_to.is_none() {
                    entry.move_failed = false;
                    entry.actual.moving_to = None;
                }
                entry.desired = desired;
            }
        }
        self.bring(key);
        Reconciliation::Done
    }

    fn absent(&mut self, desired: Desired, materials: Option<Materials>) -> Reconciliation {
        let id = desired.id;
        match (desired.presence, materials) {
            (Presence::Gone, _) => {}
            (Presence::Removing { delete_data: false }, _) => {
                self.settle_removed(id, false, Outcome { data_deleted: false, left: Vec::new() });
            }
            (_, None) => return Reconciliation::NeedsMaterials,
            (Presence::Removing { delete_data: true }, Some(materials)) => {
                self.delete_absent(&desired, &materials);
            }
            (Presence::Present, Some(materials)) => {
                self.add(desired, materials);
                if let Some(&key) = self.keys.get(&id) {
                    self.bring(key);
                }
            }
        }
        Reconciliation::Done
    }

    /// Does what is missing, and tells again what the log seems not to know.
    pub(crate) fn bring(&mut self, key: u64) {
        let Some(entry) = self.entries.get_mut(&key) else { return };
        let actions = diff(&entry.desired, Some(&entry.actual));
        for action in &actions {
            let Some(entry) = self.entries.get_mut(&key) else { return };
            entry.actual = after(&entry.desired, Some(entry.actual.clone()), action);
            let done = self.act(key, action);
            self.outbox.acted(action, done.is_ok());
            if let Err(error) = done {
                tracing::warn!(%error, ?action, "libtorrent refuses a step");
            }
        }
        let Some(entry) = self.entries.get(&key) else { return };
        if entry.removal.is_some() {
            return;
        }
        let id = entry.id;
        if entry.actual.has_metadata && !entry.desired.files_known {
            self.tell_metadata(key);
        }
        let Some(entry) = self.entries.get(&key) else { return };
        if entry.desired.moving_to.as_ref() == Some(&entry.actual.save_path) {
            self.outbox.put(EngineNotice::Moved { id, save_path: entry.actual.save_path.clone() });
        }
        if let Some(applied) = &entry.applied
            && !entry.desired.selection_applied
            && applied.revision == entry.desired.selection_revision
        {
            self.outbox.put(EngineNotice::SelectionApplied { id, applied: applied.clone() });
        }
        self.consider_finish(key);
    }

    fn act(&mut self, key: u64, action: &EngineAction) -> Result<(), libtorrent_sys::Error> {
        let Some(entry) = self.entries.get_mut(&key) else { return Ok(()) };
        let session = &self.session;
        match action {
            EngineAction::Add => {}
            // A check of files stops where a torrent is paused: it ends the check first.
            EngineAction::Pause if entry.checking.is_some() => {
                session.set_flags(key, TorrentFlags::STOP_WHEN_READY, TorrentFlags::STOP_WHEN_READY)?;
            }
            EngineAction::Pause => session.set_flags(key, TorrentFlags::PAUSED, STANDING)?,
            EngineAction::Resume => {
                meet_again(session, key)?;
                let (flags, mask) = running(&entry.desired);
                session.set_flags(key, flags, mask)?;
            }
            EngineAction::SetQueued => {
                let (flags, mask) = running(&entry.desired);
                session.set_flags(key, flags, mask)?;
            }
            EngineAction::SetSequential => {
                let on = if entry.desired.sequential { TorrentFlags::SEQUENTIAL } else { TorrentFlags::NONE };
                session.set_flags(key, on, TorrentFlags::SEQUENTIAL)?;
                self.save(key);
            }
            EngineAction::SetRateCap => self.set_rate_cap(key)?,
            EngineAction::ApplySelection { .. } => {
                self.apply_selection(key)?;
            }
            EngineAction::Reannounce { request } => {
                session.reannounce(key)?;
                self.outbox.put(EngineNotice::Reannounced { id: entry.id, request: *request });
            }
            EngineAction::Recheck { request } => {
                entry.checking = Some(*request);
                entry.finish_told = None;
                session.clear_error(key)?;
                session.recheck(key)?;
                if entry.actual.paused {
                    // A paused torrent would wait with its check: it runs for the check and stands still again by itself.
                    session.set_flags(key, TorrentFlags::STOP_WHEN_READY, STANDING)?;
                }
            }
            EngineAction::Retry { .. } => {
                entry.failure = None;
                entry.retrying = true;
                entry.resuming =
                    !entry.desired.paused && session.status(key)?.flags.contains(TorrentFlags::PAUSED);
                session.clear_error(key)?;
                meet_again(session, key)?;
                if !entry.desired.paused {
                    let (flags, mask) = running(&entry.desired);
                    session.set_flags(key, flags, mask)?;
                }
                if self.unsettled.contains(&key) && entry.applied.is_some() {
                    // A file that cannot be opened makes libtorrent keep the priorities of before.
                    self.apply_selection(key)?;
                }
                self.session.post_status(key)?;
            }
            EngineAction::Move { to } => {
                let files = session.files(key).unwrap_or_default();
                let hashes = entry.desired.info_hashes;
                if let Err(LeadsOut(path)) = self.confine(hashes, to, &files) {
                    self.on_move_failed(key, &format!("`{path}` leads out of the download root"));
                    return Ok(());
                }
                let to = folder(&self.options.download_root, to);
                self.session.move_storage(key, &to.to_string_lossy())?;
            }
            EngineAction::Remove { .. } => self.remove(key),
        }
        Ok(())
    }
}

/// The flags that make a torrent stand still, now or soon, or leave that to libtorrent.
pub(crate) const STANDING: TorrentFlags =
    TorrentFlags(TorrentFlags::PAUSED.0 | TorrentFlags::STOP_WHEN_READY.0 | TorrentFlags::AUTO_MANAGED.0);

/// The flags that let a torrent run: at once, or when libtorrent's queue comes to it.
pub(crate) const fn running(desired: &Desired) -> (TorrentFlags, TorrentFlags) {
    if desired.queues {
        let mask = TorrentFlags(TorrentFlags::STOP_WHEN_READY.0 | TorrentFlags::AUTO_MANAGED.0);
        (TorrentFlags::AUTO_MANAGED, mask)
    } else {
        (TorrentFlags::NONE, STANDING)
    }
}

/// Lets a torrent connect at once to peers that it knew before it stood still. libtorrent lets each wait for a minute since
/// the last connection (`min_reconnect_time`), as if it had been the peer that left; leaving the upload mode makes it forget
/// when that was.
pub(crate) fn meet_again(session: &Session, key: u64) -> Result<(), libtorrent_sys::Error> {
    session.set_flags(key, TorrentFlags::UPLOAD_MODE, TorrentFlags::UPLOAD_MODE)?;
    session.set_flags(key, TorrentFlags::NONE, TorrentFlags::UPLOAD_MODE)
}

/// The counters of a status.
pub(crate) const fn totals_of(status: &Status) -> Totals {
    Totals {
        wanted_done_bytes: status.total_wanted_done,
        downloaded_bytes: status.all_time_download,
        uploaded_bytes: status.all_time_upload,
    }
}
