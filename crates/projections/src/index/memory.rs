//! The index itself: torrents by ordinal, and everything that leads to them.

use std::collections::HashMap;

use revaer_domain::values::TorrentId;

use super::entry::{Entry, Facet, Place, PlaceKey, Sorted, name_key};
use super::order::Order;
use super::postings::{Facets, Grams};
use crate::Sort;

/// Every order that a list can have.
const SORTS: [Sort; 4] = [Sort::AddedAt, Sort::Name, Sort::Size, Sort::Progress];

/// A torrent, under its ordinal.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) id: TorrentId,
    pub(crate) sorted: Sorted,
    /// Numbers of its values.
    facets: Box<[u32]>,
}

impl Known {
    /// One without values, to compare with.
    #[cfg(test)]
    pub(super) fn of(id: TorrentId, sorted: Sorted) -> Self {
        Self { id, sorted, facets: Box::default() }
    }

    /// Its place in an order.
    pub(crate) fn place(&self, sort: Sort) -> Place<'_> {
        let key = match sort {
            Sort::AddedAt => PlaceKey::Number(self.sorted.added_at),
            Sort::Name => PlaceKey::Name(name_key(&self.sorted.name)),
            Sort::Size => PlaceKey::Number(self.sorted.size),
            Sort::Progress => PlaceKey::Progress(self.sorted.progress),
        };
        Place { key, id: self.id }
    }
}

/// Some 300 bytes a torrent, more for long names.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// Under their ordinals; an ordinal of `free` has what it had before.
    known: Vec<Known>,
    free: Vec<u32>,
    ordinals: HashMap<TorrentId, u32>,
    pub(super) facets: Facets,
    pub(super) grams: Grams,
    /// In the order of [`SORTS`].
    orders: [Order; 4],
}

impl Memory {
    /// How many torrents there are.
    pub(crate) fn len(&self) -> usize {
        self.ordinals.len()
    }

    /// The torrent of an ordinal that came from here.
    pub(crate) fn known(&self, ordinal: u32) -> &Known {
        &self.known[ordinal as usize]
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
                self.known(*one).place(sort).compare(&self.known(*other).place(sort))
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
        let known = self.known(ordinal);
        let moved = [
            known.sorted.added_at != entry.sorted.added_at,
            known.sorted.name != entry.sorted.name,
            known.sorted.size != entry.sorted.size,
            known.sorted.progress.to_bits() != entry.sorted.progress.to_bits(),
        ];
        let moved: Vec<_> = SORTS.into_iter().zip(moved).filter(|(_, moved)| *moved).collect();
        // Found by their old keys, so before these change.
        for (sort, _) in &moved {
            self.leave(*sort, ordinal);
        }
        if moved.iter().any(|(sort, _)| *sort == Sort::Name) {
            self.grams.remove(&self.known[ordinal as usize].sorted.name, ordinal);
            self.grams.add(&entry.sorted.name, ordinal);
        }
        if !self.has_exactly(ordinal, &entry.facets) {
            // The new ones first: a value that stays keeps its number.
            let old = std::mem::take(&mut self.known[ordinal as usize].facets);
            let new: Box<[u32]> =
                entry.facets.into_iter().map(|facet| self.facets.add(facet, ordinal)).collect();
            for number in old.iter().filter(|number| !new.contains(number)) {
                self.facets.remove(*number, ordinal);
            }
            self.known[ordinal as usize].facets = new;
        }
        self.known[ordinal as usize].sorted = entry.sorted;
        for (sort, _) in &moved {
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
        let known = self.known(ordinal).facets.iter().map(|number| self.facets.value(*number));
        known.eq(facets)
    }

    /// Everything but the orders.
    fn note(&mut self, Entry { id, sorted, facets }: Entry) -> u32 {
        let ordinal = self.free.pop().unwrap_or_else(|| {
            u32::try_from(self.known.len()).expect("there are fewer torrents than ordinals")
        });
        self.grams.add(&sorted.name, ordinal);
        let facets = facets.into_iter().map(|facet| self.facets.add(facet, ordinal)).collect();
        let known = Known { id, sorted, facets };
        match self.known.get_mut(ordinal as usize) {
            Some(place) => *place = known,
            None => self.known.push(known),
        }
        self.ordinals.insert(id, ordinal);
        ordinal
    }

    /// Undoes `note`.
    fn forget(&mut self, id: TorrentId) {
        let Some(ordinal) = self.ordinals.remove(&id) else { return };
        let known = &mut self.known[ordinal as usize];
        self.grams.remove(&known.sorted.name, ordinal);
        for number in std::mem::take(&mut known.facets) {
            self.facets.remove(number, ordinal);
        }
        known.sorted.name = Box::default();
        self.free.push(ordinal);
    }

    fn enter(&mut self, sort: Sort, ordinal: u32) {
        let place = self.known[ordinal as usize].place(sort);
        let known = &self.known;
        self.orders[index(sort)]
            .insert(ordinal, |other| known[other as usize].place(sort).compare(&place).is_lt());
    }

    fn leave(&mut self, sort: Sort, ordinal: u32) {
        let place = self.known[ordinal as usize].place(sort);
        let known = &self.known;
        self.orders[index(sort)]
            .remove(ordinal, |other| known[other as usize].place(sort).compare(&place).is_lt());
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
