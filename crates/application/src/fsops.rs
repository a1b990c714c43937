//! What the write side knows of the file pipeline: what the settings offer, and how far the jobs of this process are.
//!
//! The jobs themselves are run elsewhere. How far one is at this moment is in no fact; it is kept here for those who show it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use revaer_domain::fsops::ProfileOffer;
use revaer_domain::values::{JobId, TorrentId};

use crate::Application;

/// How far the jobs of this process are; as many entries as jobs run at once.
#[derive(Debug, Default)]
pub(crate) struct FsopsBoard {
    parts: Mutex<HashMap<TorrentId, f64>>,
}

impl Application {
    /// What the settings in force offer to a torrent that is complete now; none where there are no profiles.
    pub fn profile_offer(&self) -> Option<ProfileOffer> {
        let now = self.settings().now();
        let settings = &now.in_force.fsops;
        let job = || JobId::new(self.clock().ulid());
        (!settings.profiles.is_empty()).then(|| ProfileOffer::of(settings, job()))
    }

    /// The part of its stage that the job of a torrent has done, 0 to 1, if it runs here and that is known.
    pub fn fsops_progress(&self, id: TorrentId) -> Option<f64> {
        self.parts().get(&id).copied()
    }

    /// Notes how far a job is; none once it does not run, or while nobody knows.
    pub fn note_fsops_progress(&self, id: TorrentId, part: Option<f64>) {
        match part {
            Some(part) => self.parts().insert(id, part.clamp(0.0, 1.0)),
            None => self.parts().remove(&id),
        };
    }

    fn parts(&self) -> std::sync::MutexGuard<'_, HashMap<TorrentId, f64>> {
        self.inner.fsops.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
