//! Reading the whole log with today's code: every fact, its metadata and every row of samples that is still kept.
//!
//! A fact that is not understood halts every projection at its next rebuild, so it is better known before. Whether the
//! facts make sense together is not asked here.

use revaer_event_log::{Body, Contents, EventLog, Fact, Finding, Position, ReadError};

use crate::{Metadata, decode, unpack_samples};

/// What was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// Facts.
    pub facts: u64,
    /// Rows of samples.
    pub samples: u64,
    /// The head of the moment at which it began.
    pub through: Position,
}

/// Reads everything, says what is not understood, and counts.
pub async fn verify(log: &EventLog, say: &mut dyn FnMut(Finding)) -> Result<Counted, ReadError> {
    let mut replay = log.replay(Position::ZERO, Contents::FactsAndSamples).await?;
    let mut counted = Counted { through: replay.until(), ..Counted::default() };
    loop {
        let page = replay.next().await?;
        if page.is_empty() {
            return Ok(counted);
        }
        for entry in page {
            match &entry.body {
                Body::Fact(fact) => {
                    counted.facts += 1;
                    check(fact, say);
                }
                Body::Samples(samples) => {
                    counted.samples += 1;
                    if let Err(error) = unpack_samples(&samples.data) {
                        say(Finding::new("samples", format!("position {}: {error}", samples.position)));
                    }
                }
            }
        }
    }
}

fn check(fact: &Fact, say: &mut dyn FnMut(Finding)) {
    let position = fact.position;
    if let Err(error) = decode(fact) {
        let source =
            std::error::Error::source(&error).map(|source| format!(": {source}")).unwrap_or_default();
        say(Finding::new("facts", format!("position {position} is not understood: {error}{source}")));
    }
    if let Err(error) = serde_json::from_str::<Metadata>(&fact.meta) {
        say(Finding::new("metadata", format!("position {position} does not say who and why: {error}")));
    }
}
