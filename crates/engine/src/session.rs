//! The torrents of one session: acting on differences, and reading statuses and alerts into notices.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use libtorrent_sys::{
    AddTorrent, Event, EventKind, MetainfoLimits, Pump, RemoveFiles, SaveResume, Session, Source, State,
    Status, TorrentFlags,
};
use revaer_domain::selection::SelectionRule;
use revaer_domain::torrent::{Phase, SelectionApplied, Totals};
use revaer_domain::values::{InfoHashes, MagnetUri, TorrentId};

use crate::Options;
use crate::actual::Actual;
use crate::desired::{Desired, Presence};
use crate::diff::{EngineAction, book, diff};
use crate::handle::{Error, Live, Materials, Progress, Reconciliation, Shared};
use crate::notice::{EngineNotice, Notices, TorrentFile};
use crate::removal::{is_confined, remove_files};

const WITH_METADATA: SaveResume = SaveResume::SAVE_INFO_DICT;

/// A torrent of the session.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own about what is under way")]
struct Tracked {
    desired: Desired,
    actual: Actual,
    files: Files,
    phase: Option<Phase>,
    totals: Totals,
    has_failed: bool,
    done_at_retry: u64,
    told_finished: bool,
    /// The completion that waits for its resume data.
    finishing: Option<Totals>,
    saving: bool,
    saved_at: Instant,
    saved_downloaded: u64,
    checking: Option<u32>,
    pause_after_check: bool,
}

/// The files of a torrent, as libtorrent lists them.
#[derive(Default, Clone)]
struct Files {
    paths: Vec<String>,
    sizes: Vec<u64>,
    pads: Vec<bool>,
    parts: Vec<String>,
}

impl Files {
    fn of(list: &[libtorrent_sys::FileEntry], hashes: &InfoHashes) -> Self {
        Self {
            paths: list.iter().map(|file| file.path.clone()).collect(),
            sizes: list.iter().map(|file| file.size).collect(),
            pads: list.iter().map(|file| file.pad).collect(),
            // Where libtorrent keeps the bytes of skipped files that lie in wanted pieces.
            parts: hashes.iter().map(|hash| format!(".{:.40}.parts", hash.to_string())).collect(),
        }
    }

    fn real(&self) -> impl Iterator<Item = (&String, u64)> {
        self.paths
            .iter()
            .zip(&self.sizes)
            .zip(&self.pads)
            .filter(|(_, pad)| !**pad)
            .map(|((path, size), _)| (path, *size))
    }

    /// The priorities that a rule gives: for libtorrent's list, and as the fact that says so.
    fn apply(&self, rule: &SelectionRule, revision: u32) -> (Vec<u8>, SelectionApplied) {
        let selector = rule.compile().or_else(|_| SelectionRule::default().compile());
        let selector = selector.expect("the rule that wants everything compiles");
        let wanted: Vec<u8> = selector
            .priorities(self.real().map(|(path, _)| path.as_str()))
            .into_iter()
            .map(u8::from)
            .collect();
        let wanted_bytes =
            self.real().zip(&wanted).filter(|(_, priority)| **priority > 0).map(|((_, size), _)| size).sum();
        let applied =
            SelectionApplied { revision, priorities: SelectionApplied::runs(&wanted), wanted_bytes };
        let mut wanted = wanted.into_iter();
        // Padding is no file: it follows whatever libtorrent needs of it.
        let all = self.pads.iter().map(|pad| if *pad { 0 } else { wanted.next().unwrap_or(0) }).collect();
        (all, applied)
    }
}

/// A torrent that is on its way out.
struct Leaving {
    id: TorrentId,
    delete_data: bool,
    folder: PathBuf,
    files: Vec<String>,
}

/// Everything that the session holds.
pub(crate) struct Torrents {
    session: Session,
    options: Options,
    shared: Shared,
    notices: Notices,
    tracked: HashMap<u64, Tracked>,
    keys: HashMap<TorrentId, u64>,
    leaving: HashMap<u64, Leaving>,
    /// Torrents that received something since their resume data was saved.
    dirty: HashSet<u64>,
    next_key: u64,
}

