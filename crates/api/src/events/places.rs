//! How many clients follow the events at once. The bound may change while they do: nobody is sent away for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use revaer_metrics::Gauge;

use crate::metrics::Counted;

/// The places that are taken.
#[derive(Debug, Clone)]
pub(super) struct Places {
    taken: Arc<AtomicUsize>,
    shown: Gauge,
}

/// A place; it is free again when this is dropped.
pub(super) struct Place {
    taken: Arc<AtomicUsize>,
    _shown: Counted,
}

impl Places {
    /// None is taken; the level shows how many are.
    pub(super) fn new(shown: &Gauge) -> Self {
        Self { taken: Arc::default(), shown: shown.clone() }
    }

    /// Takes a place, unless as many are taken as may be.
    pub(super) fn take(&self, max: usize) -> Option<Place> {
        let one_more = |taken: usize| (taken < max).then_some(taken + 1);
        self.taken.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more).ok()?;
        Some(Place { taken: Arc::clone(&self.taken), _shown: Counted::by(&self.shown) })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.taken.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn place_is_free_again_when_its_client_is_gone() {
        let places = Places::new(&crate::Metrics::default().clients);
        let first = places.take(1).expect("is free");
        assert!(places.take(1).is_none());
        assert!(places.take(2).is_some(), "a raised bound works at once");
        drop(first);
        assert!(places.take(1).is_some());
    }
}
