//! How many clients follow the events at once. The bound may change while they do: nobody is sent away for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The places that are taken.
#[derive(Debug, Clone, Default)]
pub(super) struct Places(Arc<AtomicUsize>);

/// A place; it is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place(Arc<AtomicUsize>);

impl Places {
    /// Takes a place, unless as many are taken as may be.
    pub(super) fn take(&self, max: usize) -> Option<Place> {
        let one_more = |taken: usize| (taken < max).then_some(taken + 1);
        self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more).ok()?;
        Some(Place(Arc::clone(&self.0)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn place_is_free_again_when_its_client_is_gone() {
        let places = Places::default();
        let first = places.take(1).expect("is free");
        assert!(places.take(1).is_none());
        assert!(places.take(2).is_some(), "a raised bound works at once");
        drop(first);
        assert!(places.take(1).is_some());
    }
}