impl Torrents {
    pub(crate) fn new(session: Session, options: Options, shared: Shared, notices: Notices) -> Self {
        Self {
            session,
            options,
            shared,
            notices,
            tracked: HashMap::new(),
            keys: HashMap::new(),
            leaving: HashMap::new(),
            dirty: HashSet::new(),
            next_key: 1,
        }
    }

    pub(crate) const fn session(&self) -> &Session {
        &self.session
    }

    /// Brings one torrent to what it should be.
    pub(crate) fn reconcile(
        &mut self,
        desired: Desired,
        materials: Option<Materials>,
    ) -> Result<Reconciliation, Error> {
        let key = self.keys.get(&desired.id).copied();
        if key.is_none() && self.leaving.values().any(|leaving| leaving.id == desired.id) {
            return Ok(Reconciliation::Done);
        }
        let actual = key.and_then(|key| self.tracked.get(&key)).map(|tracked| tracked.actual.clone());
        let actions = diff(&desired, actual.as_ref());
        if key.is_none() && materials.is_none() && desired.presence != Presence::Gone {
            return Ok(Reconciliation::NeedsMaterials);
        }
        let materials = materials.unwrap_or_default();
        let Some(key) = key else {
            match actions.first() {
                Some(EngineAction::Add) => self.add(desired, materials),
                Some(EngineAction::Remove { delete_data }) => {
                    self.remove_absent(&desired, *delete_data, &materials);
                }
                _ => {}
            }
            return Ok(Reconciliation::Done);
        };
        if let Some(tracked) = self.tracked.get_mut(&key) {
            tracked.desired = desired;
        }
        for action in actions {
            self.act(key, &action)?;
        }
        Ok(Reconciliation::Done)
    }

    fn act(&mut self, key: u64, action: &EngineAction) -> Result<(), Error> {
        let Some(tracked) = self.tracked.get_mut(&key) else { return Ok(()) };
        let id = tracked.desired.id;
        match action {
            EngineAction::Add => {}
            EngineAction::Pause => self.session.pause(key)?,
            EngineAction::Resume => self.session.resume(key)?,
            EngineAction::SetSequential(enabled) => {
                let flags = if *enabled { TorrentFlags::SEQUENTIAL } else { TorrentFlags::NONE };
                self.session.set_flags(key, flags, TorrentFlags::SEQUENTIAL)?;
            }
            EngineAction::SetRateCap(cap) => self.session.set_limits(
                key,
                cap.download_bytes_per_second.map(u32::from),
                cap.upload_bytes_per_second.map(u32::from),
            )?,
            EngineAction::ApplySelection(revision) => {
                let (priorities, applied) = tracked.files.apply(&tracked.desired.selection, *revision);
                self.session.set_file_priorities(key, &priorities)?;
                tracked.told_finished = false;
                self.notices.tell(EngineNotice::SelectionApplied { id, applied });
            }
            EngineAction::Reannounce(request) => {
                self.session.reannounce(key)?;
                self.notices.tell(EngineNotice::Reannounced { id, request: *request });
            }
            EngineAction::Recheck(request) => {
                if tracked.has_failed {
                    self.session.clear_error(key)?;
                }
                tracked.checking = Some(*request);
                self.session.recheck(key)?;
                // A paused torrent would not check: it runs without transferring anything, and stands still again after.
                if tracked.desired.paused {
                    tracked.pause_after_check = true;
                    self.session.set_flags(key, TorrentFlags::UPLOAD_MODE, TorrentFlags::UPLOAD_MODE)?;
                    self.session.resume(key)?;
                }
            }
            EngineAction::Retry(_) => {
                tracked.done_at_retry = tracked.totals.wanted_done_bytes;
                tracked.has_failed = true;
                self.session.clear_error(key)?;
                self.session.set_flags(key, TorrentFlags::NONE, TorrentFlags::UPLOAD_MODE)?;
                if !tracked.desired.paused {
                    self.session.resume(key)?;
                }
            }
            EngineAction::Move(to) => {
                let folder = self.options.download_root.join(to.as_str());
                self.session.move_storage(key, &folder.to_string_lossy())?;
            }
            EngineAction::Remove { delete_data } => {
                let folder = self.options.download_root.join(tracked.actual.save_path.as_str());
                let mut files: Vec<_> = tracked.files.real().map(|(path, _)| path.clone()).collect();
                files.extend(tracked.files.parts.iter().cloned());
                self.leaving.insert(key, Leaving { id, delete_data: *delete_data, folder, files });
                self.session.remove(key, RemoveFiles::Keep)?;
            }
            EngineAction::Drop => self.session.remove(key, RemoveFiles::Keep)?,
        }
        if let Some(tracked) = self.tracked.get_mut(&key) {
            book(&tracked.desired, &mut tracked.actual, action);
        }
        match action {
            EngineAction::Remove { .. } | EngineAction::Drop => self.forget(key),
            EngineAction::Reannounce(_) | EngineAction::Recheck(_) | EngineAction::Move(_) => {}
            _ => self.save(key, WITH_METADATA),
        }
        Ok(())
    }

