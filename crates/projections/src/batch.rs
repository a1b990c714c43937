//! A page of the log as the projections take it: facts that were understood, samples, and how far it reaches.
//!
//! A fact that is not understood ends the batch just before it. What came before counts; the projection then halts.

use std::sync::Arc;

use revaer_domain::engine::EngineEvent;
use revaer_domain::torrent::TorrentEvent;
use revaer_domain::values::TorrentId;
use revaer_event_log::{Body, Entry, Fact, Position, Samples, Version};
use revaer_event_schema::{
    DecodeError, Decoded, Metadata, ProgressSample, UnpackedSamples, decode, unpack_samples,
};
use time::OffsetDateTime;

/// A fact of a torrent.
#[derive(Debug)]
pub(crate) struct TorrentFact {
    pub(crate) position: Position,
    pub(crate) version: Version,
    pub(crate) id: TorrentId,
    pub(crate) event: TorrentEvent,
}

/// How much of a fact a projection needs to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Breadth {
    /// What the torrents' facts say.
    Torrents,
    /// Of every fact, who recorded what, where and when.
    EveryFact,
}

/// That a fact was recorded, whatever it says.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) position: Position,
    pub(crate) recorded_at: OffsetDateTime,
    pub(crate) actor: String,
    pub(crate) kind: String,
    pub(crate) stream: String,
}

/// A page of the log.
#[derive(Debug)]
pub(crate) struct Batch {
    /// Of the last entry that counts.
    pub(crate) through: Position,
    pub(crate) facts: Vec<TorrentFact>,
    /// Every fact, for whoever asked for that breadth.
    pub(crate) told: Vec<Told>,
    breadth: Breadth,
    pub(crate) samples: Vec<(Position, ProgressSample)>,
    /// Where the newest session began, if one did.
    pub(crate) session_began: Option<Position>,
    /// The fact that ended the batch, if one is not understood.
    pub(crate) poison: Option<(Position, DecodeError)>,
}

impl Batch {
    const fn after(position: Position, breadth: Breadth) -> Self {
        Self {
            through: position,
            facts: Vec::new(),
            told: Vec::new(),
            breadth,
            samples: Vec::new(),
            session_began: None,
            poison: None,
        }
    }

    /// Facts alone, as a rebuild reads them.
    pub(crate) fn of_facts(after: Position, facts: &[Fact], breadth: Breadth) -> Self {
        let mut batch = Self::after(after, breadth);
        for fact in facts {
            if batch.take_fact(fact).is_err() {
                break;
            }
        }
        batch
    }

    /// Facts and samples, as a subscription gives them.
    pub(crate) fn of_entries(after: Position, entries: &[Arc<Entry>], breadth: Breadth) -> Self {
        let mut batch = Self::after(after, breadth);
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
                Decoded::Engine(EngineEvent::Faulted(_) | EngineEvent::RateCapApplied(_))
                | Decoded::Health(_)
                | Decoded::Key(..)
                | Decoded::Root(_)
                | Decoded::Settings(_)
                | Decoded::Setup(_),
            ) => {}
            Err(error) => {
                self.poison = Some((fact.position, error));
                return Err(());
            }
        }
        if self.breadth == Breadth::EveryFact {
            self.told.push(told(fact));
        }
        self.through = fact.position;
        Ok(())
    }

    /// A damaged row of samples is left out: it was true for a moment, and no row is built on it.
    fn take_samples(&mut self, samples: &Samples) {
        match unpack_samples(&samples.data) {
            // How far a job is at this moment is in no row.
            Ok(UnpackedSamples::Fsops(_)) => {}
            Ok(UnpackedSamples::Torrents(unpacked)) => {
                self.samples.extend(unpacked.into_iter().map(|sample| (samples.position, sample)));
            }
            Err(error) => tracing::warn!(%error, position = %samples.position, "samples are left out"),
        }
        self.through = samples.position;
    }
}

/// Metadata that does not parse could only come from a damaged database; that something happened is still to be told.
fn told(fact: &Fact) -> Told {
    let actor =
        serde_json::from_str::<Metadata>(&fact.meta).map(|metadata| metadata.actor).unwrap_or_default();
    Told {
        position: fact.position,
        recorded_at: fact.recorded_at,
        actor,
        kind: fact.kind.clone(),
        stream: fact.stream.to_string(),
    }
}
