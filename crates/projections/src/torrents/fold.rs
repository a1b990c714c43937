//! A torrent as folded from its stream, with the little that a row needs beside it.

use std::collections::HashMap;

use revaer_domain::torrent::{Torrent, TorrentEvent};
use revaer_domain::values::TorrentId;
use revaer_event_log::{EventLog, Fact, Position, StreamId, Version};
use revaer_event_schema::{Decoded, decode};

use crate::Error;

/// Facts read at once of a stream that is folded again.
const PAGE: u32 = 1000;
/// Streams that are read together, and how long they may be for that: most have a dozen facts.
const TOGETHER_MAX: usize = 128;
const TOGETHER_VERSION_MAX: Version = 64;

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
    pub(crate) fn take(&mut self, version: Version, position: Position, event: &TorrentEvent) {
        let counted = matches!(
            event,
            TorrentEvent::Rechecked(_)
                | TorrentEvent::StateChanged(_)
                | TorrentEvent::Completed(_)
                | TorrentEvent::CountersRecorded(_)
        );
        if counted {
            self.totals_position = position;
        }
        self.torrent.fold(event);
        (self.version, self.position) = (version, position);
    }

    /// The same with a fact as the log has it.
    fn take_fact(&mut self, fact: &Fact) -> Result<(), Error> {
        let decoded = decode(fact).map_err(|source| Error::Poisoned { position: fact.position, source })?;
        if let Decoded::Torrent(_, event) = decoded {
            self.take(fact.version, fact.position, &event);
        }
        Ok(())
    }
}

/// Several torrents, each just before one of its facts, from the log. Those that nothing came before are not asked for.
pub(crate) async fn all_before(
    log: &EventLog,
    wanted: &[(TorrentId, Version)],
) -> Result<HashMap<TorrentId, Folded>, Error> {
    let mut folded: HashMap<TorrentId, Folded> = HashMap::with_capacity(wanted.len());
    let (few_facts, many_facts): (Vec<_>, Vec<_>) =
        wanted.iter().partition(|(_, version)| *version <= TOGETHER_VERSION_MAX);
    for some in few_facts.chunks(TOGETHER_MAX) {
        let until: HashMap<_, _> = some.iter().copied().collect();
        let streams: Vec<_> = some.iter().map(|(id, _)| stream_of(*id)).collect();
        let newest = until.values().max().copied().unwrap_or_default();
        for fact in log.read_streams(&streams, newest.saturating_sub(1)).await? {
            let Some(id) = TorrentId::from_stream(fact.stream.as_str()) else { continue };
            if until.get(&id).is_some_and(|until| fact.version < *until) {
                folded.entry(id).or_default().take_fact(&fact)?;
            }
        }
    }
    for (id, version) in many_facts {
        folded.insert(id, before(log, id, version).await?);
    }
    Ok(folded)
}

/// A torrent just before one of its facts, from the log, however long its story is.
pub(crate) async fn before(log: &EventLog, id: TorrentId, version: Version) -> Result<Folded, Error> {
    let stream = stream_of(id);
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
            folded.take_fact(&fact)?;
        }
    }
    Ok(folded)
}

fn stream_of(id: TorrentId) -> StreamId {
    StreamId::new(&id.stream()).expect("the name of a torrent's stream is a stream id")
}