    fn forget(&mut self, key: u64) {
        self.dirty.remove(&key);
        if let Some(tracked) = self.tracked.remove(&key) {
            let id = tracked.desired.id;
            self.keys.remove(&id);
            let mut board = self.shared.board();
            board.keys.remove(&id);
            board.live.remove(&id);
            board.moved.remove(&id);
            board.real_files.remove(&id);
        }
    }

    fn add(&mut self, desired: Desired, materials: Materials) {
        let id = desired.id;
        let diverged = |field: &str, expected: &str, found: String| EngineNotice::Diverged {
            id,
            field: field.to_owned(),
            expected: expected.to_owned(),
            found,
        };
        let refused = |code: &str, detail: String| EngineNotice::Failed { id, code: code.to_owned(), detail };
        let mut files = Files::default();
        if let Some(metainfo) = &materials.metainfo {
            match libtorrent_sys::parse_metainfo(metainfo, &limits()) {
                Ok(parsed) => files = Files::of(&parsed.files, &hashes(&parsed)),
                Err(error) => return self.notices.tell(refused("metadata_invalid", error.to_string())),
            }
        }
        if let Some(path) = files.paths.iter().find(|path| !is_confined(path)) {
            return self
                .notices
                .tell(refused("unsafe_path", format!("`{path}` leads out of the download root")));
        }
        let mut sources = Vec::new();
        if let Some(resume_data) = materials.resume_data {
            sources.push(Source::Resume { resume_data, metainfo: materials.metainfo.clone() });
        } else if desired.expected_done_bytes > 0 {
            self.notices.tell(diverged("resume_data", "present", "missing".to_owned()));
        }
        match (&materials.metainfo, &desired.magnet) {
            (Some(metainfo), _) => sources.push(Source::Metainfo(metainfo.clone())),
            (None, Some(magnet)) => sources.push(Source::Magnet(magnet.clone())),
            (None, None) => {}
        }
        let key = self.next_key;
        self.next_key += 1;
        let mut refusal = "neither its torrent file nor its resume data is there".to_owned();
        for source in sources {
            let is_resume = matches!(source, Source::Resume { .. });
            match self.session.add(key, &self.add_params(&desired, source, &files)) {
                Ok(()) => return self.track(key, desired, files),
                Err(error) if is_resume => {
                    self.notices.tell(diverged("resume_data", "accepted", error.to_string()));
                }
                Err(error) => refusal = error.to_string(),
            }
        }
        self.notices.tell(refused("not_addable", refusal));
    }

    fn add_params(&self, desired: &Desired, source: Source, files: &Files) -> AddTorrent {
        let mut flags = TorrentFlags::NONE;
        if desired.paused {
            flags = flags | TorrentFlags::PAUSED;
        }
        if desired.sequential {
            flags = flags | TorrentFlags::SEQUENTIAL;
        }
        if files.paths.is_empty() {
            // Nothing is wanted until the metadata is here and the rule was applied: no skipped file is ever created.
            flags = flags | TorrentFlags::DEFAULT_DONT_DOWNLOAD;
        }
        let own = desired.magnet.as_ref().and_then(|magnet| magnet.parse::<MagnetUri>().ok());
        let is_known = |tracker: &String| own.as_ref().is_some_and(|own| own.trackers().contains(tracker));
        AddTorrent {
            save_path: self
                .options
                .download_root
                .join(desired.save_path.as_str())
                .to_string_lossy()
                .into_owned(),
            flags,
            // What the log says wins over what resume data brings back.
            mask: TorrentFlags::PAUSED
                | TorrentFlags::AUTO_MANAGED
                | TorrentFlags::SEQUENTIAL
                | TorrentFlags::UPLOAD_MODE
                | TorrentFlags::SEED_MODE
                | TorrentFlags::SHARE_MODE
                | TorrentFlags::STOP_WHEN_READY
                | TorrentFlags::DEFAULT_DONT_DOWNLOAD,
            file_priorities: files.apply(&desired.selection, desired.selection_revision).0,
            download_bytes_per_second: desired.rate_cap.download_bytes_per_second.map(u32::from),
            upload_bytes_per_second: desired.rate_cap.upload_bytes_per_second.map(u32::from),
            trackers: match &source {
                Source::Magnet(_) => {
                    desired.trackers.iter().filter(|tracker| !is_known(tracker)).cloned().collect()
                }
                _ => desired.trackers.clone(),
            },
            peers: desired.peers.clone(),
            source,
        }
    }

