//! What the log holds: facts, and samples between them.

use std::sync::OnceLock;

use bytes::Bytes;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{Position, StreamId, Version};

/// A fact as recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// Its place in the log.
    pub position: Position,
    /// Its stream.
    pub stream: StreamId,
    /// Its place in the stream.
    pub version: Version,
    /// When, by the database's clock.
    pub recorded_at: OffsetDateTime,
    /// The command that made it.
    pub command_id: Option<Uuid>,
    /// The version of its JSON.
    pub schema_version: i16,
    /// Its persisted name.
    pub kind: String,
    /// JSON, byte for byte as appended.
    pub data: String,
    /// JSON, byte for byte as appended: who, by which request, and why.
    pub meta: String,
}

/// One packed row of samples; opaque to the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Samples {
    /// Its place in the log.
    pub position: Position,
    /// When, by the database's clock.
    pub at: OffsetDateTime,
    /// Which process took them.
    pub node: String,
    /// The samples, packed by whoever took them.
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
    /// Where one presenter keeps its one serialisation for all its clients.
    pub memo: OnceLock<Bytes>,
}

impl Entry {
    /// An entry that nobody has presented yet.
    pub const fn new(body: Body) -> Self {
        Self { body, memo: OnceLock::new() }
    }

    /// Its place in the log.
    pub const fn position(&self) -> Position {
        match &self.body {
            Body::Fact(fact) => fact.position,
            Body::Samples(samples) => samples.position,
        }
    }

    /// The size of its payload.
    pub(crate) const fn bytes(&self) -> usize {
        match &self.body {
            Body::Fact(fact) => fact.data.len() + fact.meta.len(),
            Body::Samples(samples) => samples.data.len(),
        }
    }

    /// About how much memory it will take, the memo included; the same before and after the memo is there.
    pub(crate) const fn weight_bytes(&self) -> usize {
        // A serialised fact is about as long as the fact. A packed sample of some 24 bytes becomes a frame of 300.
        const STRUCTURE: usize = 512;
        let presented = match &self.body {
            Body::Fact(_) => self.bytes(),
            Body::Samples(_) => self.bytes().saturating_mul(12),
        };
        STRUCTURE.saturating_add(self.bytes()).saturating_add(presented)
    }
}
