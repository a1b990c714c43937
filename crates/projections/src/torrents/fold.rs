//! A torrent as folded from its stream, with the little that a row needs beside it.

use eventually::aggregate::Aggregate;
use revaer_domain::torrent::{Torrent, TorrentEvent, TorrentRules};
use revaer_domain::values::TorrentId;
use revaer_event_log::{EventLog, Position, StreamId, Version};
use revaer_event_schema::{Decoded, decode};

use crate::Error;

/// Facts read at once of a stream that is folded again.
const PAGE: u32 = 1000;

/// A torrent up to one of its facts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Folded {
    pub(crate) torrent: Torrent,
    pub(crate) version: Version,
    pub(crate) position: Position,
    /// Of the last fact that carried counters.
    pub(crate) totals_position: Position,
}

impl Folded {
    /// The torrent one fact later.
    pub(crate) fn and(self, version: Version, position: Position, event: &TorrentEvent) -> Self {
        let counted = matches!(
            event,
            TorrentEvent::Rechecked(_)
                | TorrentEvent::StateChanged(_)
                | TorrentEvent::Completed(_)
                | TorrentEvent::CountersRecorded(_)
        );
        let totals_position = if counted { position } else { self.totals_position };
        let torrent =
            TorrentRules::apply(self.torrent, event.clone()).expect("folding a torrent never fails");
        Self { torrent, version, position, totals_position }
    }
}

/// The torrent just before one of its facts, from the log.
pub(crate) async fn before(log: &EventLog, id: TorrentId, version: Version) -> Result<Folded, Error> {
    let stream = StreamId::new(&id.stream()).expect("the name of a torrent's stream is a stream id");
    let mut folded = Folded::default();
    while folded.version + 1 < version {
        let facts = log.read_stream(&stream, folded.version, PAGE).await?;
        if facts.is_empty() {
            break;
        }
        for fact in facts {
            if fact.version >= version {
                return Ok(folded);
            }
            let decoded =
                decode(&fact).map_err(|source| Error::Poisoned { position: fact.position, source })?;
            if let Decoded::Torrent(_, event) = decoded {
                folded = folded.and(fact.version, fact.position, &event);
            }
        }
    }
    Ok(folded)
}
