//! How far a job is at this moment, and whether it should stop: what the thread of a job and the loop share.

use std::sync::{Mutex, PoisonError};

use revaer_fsops::{Observer, Progress};
use tokio_util::sync::CancellationToken;

/// One running job.
#[derive(Debug)]
pub(super) struct Watched {
    progress: Mutex<Option<Progress>>,
    stop: CancellationToken,
}

impl Watched {
    pub(super) fn new(stop: CancellationToken) -> Self {
        Self { progress: Mutex::default(), stop }
    }

    /// Asks it to stop within one buffer.
    pub(super) fn stop(&self) {
        self.stop.cancel();
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// How far it came since this was last asked, if it came further.
    pub(super) fn take(&self) -> Option<Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Observer for Watched {
    fn progress(&self, progress: Progress) {
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner) = Some(progress);
    }

    fn cancelled(&self) -> bool {
        self.is_stopped()
    }
}

/// A job whose result is in its place comes to its end, whoever asks it to stop.
pub(super) struct Unstoppable<'a>(pub(super) &'a Watched);

impl Observer for Unstoppable<'_> {
    fn progress(&self, progress: Progress) {
        self.0.progress(progress);
    }

    fn cancelled(&self) -> bool {
        false
    }
}
