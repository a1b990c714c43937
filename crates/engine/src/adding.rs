//! The add: one call that carries flags, limits, priorities and what was known before.
//!
//! What the log says wins over the flags in resume data. Resume data that libtorrent refuses is set aside: the torrent is
//! then added from its metainfo or magnet and checked.

use libtorrent_sys::{AddTorrent, FileEntry, Metainfo, MetainfoLimits, Source, TorrentFlags, parse_metainfo};
use revaer_domain::torrent::SelectionApplied;
use revaer_domain::values::{InfoHashes, RateCap, SavePath};

use crate::actual::Actual;
use crate::confine::{self, LeadsOut};
use crate::desired::{Desired, Materials};
use crate::failure::code_of_add;
use crate::notice::EngineNotice;
use crate::paths::{folder, is_confined, parts_files, top};
use crate::selecting::{difference, select};
use crate::torrents::{Entry, Torrents};

/// The flags that the log decides. Resume data brings some of them back from another life.
const DECIDED: u64 = TorrentFlags::PAUSED.0
    | TorrentFlags::AUTO_MANAGED.0
    | TorrentFlags::UPLOAD_MODE.0
    | TorrentFlags::SEED_MODE.0
    | TorrentFlags::SHARE_MODE.0
    | TorrentFlags::STOP_WHEN_READY.0
    | TorrentFlags::SEQUENTIAL.0
    | TorrentFlags::DEFAULT_DONT_DOWNLOAD.0;

/// Why a torrent cannot even be tried.
pub(crate) struct Unusable {
    pub(crate) code: &'static str,
    pub(crate) detail: String,
}

/// Reads metainfo and looks at its paths.
pub(crate) fn examined(metainfo: &[u8]) -> Result<Metainfo, Unusable> {
    let parsed = parse_metainfo(metainfo, &MetainfoLimits::default())
        .map_err(|error| Unusable { code: "metadata_invalid", detail: error.message })?;
    match parsed.files.iter().find(|file| !file.pad && !is_confined(&file.path)) {
        Some(file) => Err(Unusable { code: "unsafe_path", detail: file.path.clone() }),
        None => Ok(parsed),
    }
}

impl From<LeadsOut> for Unusable {
    fn from(LeadsOut(path): LeadsOut) -> Self {
        Self { code: "unsafe_path", detail: format!("`{path}` leads out of the download root") }
    }
}

impl Torrents {
    /// Looks for links that lead out of the download root, where the torrent is or would be.
    pub(crate) fn confine(
        &self,
        hashes: InfoHashes,
        save_path: &SavePath,
        files: &[FileEntry],
    ) -> Result<(), LeadsOut> {
        let parts = parts_files(hashes);
        let files = files.iter().filter(|file| !file.pad).map(|file| file.path.as_str());
        confine::check(
            &self.options.download_root,
            save_path.as_str(),
            files.chain(parts.iter().map(String::as_str)),
        )
    }

    /// Adds a torrent that the session does not have. What goes wrong is told as its failure.
    pub(crate) fn add(&mut self, desired: Desired, materials: Materials) {
        let id = desired.id;
        if let Err(Unusable { code, detail }) = self.try_add(desired, materials) {
            self.outbox.put(EngineNotice::Failed { id, code: code.to_owned(), detail });
        }
    }

    fn try_add(&mut self, desired: Desired, materials: Materials) -> Result<(), Unusable> {
        let metainfo = materials.metainfo.as_deref().map(examined).transpose()?;
        let selected = metainfo
            .as_ref()
            .map(|metainfo| select(&desired.selection, desired.selection_revision, &metainfo.files));
        let save_path = self.settled_place(&desired, metainfo.as_ref());
        let files = metainfo.as_ref().map(|metainfo| metainfo.files.as_slice()).unwrap_or_default();
        self.confine(desired.info_hashes, &save_path, files)?;
        let add = AddTorrent {
            source: Source::Magnet(String::new()),
            save_path: folder(&self.options.download_root, &save_path).to_string_lossy().into_owned(),
            flags: flags(&desired, metainfo.is_some()),
            mask: TorrentFlags(DECIDED),
            file_priorities: selected
                .as_ref()
                .map(|selected| selected.priorities.clone())
                .unwrap_or_default(),
            download_bytes_per_second: desired.rate_cap.download_bytes_per_second.map(u32::from),
            upload_bytes_per_second: desired.rate_cap.upload_bytes_per_second.map(u32::from),
            connections_max: self.profile.engine.connections_per_torrent_max,
            upload_slots_max: self.profile.engine.upload_slots_per_torrent_max,
            trackers: further_trackers(&desired, metainfo.as_ref()),
            peers: desired.peers.clone(),
        };
        if desired.rate_cap != RateCap::default()
            && let Err(error) = self.tick_finely()
        {
            tracing::warn!(%error, "the caps of torrents may be held coarsely");
        }
        let key = self.next_key;
        self.next_key += 1;
        let found = self.add_from_best(key, &desired, materials, add)?;
        if let (Some(found), Some(selected)) = (found, &selected) {
            self.compare_priorities(&desired, &found, &selected.priorities);
        }

        let mut actual = Actual { save_path, ..Actual::added(&desired) };
        actual.has_metadata = metainfo.is_some();
        actual.selection_revision = selected.as_ref().map(|selected| selected.applied.revision);
        let id = desired.id;
        let mut entry = Entry::new(key, desired, actual);
        // Until libtorrent follows the rule its word of "finished" is about the priorities of the resume data.
        self.unsettled.insert(key);
        if let Some(selected) = selected {
            self.tell_applied(&entry.desired, &selected.applied);
            entry.priorities = selected.priorities;
            entry.applied = Some(selected.applied);
        }
        entry.top =
            metainfo.and_then(|metainfo| metainfo.files.first().map(|file| top(&file.path).to_owned()));
        self.entries.insert(key, entry);
        self.keys.insert(id, key);
        self.outbox.enter(id, key);
        Ok(())
    }