    fn track(&mut self, key: u64, desired: Desired, files: Files) {
        let id = desired.id;
        let mut actual = Actual::default();
        book(&desired, &mut actual, &EngineAction::Add);
        actual.has_metadata = !files.paths.is_empty();
        if actual.has_metadata {
            actual.selection_revision = Some(desired.selection_revision);
            if !desired.selection_applied {
                let (_, applied) = files.apply(&desired.selection, desired.selection_revision);
                self.notices.tell(EngineNotice::SelectionApplied { id, applied });
            }
        }
        self.keys.insert(id, key);
        {
            let mut board = self.shared.board();
            board.keys.insert(id, key);
            board.real_files.insert(id, Arc::new(files.pads.iter().map(|pad| !pad).collect()));
        }
        let again = diff(&desired, Some(&actual));
        let tracked = Tracked {
            actual,
            files,
            phase: None,
            totals: Totals::default(),
            has_failed: desired.failed,
            done_at_retry: desired.expected_done_bytes,
            told_finished: false,
            finishing: None,
            saving: false,
            saved_at: Instant::now(),
            saved_downloaded: 0,
            checking: None,
            pause_after_check: false,
            desired,
        };
        self.tracked.insert(key, tracked);
        for action in again {
            if let Err(error) = self.act(key, &action) {
                tracing::warn!(%error, torrent = %id, ?action, "the session refuses");
            }
        }
    }

    /// A removal whose intent survived a crash and whose torrent did not.
    fn remove_absent(&mut self, desired: &Desired, delete_data: bool, materials: &Materials) {
        let files = materials
            .metainfo
            .as_ref()
            .and_then(|metainfo| libtorrent_sys::parse_metainfo(metainfo, &limits()).ok())
            .map(|parsed| Files::of(&parsed.files, &hashes(&parsed)))
            .unwrap_or_default();
        let mut paths: Vec<_> = files.real().map(|(path, _)| path.clone()).collect();
        paths.extend(files.parts);
        let folder = self.options.download_root.join(desired.save_path.as_str());
        self.finish_removal(Leaving { id: desired.id, delete_data, folder, files: paths });
    }

    /// Deals with the files of a torrent that is out of the session, beside the loop: a disk may be slow.
    fn finish_removal(&self, leaving: Leaving) {
        let notices = self.notices.clone();
        let root = self.options.download_root.clone();
        let shared: HashSet<PathBuf> = if leaving.delete_data { self.paths_of_all() } else { HashSet::new() };
        tokio::task::spawn_blocking(move || {
            let (data_deleted, left) = if leaving.delete_data {
                remove_files(&root, &leaving.folder, &leaving.files, &shared)
            } else {
                (false, Vec::new())
            };
            notices.tell(EngineNotice::Removed { id: leaving.id, data_deleted, left });
        });
    }

    fn paths_of_all(&self) -> HashSet<PathBuf> {
        let of = |tracked: &Tracked| {
            let folder = self.options.download_root.join(tracked.actual.save_path.as_str());
            tracked.files.real().map(move |(path, _)| folder.join(path)).collect::<Vec<_>>()
        };
        self.tracked.values().flat_map(of).collect()
    }

    /// Asks for the state of what changed; the answer comes as an alert.
    pub(crate) fn tick(&self) {
        if let Err(error) = self.session.post_updates() {
            tracing::warn!(%error, "no state updates");
        }
    }

