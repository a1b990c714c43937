//! A page: which torrents, in which order, and where it ends.
//!
//! What can be asked for as a whole is intersected; then, of the two ways to the first of what is left, the cheaper one is taken: to
//! walk in the order and leave out what is not wanted, or to look at all that is wanted and keep the first. The walk is short where much
//! is wanted, unless all of it lies at the far end, so it gives up when it has cost as much as looking at all.

use std::borrow::Cow;
use std::sync::Arc;

use revaer_domain::values::TorrentId;
use roaring::RoaringBitmap;

use super::entry::{Facet, Kind, Place, PlaceKey};
use super::memory::Memory;
use super::tiers::Tier;
use crate::cursor::{Cursor, Key};
use crate::torrents::text;
use crate::{Sort, TorrentQuery};

/// Torrents that a bitmap which only suggests them need not reduce further: their names are looked at anyway.
const FEW: u64 = 256;

/// A page, still without its rows.
#[derive(Debug)]
pub(crate) struct Found {
    /// In their order.
    pub(crate) ids: Vec<TorrentId>,
    /// Where it ends, if more follow.
    pub(crate) end: Option<Cursor>,
}

impl Memory {
    /// The first `limit` torrents of a list after a place.
    pub(crate) fn find(&self, query: &TorrentQuery, after: Option<Place<'_>>, limit: usize) -> Found {
        let name = query.name.as_ref().map(|name| text(name).to_lowercase());
        let search = Search {
            memory: self,
            query,
            name: name.as_deref(),
            after,
            // One more, to know whether more follow.
            rows: limit + 1,
        };
        let mut ordinals = search.run();
        let more = ordinals.len() > limit;
        ordinals.truncate(limit);
        let end = ordinals
            .last()
            .filter(|_| more)
            .map(|last| cursor(self.columns().place(query.sort, *last), query));
        Found { ids: ordinals.iter().map(|ordinal| self.columns().id(*ordinal)).collect(), end }
    }
}

fn cursor(last: Place<'_>, query: &TorrentQuery) -> Cursor {
    let key = match (query.sort, last.key) {
        (_, PlaceKey::Name(name)) => Key::Name(name.key().to_owned()),
        (_, PlaceKey::Progress(progress)) => Key::Progress(progress.to_bits()),
        (Sort::Size, PlaceKey::Number(size)) => Key::Size(size),
        (_, PlaceKey::Number(time)) => Key::Time(time),
    };
    Cursor { key, id: last.id.to_string() }
}

struct Search<'a> {
    memory: &'a Memory,
    query: &'a TorrentQuery,
    /// As names are searched.
    name: Option<&'a str>,
    after: Option<Place<'a>>,
    rows: usize,
}

/// Which torrents may be wanted. Names are still to be looked at.
enum Wanted<'a> {
    All,
    /// As the index has them if one bitmap says it all: a copy may be a hundred kilobytes.
    These(Cow<'a, RoaringBitmap>),
}

impl<'a> Search<'a> {
    fn run(&self) -> Vec<u32> {
        match self.wanted() {
            None => Vec::new(),
            Some(Wanted::All) => self.walk(None, u64::MAX).unwrap_or_default(),
            Some(Wanted::These(these)) if self.query.sort == Sort::Progress && these.len() > FEW => {
                self.by_tier(&these)
            }
            Some(Wanted::These(these)) => self.first(&these, self.memory.len() as u64),
        }
    }

    /// The first of these, which may be thought of as spread evenly over a part of the order that has so many, and in which this
    /// search begins.
    fn first(&self, these: &RoaringBitmap, among: u64) -> Vec<u32> {
        let count = these.len();
        let steps_even = (self.rows as u64).saturating_mul(among) / count.max(1);
        let walked = if steps_even <= count { self.walk(Some(these), count) } else { None };
        walked.unwrap_or_else(|| self.scan(these))
    }

    /// The first of these by progress, tier by tier: what is wanted often lies in one alone.
    fn by_tier(&self, these: &RoaringBitmap) -> Vec<u32> {
        let descending = self.query.descending;
        let follows = |one: Tier, other: Tier| if descending { one < other } else { one > other };
        let past = self.after.and_then(|after| match after.key {
            PlaceKey::Progress(progress) => Some(Tier::of(progress)),
            _ => None,
        });
        let mut tiers = Tier::ALL;
        if descending {
            tiers.reverse();
        }
        let mut found = Vec::with_capacity(self.rows);
        for tier in tiers.into_iter().filter(|tier| past.is_none_or(|past| !follows(past, *tier))) {
            let within = self.memory.tiers.within(these, tier);
            if within.is_empty() {
                continue;
            }
            let after = if past == Some(tier) { self.after } else { tier.before(descending) };
            let search = Search { after, rows: self.rows - found.len(), ..*self };
            found.extend(search.first(&within, self.memory.tiers.len(tier)));
            if found.len() == self.rows {
                break;
            }
        }
        found
    }

