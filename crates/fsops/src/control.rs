//! How a step is watched and stopped while it works.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::step::Step;

/// Progress is told each time that so many bytes were moved: a few times a second on a disk, and not for every buffer.
const TOLD_EVERY_BYTES: u64 = 16 << 20;

/// How far a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The step.
    pub step: Step,
    /// Bytes that it has moved, unpacked or read since it began.
    pub done_bytes: u64,
    /// Bytes that there are; none if that is not known, as of what is unpacked.
    pub total_bytes: Option<u64>,
}

/// Who watches. Both are called often and from several threads, so they should only note or look at something.
pub trait Observer: Sync {
    /// A step came further.
    fn progress(&self, progress: Progress);

    /// Whether the step should stop. It then fails as cancelled, within one buffer.
    fn cancelled(&self) -> bool;
}

/// Nobody watches.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn progress(&self, _: Progress) {}

    fn cancelled(&self) -> bool {
        false
    }
}

/// One step's own count, in front of the observer.
pub(crate) struct Control<'a> {
    observer: &'a dyn Observer,
    step: Step,
    done_bytes: AtomicU64,
    told_bytes: AtomicU64,
    total_bytes: Option<u64>,
}

impl<'a> Control<'a> {
    pub(crate) fn new(observer: &'a dyn Observer, step: Step, total_bytes: Option<u64>) -> Self {
        Self { observer, step, done_bytes: AtomicU64::new(0), told_bytes: AtomicU64::new(0), total_bytes }
    }

    pub(crate) fn check(&self) -> Result<(), Failure> {
        if self.observer.cancelled() { Err(Failure::Cancelled) } else { Ok(()) }
    }

    pub(crate) fn advance(&self, bytes: u64) -> Result<(), Failure> {
        let done = self.done_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let told = self.told_bytes.load(Ordering::Relaxed);
        if done - told.min(done) >= TOLD_EVERY_BYTES
            && self.told_bytes.compare_exchange(told, done, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        {
            self.tell(done);
        }
        self.check()
    }

    /// Tells how far it came, at its end.
    pub(crate) fn finish(&self) {
        self.tell(self.done_bytes.load(Ordering::Relaxed));
    }

    fn tell(&self, done_bytes: u64) {
        self.observer.progress(Progress { step: self.step, done_bytes, total_bytes: self.total_bytes });
    }
}
