//! The way out: out of the session first, then, if asked, the files, then the word that it is done.
//!
//! A removal that a crash cut off needs no session: the log says so, the metainfo names the files, and they are deleted.

use std::collections::HashSet;
use std::path::PathBuf;

use libtorrent_sys::RemoveFiles;
use revaer_domain::values::{InfoHashes, SavePath, TorrentId};

use crate::actual::Actual;
use crate::adding::examined;
use crate::deletion::{Deletion, Outcome, whole};
use crate::desired::{Desired, Materials, Presence};
use crate::notice::EngineNotice;
use crate::paths::{parts_files, top};
use crate::torrents::{Entry, Torrents};

impl Torrents {
    pub(crate) fn remove(&mut self, key: u64) {
        let Some(entry) = self.entries.get_mut(&key) else { return };
        if entry.removal.is_some() {
            // Under way already; now its files go too.
            return;
        }
        let files = self.session.files(key).unwrap_or_default();
        entry.removal = Some(files.into_iter().filter(|file| !file.pad).map(|file| file.path).collect());
        self.forget_saves(key);
        self.receiving.remove(&key);
        self.unsettled.remove(&key);
        if let Err(error) = self.session.remove(key, RemoveFiles::Keep) {
            tracing::warn!(%error, key, "libtorrent has no such torrent to remove");
            self.on_removed(key);
        }
    }

    /// libtorrent let go of it.
    pub(crate) fn on_removed(&mut self, key: u64) {
        let Some(entry) = self.entries.get_mut(&key) else { return };
        let id = entry.id;
        let Some(files) = entry.removal.clone() else {
            self.left_unasked(key);
            return;
        };
        if entry.actual.removing != Some(true) {
            self.settle_removed(id, false, Outcome { data_deleted: false, left: Vec::new() });
            return;
        }
        let (save_path, hashes) = (entry.actual.save_path.clone(), entry.desired.info_hashes);
        self.delete(id, &save_path, files, hashes);
    }

    /// A removal that a crash cut off: the files are known from the metainfo, and the session has no part in it.
    pub(crate) fn delete_absent(&mut self, desired: &Desired, materials: &Materials) {
        // Files that nobody knows were never written.
        let metainfo = materials.metainfo.as_deref().and_then(|metainfo| examined(metainfo).ok());
        let save_path = self.settled_place(desired, metainfo.as_ref());
        let files = metainfo.map(|metainfo| metainfo.files).unwrap_or_default();
        let files: Vec<String> = files.into_iter().filter(|file| !file.pad).map(|file| file.path).collect();
        let (id, hashes) = (desired.id, desired.info_hashes);
        let key = self.next_key;
        self.next_key += 1;
        let mut entry = Entry::new(key, desired.clone(), Actual::added(desired));
        entry.actual.removing = Some(true);
        entry.removal = Some(files.clone());
        self.entries.insert(key, entry);
        self.keys.insert(id, key);
        self.delete(id, &save_path, files, hashes);
    }

    pub(crate) fn delete(
        &mut self,
        id: TorrentId,
        save_path: &SavePath,
        files: Vec<String>,
        hashes: InfoHashes,
    ) {
        let root = self.options.download_root.clone();
        let save_path = save_path.as_str().to_owned();
        let shared = self.shared_files(id, &save_path, &files);
        let deletion = Deletion { root, save_path, files, traces: parts_files(hashes), shared };
        self.deleting += 1;
        let done = self.deletions.clone();
        tokio::task::spawn_blocking(move || {
            // The session ended meanwhile: the removal is still in the log and is done again.
            let _ = done.blocking_send((id, deletion.carry_out()));
        });
    }

    /// Whole paths that another torrent of the session has too.
    fn shared_files(&self, id: TorrentId, save_path: &str, files: &[String]) -> HashSet<PathBuf> {
        let root = &self.options.download_root;
        let Some(first) = files.first() else { return HashSet::new() };
        let own = whole(root, save_path, top(first));
        let mut shared = HashSet::new();
        for other in
            self.entries.values().filter(|other| other.id != id && other.actual.removing != Some(true))
        {
            let Some(top) = &other.top else { continue };
            let places = std::iter::once(&other.actual.save_path).chain(&other.actual.moving_to);
            let near: Vec<_> = places
                .filter(|place| {
                    let theirs = whole(root, place.as_str(), top);
                    theirs.starts_with(&own) || own.starts_with(&theirs)
                })
                .collect();
            if near.is_empty() {
                continue;
            }
            let files: Vec<String> = if let Some(adding) = &other.adding {
                adding.files.clone()
            } else {
                let files = self.session.files(other.key).unwrap_or_default();
                files.into_iter().map(|file| file.path).collect()
            };
            for place in near {
                shared.extend(files.iter().map(|path| whole(root, place.as_str(), path)));
            }
        }
        shared
    }

    pub(crate) fn on_deleted(&mut self, id: TorrentId, outcome: Outcome) {
        self.deleting -= 1;
        self.settle_removed(id, true, outcome);
    }

    pub(crate) fn settle_removed(&mut self, id: TorrentId, files_too: bool, outcome: Outcome) {
        let escalated = self.keys.get(&id).and_then(|key| self.entries.get(key)).is_some_and(|entry| {
            !files_too && entry.desired.presence == Presence::Removing { delete_data: true }
        });
        if let Some(&key) = self.keys.get(&id) {
            self.forget(id, key);
        }
        if escalated {
            // The next reconciliation deletes; telling now would end the removal before.
            return;
        }
        let Outcome { data_deleted, left } = outcome;
        let notice = EngineNotice::Removed { id, data_deleted, left };
        self.gone.insert(id, (files_too, notice.clone()));
        self.outbox.put(notice);
    }

    pub(crate) fn forget(&mut self, id: TorrentId, key: u64) {
        self.forget_saves(key);
        if let Some(Entry { adding: Some(adding), .. }) = self.entries.remove(&key) {
            adding.answer();
        }
        self.keys.remove(&id);
        self.receiving.remove(&key);
        self.unsettled.remove(&key);
        self.outbox.leave(id);
    }
}
