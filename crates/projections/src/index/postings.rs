//! Bitmaps of the torrents that have a value, and of those whose names have three bytes in a row.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use roaring::RoaringBitmap;

use super::entry::Facet;

/// One bitmap for each value. Values are numbered, so that a torrent remembers its own in four bytes each.
#[derive(Debug, Default)]
pub(crate) struct Facets {
    numbers: HashMap<Facet, u32>,
    postings: Vec<(Facet, RoaringBitmap)>,
    /// Numbers of values that nobody has any more.
    free: Vec<u32>,
}

impl Facets {
    /// Notes that a torrent has a value; the value's number.
    pub(crate) fn add(&mut self, facet: Facet, ordinal: u32) -> u32 {
        let number = match self.numbers.get(&facet) {
            Some(number) => *number,
            None => self.number(facet),
        };
        self.postings[number as usize].1.insert(ordinal);
        number
    }

    fn number(&mut self, facet: Facet) -> u32 {
        let posting = (facet.clone(), RoaringBitmap::new());
        let number = if let Some(number) = self.free.pop() {
            self.postings[number as usize] = posting;
            number
        } else {
            self.postings.push(posting);
            u32::try_from(self.postings.len() - 1).expect("there are fewer values than numbers")
        };
        self.numbers.insert(facet, number);
        number
    }

    /// Notes that a torrent has a value no more.
    pub(crate) fn remove(&mut self, number: u32, ordinal: u32) {
        let (facet, posting) = &mut self.postings[number as usize];
        // Only what was there: a torrent may have named a value twice.
        if posting.remove(ordinal) && posting.is_empty() {
            self.numbers.remove(facet);
            self.free.push(number);
        }
    }

    /// The value of a number.
    pub(crate) fn value(&self, number: u32) -> &Facet {
        &self.postings[number as usize].0
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.numbers.is_empty() && self.free.len() == self.postings.len()
    }

    /// The torrents that have a value; `None` if there are none.
    pub(crate) fn get(&self, facet: &Facet) -> Option<&RoaringBitmap> {
        self.numbers.get(facet).map(|number| &self.postings[*number as usize].1)
    }
}

/// One bitmap for every three bytes that stand in a name. Two NULs stand behind each name, which holds none itself, so that a part
/// of one or two bytes begins some of them, too.
#[derive(Debug, Default)]
pub(crate) struct Grams {
    postings: BTreeMap<[u8; 3], RoaringBitmap>,
}

impl Grams {
    /// Notes a name.
    pub(crate) fn add(&mut self, name: &str, ordinal: u32) {
        for gram in of_name(name) {
            self.postings.entry(gram).or_default().insert(ordinal);
        }
    }

    /// Forgets a name.
    pub(crate) fn remove(&mut self, name: &str, ordinal: u32) {
        for gram in of_name(name) {
            if let Some(posting) = self.postings.get_mut(&gram) {
                posting.remove(ordinal);
                if posting.is_empty() {
                    self.postings.remove(&gram);
                }
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.postings.is_empty()
    }

    /// Bitmaps that hold every torrent with a part in its name, and maybe others; `None` if there is no such torrent. What would
    /// cost more than it saves is left out: of a short part that is common, all.
    pub(crate) fn with(&self, part: &str, union_max: u64) -> Option<Vec<Cow<'_, RoaringBitmap>>> {
        let bytes = part.as_bytes();
        if bytes.len() >= 3 {
            let grams = bytes.windows(3).map(|gram| [gram[0], gram[1], gram[2]]);
            return grams.map(|gram| self.postings.get(&gram).map(Cow::Borrowed)).collect();
        }
        let (mut first, mut last) = ([0; 3], [u8::MAX; 3]);
        first[..bytes.len()].copy_from_slice(bytes);
        last[..bytes.len()].copy_from_slice(bytes);
        let mut union = RoaringBitmap::new();
        let mut met = 0;
        for posting in self.postings.range(first..=last).map(|(_, posting)| posting) {
            met += posting.len();
            if met > union_max {
                return Some(Vec::new());
            }
            union |= posting;
        }
        (met > 0).then(|| vec![Cow::Owned(union)])
    }
}

fn of_name(name: &str) -> impl Iterator<Item = [u8; 3]> {
    let bytes = name.as_bytes();
    let at = |index| bytes.get(index).copied().unwrap_or(0);
    (0..bytes.len()).map(move |index| [at(index), at(index + 1), at(index + 2)])
}
