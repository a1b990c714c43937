//! What the torrents are found and sorted by, a column each.
//!
//! Looking at many torrents of which few are kept reads one column and hardly anything else, in the order in which it lies in memory.

use revaer_domain::values::TorrentId;

use super::entry::{Name, Place, PlaceKey, Sorted};
use crate::Sort;

/// Torrents by ordinal.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    ids: Vec<TorrentId>,
    added_at: Vec<i64>,
    /// The beginnings of the names, so that most comparisons need no name.
    heads: Vec<u64>,
    names: Vec<Box<str>>,
    sizes: Vec<i64>,
    progress: Vec<f64>,
    /// Numbers of their values.
    facets: Vec<Box<[u32]>>,
}

impl Columns {
    /// The ordinal of the torrent that is added next.
    pub(crate) fn next(&self) -> u32 {
        u32::try_from(self.ids.len()).expect("there are fewer torrents than ordinals")
    }

    /// Adds a torrent.
    pub(crate) fn push(&mut self, id: TorrentId, sorted: Sorted, facets: Box<[u32]>) {
        self.ids.push(id);
        self.added_at.push(sorted.added_at);
        self.heads.push(Name::of(&sorted.name).head);
        self.names.push(sorted.name);
        self.sizes.push(sorted.size);
        self.progress.push(sorted.progress);
        self.facets.push(facets);
    }

    /// Puts another torrent in the place of one.
    pub(crate) fn replace(&mut self, ordinal: u32, id: TorrentId, sorted: Sorted, facets: Box<[u32]>) {
        self.ids[ordinal as usize] = id;
        self.sort_by(ordinal, sorted);
        self.facets[ordinal as usize] = facets;
    }

    /// Changes what a torrent is sorted by.
    pub(crate) fn sort_by(&mut self, ordinal: u32, sorted: Sorted) {
        let at = ordinal as usize;
        self.added_at[at] = sorted.added_at;
        self.heads[at] = Name::of(&sorted.name).head;
        self.names[at] = sorted.name;
        self.sizes[at] = sorted.size;
        self.progress[at] = sorted.progress;
    }

    /// Whether a torrent has another key in an order than it would have by this.
    pub(crate) fn differs(&self, sort: Sort, ordinal: u32, sorted: &Sorted) -> bool {
        let at = ordinal as usize;
        match sort {
            Sort::AddedAt => self.added_at[at] != sorted.added_at,
            Sort::Name => self.names[at] != sorted.name,
            Sort::Size => self.sizes[at] != sorted.size,
            Sort::Progress => self.progress[at].to_bits() != sorted.progress.to_bits(),
        }
    }

    /// A torrent's place in an order.
    pub(crate) fn place(&self, sort: Sort, ordinal: u32) -> Place<'_> {
        let at = ordinal as usize;
        let key = match sort {
            Sort::AddedAt => PlaceKey::Number(self.added_at[at]),
            Sort::Name => PlaceKey::Name(Name { head: self.heads[at], whole: &self.names[at] }),
            Sort::Size => PlaceKey::Number(self.sizes[at]),
            Sort::Progress => PlaceKey::Progress(self.progress[at]),
        };
        Place { key, id: self.ids[at] }
    }

    /// A torrent's id.
    pub(crate) fn id(&self, ordinal: u32) -> TorrentId {
        self.ids[ordinal as usize]
    }

    /// A torrent's name, as it is searched.
    pub(crate) fn name(&self, ordinal: u32) -> &str {
        &self.names[ordinal as usize]
    }

    /// The numbers of a torrent's values.
    pub(crate) fn facets(&self, ordinal: u32) -> &[u32] {
        &self.facets[ordinal as usize]
    }

    /// Changes them; what they were.
    pub(crate) fn set_facets(&mut self, ordinal: u32, facets: Box<[u32]>) -> Box<[u32]> {
        std::mem::replace(&mut self.facets[ordinal as usize], facets)
    }

    /// Gives back what a torrent that is gone has held; its ordinal stays.
    pub(crate) fn clear(&mut self, ordinal: u32) {
        self.names[ordinal as usize] = Box::default();
        self.facets[ordinal as usize] = Box::default();
    }
}
