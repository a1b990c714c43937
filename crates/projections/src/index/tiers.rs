//! Where in the order by progress a torrent lies: at the beginning, in the middle, at the end.
//!
//! Most torrents are complete, and most others not begun. What is asked for often goes with that (`seeding` is complete), so that all
//! of it lies at one end of the order and nothing of it elsewhere: it is to be looked for there.

use std::borrow::Cow;

use revaer_domain::values::TorrentId;
use roaring::RoaringBitmap;
use ulid::Ulid;

use super::entry::{Place, PlaceKey};

/// A part of the order by progress, lowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tier {
    NotBegun,
    Begun,
    Complete,
}

impl Tier {
    pub(crate) const ALL: [Self; 3] = [Self::NotBegun, Self::Begun, Self::Complete];

    pub(crate) fn of(progress: f64) -> Self {
        if progress >= 1.0 {
            Self::Complete
        } else if progress <= 0.0 {
            Self::NotBegun
        } else {
            Self::Begun
        }
    }

    /// A place that nobody has, just before all of the tier in a direction; `None` if nothing lies before it.
    pub(crate) fn before(self, descending: bool) -> Option<Place<'static>> {
        let place = |progress, id| Place { key: PlaceKey::Progress(progress), id: TorrentId::new(Ulid(id)) };
        match (self, descending) {
            (Self::NotBegun, false) | (Self::Complete, true) => None,
            (Self::Begun, false) => Some(place(0.0, u128::MAX)),
            (Self::Complete, false) => Some(place(1.0_f64.next_down(), u128::MAX)),
            (Self::Begun, true) => Some(place(1.0, 0)),
            (Self::NotBegun, true) => Some(place(0.0_f64.next_up(), 0)),
        }
    }
}

/// The torrents at the two ends.
#[derive(Debug, Default)]
pub(crate) struct Tiers {
    not_begun: RoaringBitmap,
    complete: RoaringBitmap,
    /// All of them, the middle included.
    count: u64,
}

impl Tiers {
    pub(crate) fn add(&mut self, ordinal: u32, progress: f64) {
        self.count += 1;
        match Tier::of(progress) {
            Tier::NotBegun => self.not_begun.insert(ordinal),
            Tier::Complete => self.complete.insert(ordinal),
            Tier::Begun => false,
        };
    }

    pub(crate) fn remove(&mut self, ordinal: u32) {
        self.count -= 1;
        self.not_begun.remove(ordinal);
        self.complete.remove(ordinal);
    }

    /// How many lie in a tier.
    pub(crate) fn len(&self, tier: Tier) -> u64 {
        match tier {
            Tier::NotBegun => self.not_begun.len(),
            Tier::Begun => self.count - self.not_begun.len() - self.complete.len(),
            Tier::Complete => self.complete.len(),
        }
    }

    /// Those of some that lie in a tier. Often it is all or none, which costs a count.
    pub(crate) fn within<'a>(&self, these: &'a RoaringBitmap, tier: Tier) -> Cow<'a, RoaringBitmap> {
        let (at_start, at_end) =
            (these.intersection_len(&self.not_begun), these.intersection_len(&self.complete));
        let count = match tier {
            Tier::NotBegun => at_start,
            Tier::Begun => these.len() - at_start - at_end,
            Tier::Complete => at_end,
        };
        if count == these.len() {
            return Cow::Borrowed(these);
        }
        Cow::Owned(match tier {
            _ if count == 0 => RoaringBitmap::new(),
            Tier::NotBegun => these & &self.not_begun,
            Tier::Begun => &(these - &self.not_begun) - &self.complete,
            Tier::Complete => these & &self.complete,
        })
    }
}