    /// `None` if nothing can be found.
    fn wanted(&self) -> Option<Wanted<'a>> {
        let mut exact: Vec<Cow<'a, RoaringBitmap>> = Vec::new();
        for (kind, value) in [
            (Kind::State, self.query.state.map(|state| state.name().to_owned())),
            (Kind::Tracker, self.query.tracker.as_ref().map(|tracker| text(tracker).to_lowercase())),
            (Kind::Extension, self.query.extension.as_ref().map(|extension| text(extension).to_lowercase())),
            (Kind::Label, self.query.label.as_ref().map(|label| text(label))),
        ] {
            if let Some(value) = value {
                let facet = Facet { kind, value: Arc::from(value) };
                exact.push(Cow::Borrowed(self.memory.facets.get(&facet)?));
            }
        }
        let mut suggested = match self.name {
            None | Some("") => Vec::new(),
            Some(name) => self.memory.grams.with(name, self.memory.len() as u64 / 16)?,
        };
        suggested.sort_unstable_by_key(|bitmap| bitmap.len());
        exact.sort_unstable_by_key(|bitmap| bitmap.len());
        let mut these: Option<Cow<'a, RoaringBitmap>> = None;
        let exact_count = exact.len();
        for (number, bitmap) in exact.into_iter().chain(suggested).enumerate() {
            these = Some(match these {
                None => bitmap,
                Some(few) if number >= exact_count && few.len() <= FEW => few,
                Some(these) => Cow::Owned(these.as_ref() & bitmap.as_ref()),
            });
        }
        Some(these.map_or(Wanted::All, Wanted::These))
    }

    /// In the order from the place on; `None` if that takes too many steps.
    fn walk(&self, wanted: Option<&RoaringBitmap>, steps_max: u64) -> Option<Vec<u32>> {
        let (sort, columns) = (self.query.sort, self.memory.columns());
        let order = self.memory.order(sort);
        if self.query.descending {
            let before =
                |ordinal| self.after.is_none_or(|after| columns.place(sort, ordinal).compare(&after).is_lt());
            self.pick(order.back_from(before), wanted, steps_max)
        } else {
            let before = |ordinal| {
                self.after.is_some_and(|after| columns.place(sort, ordinal).compare(&after).is_le())
            };
            self.pick(order.from(before), wanted, steps_max)
        }
    }

    fn pick(
        &self,
        ordinals: impl Iterator<Item = u32>,
        wanted: Option<&RoaringBitmap>,
        steps_max: u64,
    ) -> Option<Vec<u32>> {
        let mut found = Vec::with_capacity(self.rows);
        for (steps, ordinal) in (0_u64..).zip(ordinals) {
            if steps >= steps_max {
                return None;
            }
            if wanted.is_none_or(|these| these.contains(ordinal)) && self.is_named(ordinal) {
                found.push(ordinal);
                if found.len() == self.rows {
                    break;
                }
            }
        }
        Some(found)
    }

    /// The first of all that is wanted.
    fn scan(&self, wanted: &RoaringBitmap) -> Vec<u32> {
        let (sort, columns) = (self.query.sort, self.memory.columns());
        let comes_before = |one: &Place<'_>, other: &Place<'_>| {
            let ordering = one.compare(other);
            if self.query.descending { ordering.reverse() } else { ordering }
        };
        let order =
            |one: &u32, other: &u32| comes_before(&columns.place(sort, *one), &columns.place(sort, *other));
        let mut found: Vec<u32> = Vec::new();
        // Nothing after this one is of the first any more.
        let mut last: Option<Place<'_>> = None;
        for ordinal in wanted {
            let place = columns.place(sort, ordinal);
            let follows = self.after.is_none_or(|after| comes_before(&place, &after).is_gt());
            let early = last.is_none_or(|last| comes_before(&place, &last).is_lt());
            if follows && early && self.is_named(ordinal) {
                found.push(ordinal);
                if found.len() >= 2 * self.rows {
                    let (_, nth, _) = found.select_nth_unstable_by(self.rows - 1, order);
                    last = Some(columns.place(sort, *nth));
                    found.truncate(self.rows);
                }
            }
        }
        found.sort_unstable_by(order);
        found.truncate(self.rows);
        found
    }

    fn is_named(&self, ordinal: u32) -> bool {
        self.name.is_none_or(|part| self.memory.columns().name(ordinal).contains(part))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;
    use ulid::Ulid;

    use super::super::columns::Columns;
    use super::super::entry::{Entry, Sorted};
    use super::*;

    fn entries() -> impl Strategy<Value = Vec<Entry>> {
        let name = select(vec!["", "a", "ab", "abc", "cab", "abcabd", "été", "zz top"]);
        // A value may come twice.
        let labels = prop::collection::vec(select(vec!["one", "two"]), 0..3);
        prop::collection::vec((0..50_u128, 0..4_i64, name, 0..4_i64, 0..3_u8, labels), 0..400).prop_map(
            |drawn| {
                let entry =
                    |(id, added_at, name, size, progress, labels): (_, _, &str, _, _, Vec<&str>)| Entry {
                        id: TorrentId::new(Ulid(id)),
                        sorted: Sorted {
                            added_at,
                            name: name.into(),
                            size,
                            progress: f64::from(progress) / 2.0,
                        },
                        facets: labels
                            .into_iter()
                            .map(|label| Facet { kind: Kind::Label, value: label.into() })
                            .collect(),
                    };
                drawn.into_iter().map(entry).collect()
            },
        )
    }

    fn query() -> impl Strategy<Value = TorrentQuery> {
        let name = prop::option::of(select(vec!["", "a", "ab", "abc", "bca", "zz ", "é", "q"]));
        let label = prop::option::of(select(vec!["one", "two", "three"]));
        let sort = select(vec![Sort::AddedAt, Sort::Name, Sort::Size, Sort::Progress]);
        (name, label, sort, any::<bool>()).prop_map(|(name, label, sort, descending)| TorrentQuery {
            name: name.map(str::to_owned),
            label: label.map(str::to_owned),
            sort,
            descending,
            ..TorrentQuery::default()
        })
    }

    proptest! {
        #[test]
        fn walk_and_scan_find_what_looking_at_everything_finds(
            first in entries(),
            then in entries(),
            gone in prop::collection::vec(0..50_u128, 0..20),
            query in query(),
            after in prop::option::of(0..50_u128),
            rows in 1..20_usize,
        ) {
            let mut memory = Memory::default();
            let mut all = std::collections::BTreeMap::new();
            let note = |all: &mut std::collections::BTreeMap<_, _>, entry: &Entry| {
                let labels: Vec<_> = entry.facets.iter().map(|facet| facet.value.clone()).collect();
                all.insert(entry.id, (entry.sorted.clone(), labels));
            };
            for entry in first {
                note(&mut all, &entry);
                memory.load(entry);
            }
            memory.arrange();
            for entry in then {
                note(&mut all, &entry);
                memory.put(entry);
            }
            for id in gone.into_iter().map(|id| TorrentId::new(Ulid(id))) {
                all.remove(&id);
                memory.remove(id);
            }
            let mut columns = Columns::default();
            let mut wanted = Vec::new();
            for (id, (sorted, labels)) in &all {
                let named = query.name.as_ref().is_none_or(|part| sorted.name.contains(part.as_str()));
                let labelled = query.label.as_ref().is_none_or(|label| labels.contains(&Arc::from(label.as_str())));
                if named && labelled {
                    wanted.push(columns.next());
                }
                columns.push(*id, sorted.clone(), Box::default());
            }
            let compare = |one: &Place<'_>, other: &Place<'_>| {
                if query.descending { other.compare(one) } else { one.compare(other) }
            };
            let place = |ordinal: u32| columns.place(query.sort, ordinal);
            wanted.sort_by(|one, other| compare(&place(*one), &place(*other)));
            let after = after
                .and_then(|id| (0..columns.next()).find(|ordinal| columns.id(*ordinal) == TorrentId::new(Ulid(id))))
                .map(place);
            let expected: Vec<_> = wanted
                .into_iter()
                .filter(|ordinal| after.is_none_or(|after| compare(&place(*ordinal), &after).is_gt()))
                .map(|ordinal| columns.id(ordinal))
                .take(rows)
                .collect();

            let name = query.name.clone();
            let search = Search { memory: &memory, query: &query, name: name.as_deref(), after, rows };
            let ids = |ordinals: Vec<u32>| -> Vec<_> {
                ordinals.into_iter().map(|ordinal| memory.columns().id(ordinal)).collect()
            };
            prop_assert_eq!(memory.len(), all.len());
            prop_assert_eq!(&ids(search.run()), &expected);
            if let Some(wanted) = search.wanted() {
                let these = match &wanted {
                    Wanted::All => None,
                    Wanted::These(these) => Some(these.as_ref()),
                };
                let walked = search.walk(these, u64::MAX).map(ids);
                prop_assert_eq!(walked.as_ref(), Some(&expected));
                if let Some(these) = these {
                    prop_assert_eq!(&ids(search.scan(these)), &expected);
                    if query.sort == Sort::Progress {
                        prop_assert_eq!(&ids(search.by_tier(these)), &expected);
                    }
                }
            }

            for id in all.into_keys() {
                memory.remove(id);
            }
            prop_assert!(memory.facets.is_empty() && memory.grams.is_empty(), "nothing is kept of what is gone");
        }
    }
}
