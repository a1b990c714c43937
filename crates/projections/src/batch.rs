//! A page of the log as the projections take it: facts that were understood, samples, and how far it reaches.
//!
//! A fact that is not understood ends the batch just before it. What came before counts; the projection then halts.

use std::sync::Arc;

use revaer_domain::engine::EngineEvent;
use revaer_domain::torrent::TorrentEvent;
use revaer_domain::values::TorrentId;
use revaer_event_log::{Body, Entry, Fact, Position, Samples, Version};
use revaer_event_schema::{DecodeError, Decoded, ProgressSample, decode, unpack_progress};

/// A fact of a torrent.
#[derive(Debug)]
pub(crate) struct TorrentFact {
    pub(crate) position: Position,
    pub(crate) version: Version,
    pub(crate) id: TorrentId,
    pub(crate) event: TorrentEvent,
}

/// A page of the log.
#[derive(Debug)]
pub(crate) struct Batch {
    /// Of the last entry that counts.
    pub(crate) through: Position,
    pub(crate) facts: Vec<TorrentFact>,
    pub(crate) samples: Vec<(Position, ProgressSample)>,
    /// Where the newest session began, if one did.
    pub(crate) session_began: Option<Position>,
    /// The fact that ended the batch, if one is not understood.
    pub(crate) poison: Option<(Position, DecodeError)>,
}

impl Batch {
    const fn after(position: Position) -> Self {
        Self { through: position, facts: Vec::new(), samples: Vec::new(), session_began: None, poison: None }
    }

    /// Facts alone, as a rebuild reads them.
    pub(crate) fn of_facts(after: Position, facts: &[Fact]) -> Self {
        let mut batch = Self::after(after);
        for fact in facts {
            if batch.take_fact(fact).is_err() {
                break;
            }
        }
        batch
    }

    /// Facts and samples, as a subscription gives them.
    pub(crate) fn of_entries(after: Position, entries: &[Arc<Entry>]) -> Self {
        let mut batch = Self::after(after);
        for entry in entries {
            match &entry.body {
                Body::Fact(fact) => {
                    if batch.take_fact(fact).is_err() {
                        break;
                    }
                }
                Body::Samples(samples) => batch.take_samples(samples),
            }
        }
        batch
    }

    fn take_fact(&mut self, fact: &Fact) -> Result<(), ()> {
        match decode(fact) {
            Ok(Decoded::Torrent(id, event)) => {
                self.facts.push(TorrentFact { position: fact.position, version: fact.version, id, event });
            }
            Ok(Decoded::Engine(EngineEvent::Started(_) | EngineEvent::Restarted(_))) => {
                self.session_began = Some(fact.position);
            }
            Ok(
                Decoded::Engine(EngineEvent::Faulted(_))
                | Decoded::Health(_)
                | Decoded::Key(..)
                | Decoded::Settings(_)
                | Decoded::Setup(_),
            ) => {}
            Err(error) => {
                self.poison = Some((fact.position, error));
                return Err(());
            }
        }
        self.through = fact.position;
        Ok(())
    }

    /// A damaged row of samples is left out: it was true for a moment, and no row is built on it.
    fn take_samples(&mut self, samples: &Samples) {
        match unpack_progress(&samples.data) {
            Ok(unpacked) => {
                self.samples.extend(unpacked.into_iter().map(|sample| (samples.position, sample)));
            }
            Err(error) => tracing::warn!(%error, position = %samples.position, "samples are left out"),
        }
        self.through = samples.position;
    }
}
