//! The one consumer of alerts.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use crate::error::Error;
use crate::event::Event;
use crate::ffi::bridge;
use crate::status::Status;

/// Takes everything that waits, in one crossing.
pub struct Pump {
    inner: cxx::UniquePtr<bridge::Pump>,
    wakeup: Arc<OwnedFd>,
    statuses: Vec<Status>,
}

/// What waited. Valid until the next [`Pump::pump`].
pub struct Batch<'a> {
    /// Torrents that changed since they were last asked for.
    pub statuses: &'a [Status],
    /// Alerts, in order.
    pub events: Events<'a>,
    /// The session's counters, if they were asked for; [`crate::stats_metrics`] names them.
    pub stats: &'a [i64],
    /// Whether libtorrent's queue was full and alerts are lost.
    pub dropped: bool,
}

/// Alerts, in order.
#[derive(Clone)]
pub struct Events<'a> {
    raw: std::slice::Iter<'a, bridge::RawEvent>,
    arena: &'a [u8],
}

impl<'a> Iterator for Events<'a> {
    type Item = Event<'a>;

    fn next(&mut self) -> Option<Event<'a>> {
        self.raw.next().map(|raw| Event::of(raw, self.arena))
    }
}

impl Pump {
    pub(crate) const fn new(inner: cxx::UniquePtr<bridge::Pump>, wakeup: Arc<OwnedFd>) -> Self {
        Self { inner, wakeup, statuses: Vec::new() }
    }

    /// An eventfd that is readable while alerts wait.
    pub fn as_fd(&self) -> BorrowedFd<'_> {
        self.wakeup.as_fd()
    }

    /// Clears the wake-up. Call it before [`Pump::pump`], so that an alert in between wakes again.
    pub fn drain_wakeup(&mut self) {
        // Not readable is an error too, and means that there is nothing to clear.
        let _ = rustix::io::read(&self.wakeup, &mut [0; 8]);
    }

    /// Everything that waits.
    pub fn pump(&mut self) -> Result<Batch<'_>, Error> {
        self.inner.pin_mut().pump()?;
        let pump = &*self.inner;
        self.statuses.clear();
        self.statuses.extend(pump.statuses().iter().map(Status::of));
        Ok(Batch {
            statuses: &self.statuses,
            events: Events { raw: pump.events().iter(), arena: pump.arena() },
            stats: pump.stats(),
            dropped: pump.dropped(),
        })
    }
}