    fn save(&mut self, key: u64, how: SaveResume) {
        let Some(tracked) = self.tracked.get_mut(&key) else { return };
        match self.session.save_resume_data(key, how) {
            Ok(()) => {
                tracked.saving = true;
                tracked.saved_at = Instant::now();
                tracked.saved_downloaded = tracked.totals.downloaded_bytes;
                self.dirty.remove(&key);
            }
            Err(error) => tracing::debug!(%error, torrent = %tracked.desired.id, "no resume data"),
        }
    }

    /// Resume data of torrents that received something and whose interval is over.
    pub(crate) fn save_what_is_due(&mut self) {
        let interval = self.options.resume_save_interval;
        let is_due = |key: &u64| {
            self.tracked
                .get(key)
                .is_some_and(|tracked| !tracked.saving && tracked.saved_at.elapsed() >= interval)
        };
        let due: Vec<_> = self.dirty.iter().copied().filter(is_due).collect();
        for key in due {
            self.save(key, WITH_METADATA | SaveResume::ONLY_IF_MODIFIED);
        }
    }

    /// Resume data of every torrent that changed since its last.
    pub(crate) fn save_all(&mut self) {
        let keys: Vec<_> = self.tracked.keys().copied().collect();
        for key in keys {
            self.save(key, WITH_METADATA | SaveResume::ONLY_IF_MODIFIED | SaveResume::FLUSH_DISK_CACHE);
        }
    }

    pub(crate) fn awaits_resume_data(&self) -> bool {
        self.tracked.values().any(|tracked| tracked.saving)
    }

    /// Takes everything that waits.
    pub(crate) fn pump(&mut self, pump: &mut Pump) -> Result<(), libtorrent_sys::Error> {
        pump.drain_wakeup();
        let batch = pump.pump()?;
        let mut moved = false;
        for status in batch.statuses {
            moved |= self.see(status);
        }
        for event in batch.events {
            self.hear(&event);
        }
        if batch.dropped {
            tracing::warn!("libtorrent dropped alerts; asking for every torrent again");
            let keys: Vec<_> = self.tracked.keys().copied().collect();
            for key in keys {
                if let Ok(status) = self.session.status(key) {
                    moved |= self.see(&status);
                }
            }
        }
        if moved {
            self.shared.progress.notify_one();
        }
        Ok(())
    }

    /// One status; answers whether its counters moved.
    fn see(&mut self, status: &Status) -> bool {
        let Some(tracked) = self.tracked.get_mut(&status.key) else { return false };
        let id = tracked.desired.id;
        let totals = totals_of(status);
        let received = totals.downloaded_bytes > tracked.totals.downloaded_bytes;
        tracked.totals = totals;
        if received {
            self.dirty.insert(status.key);
        }
        let follows_rule = tracked.actual.selection_revision == Some(tracked.desired.selection_revision);
        let phase = phase_of(status, tracked.actual.has_metadata && follows_rule, tracked.pause_after_check);
        if let Some(phase) = phase
            && tracked.phase != Some(phase)
        {
            tracked.phase = Some(phase);
            if phase == Phase::Downloading {
                tracked.told_finished = false;
            }
            self.notices.tell(EngineNotice::Phase { id, phase, totals });
        }
        let complete =
            matches!(status.state, State::Finished | State::Seeding) && status.has_metadata && follows_rule;
        let recovers = tracked.has_failed
            && status.error_code == 0
            && !status.flags.contains(TorrentFlags::UPLOAD_MODE)
            && (complete || totals.wanted_done_bytes > tracked.done_at_retry);
        if recovers {
            tracked.has_failed = false;
            self.notices.tell(EngineNotice::Recovered { id });
        }
        let due = totals.downloaded_bytes.saturating_sub(tracked.saved_downloaded)
            >= self.options.resume_save_bytes
            || (received && tracked.saved_at.elapsed() >= self.options.resume_save_interval);
        let due = due && !tracked.saving;
        let finishes =
            complete && !tracked.desired.complete && !tracked.told_finished && tracked.checking.is_none();
        if finishes {
            tracked.told_finished = true;
            tracked.finishing = Some(totals);
            self.save(status.key, WITH_METADATA | SaveResume::FLUSH_DISK_CACHE);
        } else if due {
            self.save(status.key, WITH_METADATA | SaveResume::ONLY_IF_MODIFIED);
        }
        let progress = Progress {
            id,
            totals,
            download_bytes_per_second: status.download_payload_rate,
            upload_bytes_per_second: status.upload_payload_rate,
            peers: status.peers,
            seeds: status.seeds,
        };
        let mut board = self.shared.board();
        let before = board.live.insert(id, Live { phase, progress });
        let moved = before.is_none_or(|before| before.progress != progress);
        if moved {
            board.moved.insert(id, progress);
        }
        moved
    }

