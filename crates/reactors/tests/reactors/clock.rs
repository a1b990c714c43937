//! A clock that is set, and goes on from there when it is told to.

use std::sync::{Arc, Mutex};

use revaer_application::{Clock, SystemClock};
use time::OffsetDateTime;

/// Stands still at a time until it goes on.
pub(crate) struct SetClock {
    at: OffsetDateTime,
    /// When it went on, by the clock of the system.
    went_on: Mutex<Option<OffsetDateTime>>,
}

impl SetClock {
    /// One that stands still.
    pub(crate) fn at(at: OffsetDateTime) -> Arc<Self> {
        Arc::new(Self { at, went_on: Mutex::new(None) })
    }

    pub(crate) fn go_on(&self) {
        *self.went_on.lock().expect("nobody panics with it") = Some(SystemClock.now());
    }
}

impl Clock for SetClock {
    fn now(&self) -> OffsetDateTime {
        let went_on = *self.went_on.lock().expect("nobody panics with it");
        went_on.map_or(self.at, |since| self.at + (SystemClock.now() - since))
    }
}
