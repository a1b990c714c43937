//! How far those who follow the log under a name have come.
//!
//! A follower asks for its next page when it is done with the one before, so the place that it asks from is the place that it has
//! dealt with. Streams of clients have no name here: there may be thousands.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::Position;

/// The followers with a name, of which the code has a handful.
#[derive(Debug, Default)]
pub(crate) struct Followers(Mutex<BTreeMap<&'static str, Weak<AtomicI64>>>);

/// The place of one follower, which is forgotten with it.
#[derive(Debug)]
pub(crate) struct Place(Arc<AtomicI64>);

impl Followers {
    /// A place under a name; one before it under the same name counts no longer.
    pub(crate) fn enter(&self, name: &'static str, at: Position) -> Place {
        let place = Arc::new(AtomicI64::new(at.0));
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        places.insert(name, Arc::downgrade(&place));
        Place(place)
    }

    /// Those that are there.
    pub(crate) fn all(&self) -> Vec<(&'static str, Position)> {
        let places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let there = places.iter().filter_map(|(name, place)| Some((*name, place.upgrade()?)));
        there.map(|(name, place)| (name, Position(place.load(Ordering::Relaxed)))).collect()
    }
}

impl Place {
    pub(crate) fn reach(&self, position: Position) {
        self.0.store(position.0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follower_is_known_by_its_name_for_as_long_as_it_is_there() {
        let followers = Followers::default();
        let place = followers.enter("reconciler", Position(3));
        assert_eq!(followers.all(), [("reconciler", Position(3))]);
        place.reach(Position(7));
        assert_eq!(followers.all(), [("reconciler", Position(7))]);
        drop(place);
        assert_eq!(followers.all(), []);
    }

    #[test]
    fn follower_that_begins_again_replaces_the_one_before() {
        let followers = Followers::default();
        let before = followers.enter("settings", Position(3));
        let now = followers.enter("settings", Position(5));
        drop(before);
        assert_eq!(followers.all(), [("settings", Position(5))]);
        drop(now);
    }
}