    fn hear(&mut self, event: &Event<'_>) {
        let Some(key) = event.key else {
            if matches!(event.kind, EventKind::ListenFailed | EventKind::SessionError) {
                tracing::warn!(alert = event.text, "libtorrent warns");
            }
            return;
        };
        if event.kind == EventKind::Removed
            && let Some(leaving) = self.leaving.remove(&key)
        {
            return self.finish_removal(leaving);
        }
        let Some(tracked) = self.tracked.get_mut(&key) else { return };
        let id = tracked.desired.id;
        match event.kind {
            EventKind::MetadataReceived => self.take_metadata(key),
            EventKind::ResumeData { pieces } => {
                tracked.saving = false;
                let finishing = tracked.finishing.take();
                self.notices.tell(EngineNotice::ResumeData {
                    id,
                    body: event.blob.to_vec(),
                    piece_count: pieces,
                });
                if let Some(totals) = finishing {
                    self.notices.tell(EngineNotice::Finished { id, totals });
                }
            }
            EventKind::ResumeDataFailed { .. } => {
                tracked.saving = false;
                // The completion is told when its resume data is there; the next status asks again.
                if tracked.finishing.take().is_some() {
                    tracked.told_finished = false;
                }
            }
            EventKind::Checked => self.end_check(key),
            EventKind::Paused | EventKind::Finished => {
                self.save(key, WITH_METADATA | SaveResume::ONLY_IF_MODIFIED);
            }
            EventKind::FileError | EventKind::TorrentError | EventKind::MetadataFailed
                if !tracked.has_failed || tracked.desired.retry.is_pending() =>
            {
                tracked.has_failed = true;
                tracked.done_at_retry = tracked.totals.wanted_done_bytes;
                let code = failure_code(event);
                self.notices.tell(EngineNotice::Failed {
                    id,
                    code: code.to_owned(),
                    detail: event.text.to_owned(),
                });
            }
            EventKind::TorrentConflict { .. } => {
                let detail = "its metadata shows that it is here already as another torrent".to_owned();
                self.notices.tell(EngineNotice::Failed { id, code: "torrent_exists".to_owned(), detail });
            }
            EventKind::FastresumeRejected => self.notices.tell(EngineNotice::Diverged {
                id,
                field: "resume_data".to_owned(),
                expected: "matches the files".to_owned(),
                found: event.text.to_owned(),
            }),
            EventKind::StorageMoved => {
                if let Some(to) = tracked.actual.moving_to.take() {
                    tracked.actual.save_path = to.clone();
                    self.notices.tell(EngineNotice::Moved { id, save_path: to });
                    self.save(key, WITH_METADATA);
                }
            }
            EventKind::StorageMoveFailed => {
                if let Some(to) = tracked.actual.moving_to.take() {
                    let detail = event.text.to_owned();
                    self.notices.tell(EngineNotice::MoveFailed { id, save_path: to, detail });
                }
            }
            _ => {}
        }
    }

