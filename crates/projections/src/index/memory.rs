//! The index itself: torrents by ordinal, and everything that leads to them.

use std::collections::HashMap;

use revaer_domain::values::TorrentId;

use super::columns::Columns;
use super::entry::{Entry, Facet};
use super::order::Order;
use super::postings::{Facets, Grams};
use super::tiers::Tiers;
use crate::Sort;

/// Every order that a list can have.
const SORTS: [Sort; 4] = [Sort::AddedAt, Sort::Name, Sort::Size, Sort::Progress];

/// All of it in proportion to the torrents that are there, some 350 bytes each.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    columns: Columns,
    /// Ordinals of torrents that are gone.
    free: Vec<u32>,
    ordinals: HashMap<TorrentId, u32>,
    pub(super) facets: Facets,
    pub(super) grams: Grams,
    pub(super) tiers: Tiers,
    /// In the order of [`SORTS`].
    orders: [Order; 4],
}

impl Memory {
    /// How many torrents there are.
    pub(crate) fn len(&self) -> usize {
        self.ordinals.len()
    }

    /// The torrents of ordinals that came from here.
    pub(crate) fn columns(&self) -> &Columns {
        &self.columns
    }

    /// All torrents in an order.
    pub(crate) fn order(&self, sort: Sort) -> &Order {
        &self.orders[index(sort)]
    }

    /// Takes in a torrent while the orders are not there yet.
    pub(crate) fn load(&mut self, entry: Entry) {
        self.forget(entry.id);
        self.note(entry);
    }

    /// Makes the orders when everything is loaded: one sort each is much quicker than as many insertions.
    pub(crate) fn arrange(&mut self) {
        for sort in SORTS {
            let mut all: Vec<u32> = self.ordinals.values().copied().collect();
            all.sort_unstable_by(|one, other| {
                self.columns.place(sort, *one).compare(&self.columns.place(sort, *other))
            });
            self.orders[index(sort)] = Order::of(&all);
        }
    }

    /// Takes in what a torrent's row says now.
    pub(crate) fn put(&mut self, entry: Entry) {
        let Some(ordinal) = self.ordinals.get(&entry.id).copied() else {
            let ordinal = self.note(entry);
            for sort in SORTS {
                self.enter(sort, ordinal);
            }
            return;
        };
        let moved: Vec<Sort> =
            SORTS.into_iter().filter(|sort| self.columns.differs(*sort, ordinal, &entry.sorted)).collect();
        // Found by their old keys, so before these change.
        for sort in &moved {
            self.leave(*sort, ordinal);
        }
        if moved.contains(&Sort::Name) {
            self.grams.remove(self.columns.name(ordinal), ordinal);
            self.grams.add(&entry.sorted.name, ordinal);
        }
        if !self.has_exactly(ordinal, &entry.facets) {
            // The new ones first: a value that stays keeps its number.
            let new: Box<[u32]> =
                entry.facets.into_iter().map(|facet| self.facets.add(facet, ordinal)).collect();
            let old = self.columns.set_facets(ordinal, new.clone());
            for number in old.iter().filter(|number| !new.contains(number)) {
                self.facets.remove(*number, ordinal);
            }
        }
        if moved.contains(&Sort::Progress) {
            self.tiers.remove(ordinal);
            self.tiers.add(ordinal, entry.sorted.progress);
        }
        self.columns.sort_by(ordinal, entry.sorted);
        for sort in &moved {
            self.enter(*sort, ordinal);
        }
    }

    /// Takes out a torrent that is in no list any more.
    pub(crate) fn remove(&mut self, id: TorrentId) {
        if let Some(ordinal) = self.ordinals.get(&id).copied() {
            for sort in SORTS {
                self.leave(sort, ordinal);
            }
            self.forget(id);
        }
    }

    fn has_exactly(&self, ordinal: u32, facets: &[Facet]) -> bool {
        self.columns.facets(ordinal).iter().map(|number| self.facets.value(*number)).eq(facets)
    }

    /// Everything but the orders.
    fn note(&mut self, Entry { id, sorted, facets }: Entry) -> u32 {
        let free = self.free.pop();
        // The bitmaps need the ordinal before the columns have it.
        let ordinal = free.unwrap_or_else(|| self.columns.next());
        self.grams.add(&sorted.name, ordinal);
        self.tiers.add(ordinal, sorted.progress);
        let facets = facets.into_iter().map(|facet| self.facets.add(facet, ordinal)).collect();
        match free {
            Some(ordinal) => self.columns.replace(ordinal, id, sorted, facets),
            None => self.columns.push(id, sorted, facets),
        }
        self.ordinals.insert(id, ordinal);
        ordinal
    }

    /// Undoes `note`.
    fn forget(&mut self, id: TorrentId) {
        let Some(ordinal) = self.ordinals.remove(&id) else { return };
        self.grams.remove(self.columns.name(ordinal), ordinal);
        self.tiers.remove(ordinal);
        for number in self.columns.facets(ordinal) {
            self.facets.remove(*number, ordinal);
        }
        self.columns.clear(ordinal);
        self.free.push(ordinal);
    }

    fn enter(&mut self, sort: Sort, ordinal: u32) {
        let place = self.columns.place(sort, ordinal);
        self.orders[index(sort)]
            .insert(ordinal, |other| self.columns.place(sort, other).compare(&place).is_lt());
    }

    fn leave(&mut self, sort: Sort, ordinal: u32) {
        let place = self.columns.place(sort, ordinal);
        self.orders[index(sort)]
            .remove(ordinal, |other| self.columns.place(sort, other).compare(&place).is_lt());
    }
}

const fn index(sort: Sort) -> usize {
    match sort {
        Sort::AddedAt => 0,
        Sort::Name => 1,
        Sort::Size => 2,
        Sort::Progress => 3,
    }
}
