//! A sorted list of ordinals that is cheap to change anywhere: chunks, each short enough to shift.
//!
//! It does not know what it is sorted by. Whoever asks says of an ordinal whether it lies before the place that is meant; that must be
//! true of a beginning of the list and false of the rest.

/// A chunk of twice this is split: then an insertion moves a few KB at most, and the list of chunks stays short.
const CHUNK: usize = 512;

/// Ordinals in an order.
#[derive(Debug, Default)]
pub(crate) struct Order {
    /// None of them empty.
    chunks: Vec<Vec<u32>>,
}

impl Order {
    /// A list that is sorted already.
    pub(crate) fn of(sorted: &[u32]) -> Self {
        Self { chunks: sorted.chunks(CHUNK).map(<[u32]>::to_vec).collect() }
    }

    /// Puts an ordinal at its place.
    pub(crate) fn insert(&mut self, ordinal: u32, before: impl Fn(u32) -> bool) {
        let (mut number, mut index) = self.find(before);
        if number == self.chunks.len() {
            match self.chunks.last() {
                Some(last) => (number, index) = (number - 1, last.len()),
                None => self.chunks.push(Vec::with_capacity(2 * CHUNK)),
            }
        }
        let chunk = &mut self.chunks[number];
        chunk.insert(index, ordinal);
        if chunk.len() >= 2 * CHUNK {
            let rest = chunk.split_off(CHUNK);
            self.chunks.insert(number + 1, rest);
        }
    }

    /// Takes an ordinal from its place.
    pub(crate) fn remove(&mut self, ordinal: u32, before: impl Fn(u32) -> bool) {
        let (number, index) = self.find(before);
        let removed = self.chunks[number].remove(index);
        assert_eq!(removed, ordinal, "an ordinal lies where its key says");
        if self.chunks[number].is_empty() {
            self.chunks.remove(number);
        }
    }

    /// From the place on.
    pub(crate) fn from(&self, before: impl Fn(u32) -> bool) -> impl Iterator<Item = u32> {
        let (number, index) = self.find(before);
        let (first, rest) = self.chunks[number..]
            .split_first()
            .map_or((&[][..], &[][..]), |(first, rest)| (&first[index..], rest));
        first.iter().chain(rest.iter().flatten()).copied()
    }

    /// From just before the place backwards.
    pub(crate) fn back_from(&self, before: impl Fn(u32) -> bool) -> impl Iterator<Item = u32> {
        let (number, index) = self.find(before);
        let first = self.chunks.get(number).map_or(&[][..], |chunk| &chunk[..index]);
        self.chunks[..number].iter().flatten().chain(first).rev().copied()
    }

    /// The first ordinal that does not lie before the place: its chunk, and its index in that.
    fn find(&self, before: impl Fn(u32) -> bool) -> (usize, usize) {
        let number =
            self.chunks.partition_point(|chunk| chunk.last().is_some_and(|ordinal| before(*ordinal)));
        let index =
            self.chunks.get(number).map_or(0, |chunk| chunk.partition_point(|ordinal| before(*ordinal)));
        (number, index)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn changed_list_reads_as_a_sorted_set_in_both_directions(
            start in prop::collection::btree_set(0..5_000_u32, 0..3_000),
            changes in prop::collection::vec((any::<bool>(), 0..5_000_u32), 0..3_000),
            place in 0..5_000_u32,
        ) {
            let mut order = Order::of(&start.iter().copied().collect::<Vec<_>>());
            let mut set: BTreeSet<u32> = start;
            for (put, number) in changes {
                if put && set.insert(number) {
                    order.insert(number, |other| other < number);
                } else if !put && set.remove(&number) {
                    order.remove(number, |other| other < number);
                }
            }
            let before = |other| other < place;
            prop_assert!(order.from(before).eq(set.range(place..).copied()));
            prop_assert!(order.back_from(before).eq(set.range(..place).rev().copied()));
            prop_assert!(order.chunks.iter().all(|chunk| (1..2 * CHUNK).contains(&chunk.len())));
        }
    }
}