    /// A magnet has its metadata: the rule first, before libtorrent wants anything, then the news.
    fn take_metadata(&mut self, key: u64) {
        let Some(tracked) = self.tracked.get_mut(&key) else { return };
        let id = tracked.desired.id;
        let taken = self.session.metainfo(key).and_then(|metainfo| {
            let parsed = libtorrent_sys::parse_metainfo(&metainfo, &limits())?;
            Ok((metainfo, parsed))
        });
        let (metainfo, parsed) = match taken {
            Ok(taken) => taken,
            Err(error) => {
                let (code, detail) = ("metadata_invalid".to_owned(), error.to_string());
                return self.notices.tell(EngineNotice::Failed { id, code, detail });
            }
        };
        let info_hashes = hashes(&parsed);
        tracked.files = Files::of(&parsed.files, &info_hashes);
        if let Some(path) = tracked.files.paths.iter().find(|path| !is_confined(path)) {
            let (code, detail) =
                ("unsafe_path".to_owned(), format!("`{path}` leads out of the download root"));
            return self.notices.tell(EngineNotice::Failed { id, code, detail });
        }
        let revision = tracked.desired.selection_revision;
        let (priorities, applied) = tracked.files.apply(&tracked.desired.selection, revision);
        if let Err(error) = self.session.set_file_priorities(key, &priorities) {
            tracing::warn!(%error, torrent = %id, "the selection was not taken");
        }
        tracked.actual.has_metadata = true;
        tracked.actual.selection_revision = Some(revision);
        let real = tracked.files.pads.iter().map(|pad| !pad).collect();
        self.shared.board().real_files.insert(id, Arc::new(real));
        self.notices.tell(EngineNotice::MetadataReceived {
            id,
            metainfo,
            info_hashes,
            name: parsed.name,
            files: tracked
                .files
                .real()
                .map(|(path, size_bytes)| TorrentFile { path: path.clone(), size_bytes })
                .collect(),
            piece_length_bytes: parsed.piece_length,
            piece_count: parsed.piece_count,
            trackers: parsed.trackers,
        });
        self.notices.tell(EngineNotice::SelectionApplied { id, applied });
        self.save(key, WITH_METADATA);
    }

    /// Only a check that this session was asked for counts: loading resume data says "checked" too.
    fn end_check(&mut self, key: u64) {
        let Some(tracked) = self.tracked.get_mut(&key) else { return };
        let Some(request) = tracked.checking.take() else { return };
        let id = tracked.desired.id;
        if std::mem::take(&mut tracked.pause_after_check) {
            let _ = self.session.pause(key);
            let _ = self.session.set_flags(key, TorrentFlags::NONE, TorrentFlags::UPLOAD_MODE);
        }
        if let Ok(status) = self.session.status(key) {
            let totals = totals_of(&status);
            let complete = status.total_wanted_done >= status.total_wanted;
            tracked.told_finished = complete && tracked.desired.complete;
            self.notices.tell(EngineNotice::Rechecked { id, request, totals, complete });
        }
        self.save(key, WITH_METADATA);
    }
}

fn limits() -> MetainfoLimits {
    // What lies in the database passed the limit of its add; a magnet's metadata is bounded by libtorrent.
    MetainfoLimits { bytes_max: 128 << 20, ..MetainfoLimits::default() }
}

fn hashes(parsed: &libtorrent_sys::Metainfo) -> InfoHashes {
    InfoHashes { v1: parsed.info_hash_v1, v2: parsed.info_hash_v2 }
}

const fn totals_of(status: &Status) -> Totals {
    Totals {
        wanted_done_bytes: status.total_wanted_done,
        downloaded_bytes: status.all_time_download,
        uploaded_bytes: status.all_time_upload,
    }
}

/// `None` while libtorrent is between two things that matter.
fn phase_of(status: &Status, follows_rule: bool, runs_only_for_check: bool) -> Option<Phase> {
    let paused = status.flags.contains(TorrentFlags::PAUSED);
    match status.state {
        State::CheckingResumeData => None,
        State::CheckingFiles if paused => Some(Phase::Stopped),
        State::CheckingFiles => Some(Phase::Checking),
        _ if paused || runs_only_for_check => Some(Phase::Stopped),
        State::DownloadingMetadata => Some(Phase::Metadata),
        State::Downloading if status.has_metadata => Some(Phase::Downloading),
        // While nothing is wanted yet libtorrent calls the torrent finished.
        State::Finished | State::Seeding if follows_rule => Some(Phase::Seeding),
        _ => None,
    }
}

/// The stable code of a failure. The errors of files are the operating system's (`errno`).
fn failure_code(event: &Event<'_>) -> &'static str {
    if event.kind == EventKind::MetadataFailed {
        return "metadata_invalid";
    }
    match event.error {
        Some((28 | 122, "system" | "generic")) => "disk_full",
        Some((1 | 13 | 30, "system" | "generic")) => "permission_denied",
        Some((17 | 20 | 21, "system" | "generic")) => "not_a_directory",
        _ => "io_error",
    }
}
