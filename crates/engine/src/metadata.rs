//! The metadata of a magnet: judged, told, and the rule applied to it before a byte of it is on disk.

use libtorrent_sys::RemoveFiles;
use revaer_domain::values::InfoHashes;

use crate::adding::{Unusable, examined};
use crate::notice::{EngineNotice, TorrentFile};
use crate::paths::top;
use crate::torrents::Torrents;

impl Torrents {
    /// libtorrent knows the files now.
    pub(crate) fn on_metadata(&mut self, key: u64) {
        let Some(entry) = self.entries.get_mut(&key) else { return };
        if entry.actual.has_metadata {
            return;
        }
        entry.actual.has_metadata = true;
        if self.tell_metadata(key) {
            // The rule is applied here and now: nothing was wanted until this moment.
            self.bring(key);
            self.save(key);
        }
    }

    /// Tells it, at most once for each thing that the log says; whether it is fit to be used. What is not leaves the session.
    pub(crate) fn tell_metadata(&mut self, key: u64) -> bool {
        let Some(entry) = self.entries.get_mut(&key) else { return false };
        if entry.metadata_told == Some(entry.desired.version) {
            return true;
        }
        entry.metadata_told = Some(entry.desired.version);
        let (id, save_path) = (entry.id, entry.actual.save_path.clone());
        let judged = self
            .session
            .metainfo(key)
            .map_err(|error| Unusable { code: "metadata_invalid", detail: error.message })
            .and_then(|metainfo| Ok((examined(&metainfo)?, metainfo)))
            .and_then(|(parsed, metainfo)| {
                let hashes = InfoHashes { v1: parsed.info_hash_v1, v2: parsed.info_hash_v2 };
                self.confine(hashes, &save_path, &parsed.files)?;
                Ok((parsed, hashes, metainfo))
            });
        let (parsed, info_hashes, metainfo) = match judged {
            Ok(judged) => judged,
            Err(Unusable { code, detail }) => {
                // It wanted nothing yet, and in the session it might come to. The next attempt adds it anew.
                if let Err(error) = self.session.remove(key, RemoveFiles::Keep) {
                    tracing::warn!(%error, torrent = %id, "an unfit torrent cannot be taken out");
                }
                self.fail(key, code, &detail);
                self.forget(id, key);
                return false;
            }
        };
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.top = parsed.files.first().map(|file| top(&file.path).to_owned());
        }
        let files = parsed.files.into_iter().filter(|file| !file.pad);
        self.outbox.put(EngineNotice::MetadataReceived {
            id,
            metainfo,
            info_hashes,
            name: parsed.name,
            files: files.map(|file| TorrentFile { path: file.path, size_bytes: file.size }).collect(),
            piece_length_bytes: parsed.piece_length,
            piece_count: parsed.piece_count,
            trackers: parsed.trackers,
        });
        true
    }
}
