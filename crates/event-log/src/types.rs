//! The words of the log: positions, streams, facts, samples, and what an append says.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

/// A place in the log. Positions grow and never repeat; they are not dense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(pub i64);

impl Position {
    /// Before everything.
    pub const ZERO: Self = Self(0);
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Position {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // Unsigned first: a position is never negative and has no sign.
        text.parse::<u64>().map(|position| Self(i64::try_from(position).unwrap_or(i64::MAX)))
    }
}

/// A place in a stream: 1 for its first fact, 0 for a stream that does not exist.
pub type Version = u32;

/// The name of a stream: 1 to 64 of `A-Z a-z 0-9 - _`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(String);

/// The text is not a stream id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a stream id: 1 to 64 letters, digits, `-` or `_`")]
pub struct InvalidStreamId;

impl StreamId {
    /// Parses a name.
    pub fn new(name: &str) -> Result<Self, InvalidStreamId> {
        let fits = (1..=64).contains(&name.len());
        let clean = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if fits && clean { Ok(Self(name.to_owned())) } else { Err(InvalidStreamId) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

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
    /// Its id: the same command has the same id however often it is given.
    pub id: Uuid,
    /// The hash of what it asks for.
    pub fingerprint: [u8; 32],
    /// JSON to remember for a repeat.
    pub result: Option<String>,
}

/// One command's facts, for one stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Append {
    /// The stream.
    pub stream: StreamId,
    /// The version that the stream must have.
    pub expected: Version,
    /// The facts; none for a command that changes nothing and is recorded all the same.
    pub facts: Vec<NewFact>,
    /// The command.
    pub command: Option<CommandRecord>,
    /// Names that the stream claims for itself alone.
    pub claims: Vec<String>,
    /// Names that it gives up.
    pub releases: Vec<String>,
}

/// An append that is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Of the last fact; without facts, of the stream's last one.
    pub position: Position,
    /// The stream's version after it.
    pub version: Version,
    /// The database's clock.
    pub recorded_at: OffsetDateTime,
}

/// A command that was carried out before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandOutcome {
    /// Its id.
    pub id: Uuid,
    /// The hash of what it asked for.
    pub fingerprint: [u8; 32],
    /// The stream.
    pub stream: StreamId,
    /// Of its first fact; zero when it changed nothing.
    pub first_position: Position,
    /// Of its last fact; zero when it changed nothing.
    pub last_position: Position,
    /// How many facts.
    pub event_count: u32,
    /// The stream's version after it.
    pub version_after: Version,
    /// What was remembered.
    pub result: Option<String>,
    /// When.
    pub recorded_at: OffsetDateTime,
}

/// A fact as recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// Its place in the log.
    pub position: Position,
    /// Its stream.
    pub stream: StreamId,
    /// Its place in the stream.
    pub version: Version,
    /// The database's clock.
    pub recorded_at: OffsetDateTime,
    /// The command that made it.
    pub command_id: Option<Uuid>,
    /// The version of its JSON.
    pub schema_version: i16,
    /// Its persisted name.
    pub kind: String,
    /// JSON, byte for byte as appended.
    pub data: String,
    /// JSON, byte for byte as appended.
    pub meta: String,
}

/// One packed row of samples; opaque to the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Samples {
    /// Its place in the log.
    pub position: Position,
    /// The database's clock.
    pub at: OffsetDateTime,
    /// Which process took them.
    pub node: String,
    /// Packed.
    pub data: Bytes,
}

/// A fact or a row of samples.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Kept for ever.
    Fact(Fact),
    /// Kept for the retention.
    Samples(Samples),
}

/// An entry of the log, shared by all who follow it.
#[derive(Debug)]
pub struct Entry {
    /// What it is.
    pub body: Body,
    /// Where one presenter caches its one serialisation for all its clients.
    pub memo: OnceLock<Bytes>,
}

impl Entry {
    pub(crate) const fn new(body: Body) -> Self {
        Self { body, memo: OnceLock::new() }
    }

    /// Its place in the log.
    pub const fn position(&self) -> Position {
        match &self.body {
            Body::Fact(fact) => fact.position,
            Body::Samples(samples) => samples.position,
        }
    }

    /// About how much memory it takes, a serialisation included.
    pub(crate) const fn weight(&self) -> usize {
        256 + match &self.body {
            Body::Fact(fact) => 2 * (fact.data.len() + fact.meta.len()),
            // A packed sample of 40 bytes expands into a frame of about ten times that.
            Body::Samples(samples) => 11 * samples.data.len(),
        }
    }
}
