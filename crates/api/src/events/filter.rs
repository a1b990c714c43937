//! Which events a client wants.

use revaer_domain::values::TorrentId;
use revaer_event_log::{FactRef, Samples};
use revaer_event_schema::{FSOPS_PROGRESS_KIND, PROGRESS_KIND, is_fsops_progress};

use crate::pattern::Patterns;

/// What a client wants.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    patterns: Patterns,
    torrent: Option<(TorrentId, String)>,
    wants_progress: bool,
    wants_fsops_progress: bool,
}

impl Filter {
    pub(super) fn new(patterns: Patterns, torrent: Option<TorrentId>, samples: bool) -> Self {
        let wants_progress = samples && patterns.match_kind(PROGRESS_KIND);
        let wants_fsops_progress = samples && patterns.match_kind(FSOPS_PROGRESS_KIND);
        let torrent = torrent.map(|id| (id, id.stream()));
        Self { patterns, torrent, wants_progress, wants_fsops_progress }
    }

    /// Whether a fact passes.
    pub(super) fn wants(&self, fact: FactRef<'_>) -> bool {
        let of_torrent = self.torrent.as_ref().is_none_or(|(_, stream)| stream == fact.stream);
        of_torrent && self.patterns.match_kind(fact.kind)
    }

    /// Whether a tick of samples passes, those of the torrent below if there is one.
    pub(super) fn wants_samples(&self, samples: &Samples) -> bool {
        if is_fsops_progress(&samples.data) { self.wants_fsops_progress } else { self.wants_progress }
    }

    /// Whether any samples pass.
    pub(super) const fn wants_any_samples(&self) -> bool {
        self.wants_progress || self.wants_fsops_progress
    }

    /// The one torrent that is wanted, unless all are.
    pub(super) fn torrent(&self) -> Option<TorrentId> {
        self.torrent.as_ref().map(|(id, _)| *id)
    }
}
