//! What is appended, and what became of it.

use std::borrow::Cow;

use time::OffsetDateTime;
use uuid::Uuid;

use crate::{AppendError, Options, Position, StreamId, Version};

/// A fact to append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFact {
    /// Its persisted name.
    pub kind: Cow<'static, str>,
    /// The version of its JSON.
    pub schema_version: i16,
    /// JSON.
    pub data: String,
    /// JSON: who, by which request, and why.
    pub meta: String,
}

/// The command that an append carries out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandRecord {
    /// Its id: the same command has the same id, however often it is given.
    pub id: Uuid,
    /// The hash of what it asks for.
    pub fingerprint: [u8; 32],
    /// JSON to remember for a repeat.
    pub result: Option<String>,
    /// Whether it may be given again later on.
    pub repeat: Repeat,
}

/// Whether a command may be given again, by somebody who knows its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// It may: what became of it is remembered, until the retention is over.
    MayCome,
    /// It can't, since nobody knows the id. Its facts bear the id, which is enough to find out what became of an append whose
    /// answer was lost: given again unchanged, expected version included, it happens once and is answered as if it were new.
    CannotCome,
}

/// One command's facts, for one stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Append {
    /// The stream.
    pub stream: StreamId,
    /// The version that the decision rests on, and that the stream must still have.
    pub expected: Version,
    /// The facts. May be empty: a command that changes nothing is remembered all the same, or its repeat might act later.
    pub facts: Vec<NewFact>,
    /// The command. Without one an append whose outcome is unknown can't be given again.
    pub command: Option<CommandRecord>,
    /// Info hashes, in hex, that the stream claims for itself alone.
    pub claims: Vec<String>,
    /// Info hashes that it gives up.
    pub releases: Vec<String>,
}

/// An append that is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// The position of the last fact; without facts, of the stream's last one (zero if it has none).
    pub position: Position,
    /// The stream's version now.
    pub version: Version,
    /// When, by the database's clock.
    pub recorded_at: OffsetDateTime,
}

/// What became of a command that was carried out before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandOutcome {
    /// Its id.
    pub id: Uuid,
    /// The hash of what it asked for: another one under the same id is another command.
    pub fingerprint: [u8; 32],
    /// The stream.
    pub stream: StreamId,
    /// The position of its first fact; zero if it changed nothing.
    pub first_position: Position,
    /// The position of its last fact; if it changed nothing, of the stream's last one at the time.
    pub last_position: Position,
    /// How many facts.
    pub event_count: u32,
    /// The stream's version after it.
    pub version_after: Version,
    /// The JSON that was remembered.
    pub result: Option<String>,
    /// When, by the database's clock.
    pub recorded_at: OffsetDateTime,
}

impl Append {
    /// Refuses what would hold the lock, or the memory of every follower, for too long.
    pub(crate) fn check_size(&self, options: &Options) -> Result<(), AppendError> {
        let check = |what, size, max| {
            if size > max { Err(AppendError::TooLarge { what, size, max }) } else { Ok(()) }
        };
        check("facts", self.facts.len(), options.append_facts_max)?;
        check("claims and releases", self.claims.len() + self.releases.len(), options.append_claims_max)?;
        for fact in &self.facts {
            check("bytes of a fact's kind", fact.kind.len(), options.kind_bytes_max)?;
            check("bytes of a fact's data", fact.data.len(), options.fact_bytes_max)?;
            check("bytes of a fact's metadata", fact.meta.len(), options.meta_bytes_max)?;
        }
        check("bytes", self.bytes(), options.append_bytes_max)
    }

    /// The size of its payload.
    pub(crate) fn bytes(&self) -> usize {
        let facts: usize = self.facts.iter().map(|fact| fact.data.len() + fact.meta.len()).sum();
        let result = self.command.as_ref().and_then(|command| command.result.as_ref());
        facts + result.map_or(0, String::len)
    }

    /// The command, if what becomes of it is to be remembered.
    pub(crate) fn remembered(&self) -> Option<&CommandRecord> {
        self.command.as_ref().filter(|command| command.repeat == Repeat::MayCome)
    }

    /// Its number of facts in the type of versions.
    pub(crate) fn fact_count(&self) -> Version {
        Version::try_from(self.facts.len())
            .expect("an append is far smaller than its options could ever allow")
    }
}
