//! Which events a client wants.

use revaer_domain::values::TorrentId;
use revaer_event_log::FactRef;
use revaer_event_schema::PROGRESS_KIND;

use crate::pattern::Patterns;

/// What a client wants.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    patterns: Patterns,
    torrent: Option<(TorrentId, String)>,
    wants_samples: bool,
}

impl Filter {
    pub(super) fn new(patterns: Patterns, torrent: Option<TorrentId>, samples: bool) -> Self {
        let wants_samples = samples && patterns.match_kind(PROGRESS_KIND);
        Self { patterns, torrent: torrent.map(|id| (id, id.stream())), wants_samples }
    }

    /// Whether a fact passes.
    pub(super) fn wants(&self, fact: FactRef<'_>) -> bool {
        let of_torrent = self.torrent.as_ref().is_none_or(|(_, stream)| stream == fact.stream);
        of_torrent && self.patterns.match_kind(fact.kind)
    }

    /// Whether samples pass, those of the torrent below if there is one.
    pub(super) const fn wants_samples(&self) -> bool {
        self.wants_samples
    }

    /// The one torrent that is wanted, unless all are.
    pub(super) fn torrent(&self) -> Option<TorrentId> {
        self.torrent.as_ref().map(|(id, _)| *id)
    }
}