    fn tell_applied(&self, desired: &Desired, applied: &SelectionApplied) {
        if !desired.selection_applied {
            self.outbox.put(EngineNotice::SelectionApplied { id: desired.id, applied: applied.clone() });
        }
    }

    /// The priorities that resume data brings and the log does not: a rule that it has not heard of as applied is no
    /// difference, but on its way.
    fn compare_priorities(&self, desired: &Desired, found: &[u8], wanted: &[u8]) {
        if desired.selection_applied
            && let Some((expected, found)) = difference(found, wanted)
        {
            self.outbox.put(EngineNotice::Diverged {
                id: desired.id,
                field: "selection".to_owned(),
                expected,
                found,
            });
        }
    }

    /// Resume data if there is some and libtorrent takes it; else metainfo, else the magnet. What the resume data says of
    /// priorities is given back.
    fn add_from_best(
        &self,
        key: u64,
        desired: &Desired,
        materials: Materials,
        mut add: AddTorrent,
    ) -> Result<Option<Vec<u8>>, Unusable> {
        let Materials { metainfo, resume_data } = materials;
        match resume_data {
            Some(resume_data) => {
                add.source = Source::Resume { resume_data, metainfo: metainfo.clone() };
                match self.session.add(key, &add) {
                    Ok(priorities) => return Ok(Some(priorities)),
                    Err(error) if code_of_add(&error) == "conflict" => return Err(refused(&error)),
                    Err(error) => self.diverged(desired, format!("refused: {}", error.message)),
                }
            }
            None if desired.expected_done_bytes > 0 => self.diverged(desired, "none".to_owned()),
            None => {}
        }
        add.source = match (metainfo, &desired.magnet) {
            (Some(metainfo), _) => Source::Metainfo(metainfo),
            (None, Some(magnet)) => Source::Magnet(magnet.clone()),
            (None, None) => {
                let detail = "there is neither metainfo nor a magnet URI".to_owned();
                return Err(Unusable { code: "metadata_missing", detail });
            }
        };
        self.session.add(key, &add).map_err(|error| refused(&error))?;
        Ok(None)
    }

    fn diverged(&self, desired: &Desired, found: String) {
        self.outbox.put(EngineNotice::Diverged {
            id: desired.id,
            field: "resume_data".to_owned(),
            expected: format!("{} verified bytes", desired.expected_done_bytes),
            found,
        });
    }

    /// Where the files are. After a crash in the middle of a move the log has the old place and the disk may have the new one.
    pub(crate) fn settled_place(&self, desired: &Desired, metainfo: Option<&Metainfo>) -> SavePath {
        let first =
            metainfo.and_then(|metainfo| metainfo.files.iter().find(|file| !file.pad && file.size > 0));
        if let (Some(to), Some(first)) = (&desired.moving_to, first) {
            let lies_in = |place| folder(&self.options.download_root, place).join(&first.path).exists();
            if lies_in(to) && !lies_in(&desired.save_path) {
                return to.clone();
            }
        }
        desired.save_path.clone()
    }
}

fn refused(error: &libtorrent_sys::Error) -> Unusable {
    Unusable { code: code_of_add(error), detail: error.message.clone() }
}

fn flags(desired: &Desired, has_metainfo: bool) -> TorrentFlags {
    let mut flags = TorrentFlags::NONE;
    if desired.stands_still() {
        flags = flags | TorrentFlags::PAUSED;
    } else if desired.queues {
        // It stands still until the queue comes to it: thousands must not begin at once.
        flags = flags | TorrentFlags::PAUSED | TorrentFlags::AUTO_MANAGED;
    }
    if desired.sequential {
        flags = flags | TorrentFlags::SEQUENTIAL;
    }
    if !has_metainfo {
        // Nothing is wanted until the rule can be applied: no skipped file ever appears on disk.
        flags = flags | TorrentFlags::DEFAULT_DONT_DOWNLOAD;
    }
    flags
}

/// The trackers that the source does not name by itself.
fn further_trackers(desired: &Desired, metainfo: Option<&Metainfo>) -> Vec<String> {
    let own = match (metainfo, &desired.magnet) {
        (Some(metainfo), _) => metainfo.trackers.clone(),
        (None, Some(magnet)) => {
            libtorrent_sys::parse_magnet(magnet).map(|magnet| magnet.trackers).unwrap_or_default()
        }
        (None, None) => Vec::new(),
    };
    desired.trackers.iter().filter(|tracker| !own.contains(tracker)).cloned().collect()
}
