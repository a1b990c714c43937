//! A bounded cache of folded torrents, so that a command does not read its stream again.
//!
//! It is never the truth. An append names the version that it expects, and a conflict evicts the entry; whoever answers
//! without an append asks the log first whether the entry is the newest.

use std::collections::HashMap;

use revaer_domain::torrent::Torrent;
use revaer_domain::values::TorrentId;
use revaer_event_log::{Position, Version};

/// A torrent as folded at a version.
#[derive(Debug, Clone, Default)]
pub(crate) struct Folded {
    pub(crate) torrent: Torrent,
    pub(crate) version: Version,
    /// The stream's last fact.
    pub(crate) position: Position,
}

/// Two generations: when the young one is full it becomes the old one, and what nobody asked for since is dropped.
#[derive(Debug)]
pub(crate) struct Cache {
    young: HashMap<TorrentId, Folded>,
    old: HashMap<TorrentId, Folded>,
    generation_entries_max: usize,
}

impl Cache {
    /// Holds between `generation_entries_max` and twice as many torrents.
    pub(crate) fn new(generation_entries_max: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), generation_entries_max }
    }

    pub(crate) fn get(&mut self, id: TorrentId) -> Option<Folded> {
        if let Some(folded) = self.young.get(&id) {
            return Some(folded.clone());
        }
        let folded = self.old.remove(&id)?;
        self.put(id, folded.clone());
        Some(folded)
    }

    /// Keeps what is newer: a reader may come with what it read before a command was carried out.
    pub(crate) fn put(&mut self, id: TorrentId, folded: Folded) {
        let known = self.young.get(&id).or_else(|| self.old.get(&id));
        // What was never added is not worth a place.
        if folded.version == 0 || known.is_some_and(|known| known.version > folded.version) {
            return;
        }
        if self.young.len() >= self.generation_entries_max {
            self.old = std::mem::take(&mut self.young);
        }
        self.old.remove(&id);
        self.young.insert(id, folded);
    }

    pub(crate) fn evict(&mut self, id: TorrentId) {
        self.young.remove(&id);
        self.old.remove(&id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ulid::Ulid;

    fn folded(version: Version) -> Folded {
        Folded { torrent: Torrent::default(), version, position: Position(0) }
    }

    #[test]
    fn cache_stays_bounded_and_keeps_what_is_asked_for() {
        let id = |n| TorrentId::new(Ulid(n));
        let mut cache = Cache::new(10);
        for n in 0..100 {
            cache.put(id(n), folded(1));
            assert!(cache.get(id(0)).is_some(), "asked for in every generation");
        }
        assert!(cache.young.len() + cache.old.len() <= 20);
        assert!(cache.get(id(1)).is_none());
        cache.evict(id(0));
        assert!(cache.get(id(0)).is_none());
    }

    #[test]
    fn reader_that_comes_late_does_not_undo_a_command() {
        let id = TorrentId::new(Ulid(1));
        let mut cache = Cache::new(10);
        cache.put(id, folded(6));
        cache.put(id, folded(5));
        assert_eq!(cache.get(id).map(|folded| folded.version), Some(6));
        cache.put(TorrentId::new(Ulid(2)), folded(0));
        assert!(cache.get(TorrentId::new(Ulid(2))).is_none());
    }
}
