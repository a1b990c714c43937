//! What the writer knows of streams without asking: versions that they reached through it.
//!
//! A fact never goes away, so a stream that had a version has it still. Whether it has moved on is not known here, and need not
//! be: the unique constraint on a stream's versions says so. This holds for as long as the database is the same, which a new
//! connection can't promise: it may lead to another server, or to one that was restored.

use std::collections::HashMap;

use crate::{Append, StreamId, Version};

/// Streams of one generation: some 100 bytes each. Two are kept, so what is used stays and what is not goes.
const STREAMS_MAX: usize = 20_000;

#[derive(Default)]
pub(crate) struct KnownVersions {
    young: HashMap<StreamId, Version>,
    old: HashMap<StreamId, Version>,
    /// The connection through which all this was learned.
    connection: u64,
}

impl KnownVersions {
    /// Forgets what was learned through another connection.
    pub(crate) fn through(&mut self, connection: u64) {
        if self.connection != connection {
            *self = Self { connection, ..Self::default() };
        }
    }

    /// Whether the stream of an append has had the expected version for certain.
    pub(crate) fn has(&self, append: &Append) -> bool {
        let version = || self.young.get(&append.stream).or_else(|| self.old.get(&append.stream));
        append.expected == 0 || version().is_some_and(|version| *version >= append.expected)
    }

    /// A stream was seen at a version.
    pub(crate) fn learn(&mut self, stream: &StreamId, version: Version) {
        if let Some(known) = self.young.get_mut(stream) {
            *known = version;
            return;
        }
        if self.young.len() >= STREAMS_MAX {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(stream.clone(), version);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn append(stream: &str, expected: Version) -> Append {
        Append {
            stream: StreamId::new(stream).expect("a name"),
            expected,
            facts: Vec::new(),
            command: None,
            claims: Vec::new(),
            releases: Vec::new(),
        }
    }

    #[test]
    fn versions_up_to_the_one_that_was_seen_are_known_until_the_connection_is_another() {
        let mut known = KnownVersions::default();
        known.through(1);
        assert!(known.has(&append("s", 0)), "every stream has begun somewhere");
        assert!(!known.has(&append("s", 3)));
        known.learn(&append("s", 0).stream, 3);
        assert!(known.has(&append("s", 2)) && known.has(&append("s", 3)) && !known.has(&append("s", 4)));
        assert!(!known.has(&append("t", 1)));
        known.through(1);
        assert!(known.has(&append("s", 3)));
        known.through(2);
        assert!(!known.has(&append("s", 3)));
    }

    #[test]
    fn what_is_used_stays_known_and_the_rest_is_bounded() {
        let mut known = KnownVersions::default();
        let (often, once) = (append("often", 0).stream, append("once", 0).stream);
        known.learn(&once, 1);
        for n in 0..3 * STREAMS_MAX {
            known.learn(&often, 7);
            known.learn(&append(&format!("s{n}"), 0).stream, 1);
        }
        assert!(known.has(&append("often", 7)) && !known.has(&append("once", 1)));
        assert!(known.young.len() + known.old.len() <= 2 * STREAMS_MAX);
    }
}
