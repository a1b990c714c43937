//! What became of an add: the torrent is there and can be asked, or libtorrent would not have it.
//!
//! Whoever asked for the torrent is answered only now, so that nobody outside sees one that is half there.

use libtorrent_sys::Event;
use tokio::sync::oneshot;

use crate::adding::Adding;
use crate::deletion::Outcome;
use crate::desired::{Desired, Materials, Presence, Reconciliation};
use crate::failure::code_of_add;
use crate::notice::EngineNotice;
use crate::torrents::Torrents;

impl Adding {
    /// Says to all who wait that it was done.
    pub(crate) fn answer(self) {
        for reply in self.waiting {
            // Whoever asked may be gone; the torrent is right all the same.
            let _ = reply.send(Reconciliation::Done);
        }
    }
}

impl Torrents {
    /// Compares one torrent with what it should be, and answers when libtorrent has it.
    pub(crate) fn answer(
        &mut self,
        desired: Desired,
        materials: Option<Materials>,
        reply: oneshot::Sender<Reconciliation>,
    ) {
        let id = desired.id;
        let reconciliation = self.reconcile(desired, materials);
        let entry = self.keys.get(&id).and_then(|key| self.entries.get_mut(key));
        match entry.and_then(|entry| entry.adding.as_mut()) {
            Some(adding) if reconciliation == Reconciliation::Done => adding.waiting.push(reply),
            _ => {
                // Whoever asked may be gone.
                let _ = reply.send(reconciliation);
            }
        }
    }

    /// It is there.
    pub(crate) fn on_added(&mut self, key: u64) {
        let Some(entry) = self.entries.get_mut(&key) else { return };
        let Some(adding) = entry.adding.take() else { return };
        self.outbox.enter(entry.id, key);
        if adding.posted.held_back
            && let Err(error) = self.session.set_file_priorities(key, &entry.priorities)
        {
            tracing::warn!(%error, torrent = %entry.id, "files that resume data left out stay left out");
        }
        if let Some(entry) = self.entries.get(&key)
            && adding.resumed
            && entry.applied.is_some()
        {
            self.compare_priorities(&entry.desired, &adding.posted.found, &entry.priorities);
        }
        if !adding.posted.held_back {
            // libtorrent follows the rule from the start, so nothing waits for that.
            self.raise_edges(key);
        }
        // What was asked for meanwhile waited for it.
        self.bring(key);
        adding.answer();
    }

    /// libtorrent would not have it.
    pub(crate) fn on_add_failed(&mut self, key: u64, event: &Event<'_>) {
        let Some(entry) = self.entries.get_mut(&key) else { return };
        let Some(adding) = entry.adding.take() else { return };
        let (id, presence, code) = (entry.id, entry.desired.presence, code_of_add(event.error));
        match presence {
            Presence::Removing { delete_data: true } => {
                // Nobody would ask again: its files go as if it had been there.
                let (save_path, hashes) = (entry.actual.save_path.clone(), entry.desired.info_hashes);
                entry.actual.removing = Some(true);
                entry.removal = Some(adding.files.clone());
                self.delete(id, &save_path, adding.files.clone(), hashes);
            }
            Presence::Removing { delete_data: false } => {
                self.settle_removed(id, false, Outcome { data_deleted: false, left: Vec::new() });
            }
            Presence::Gone => self.forget(id, key),
            Presence::Present => {
                let desired = entry.desired.clone();
                self.forget(id, key);
                if adding.resumed && code != "conflict" {
                    // It is set aside, and the torrent is asked for again without it.
                    self.diverged(&desired, format!("refused: {}", event.text));
                } else {
                    let (code, detail) = (code.to_owned(), event.text.to_owned());
                    self.outbox.put(EngineNotice::Failed { id, code, detail });
                }
            }
        }
        adding.answer();
    }
}
