//! The newest entries in memory, shared by every follower near the head.
//!
//! It holds everything above its floor and up to its tail, in order, and is bounded by entries and by bytes. What falls out
//! is read from Postgres by whoever still needs it.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use tokio::sync::watch;

use crate::{Entry, Options, Position};

pub(crate) struct Ring {
    state: RwLock<State>,
    tail: watch::Sender<Position>,
    entries_max: usize,
    bytes_max: usize,
}

struct State {
    /// Everything above this and up to the tail is in `entries`.
    floor: Position,
    entries: VecDeque<Arc<Entry>>,
    bytes: usize,
}

/// What the ring has for a cursor.
pub(crate) enum Near {
    /// Entries above the cursor; none if it stands at the tail.
    Here(Vec<Arc<Entry>>),
    /// The cursor lies below the floor, which is given: read from Postgres.
    Below(Position),
}

impl Ring {
    pub(crate) fn new(floor: Position, options: &Options) -> Self {
        Self {
            state: RwLock::new(State { floor, entries: VecDeque::new(), bytes: 0 }),
            tail: watch::Sender::new(floor),
            entries_max: options.ring_entries_max,
            bytes_max: options.ring_bytes_max,
        }
    }

    /// Adds a page that was read from the tail on.
    pub(crate) fn push(&self, page: Vec<Arc<Entry>>) {
        let Some(newest) = page.last().map(|entry| entry.position()) else { return };
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        for entry in page {
            state.bytes += entry.weight_bytes();
            state.entries.push_back(entry);
        }
        while state.entries.len() > self.entries_max || state.bytes > self.bytes_max {
            let Some(oldest) = state.entries.pop_front() else { break };
            state.bytes -= oldest.weight_bytes();
            state.floor = oldest.position();
        }
        drop(state);
        self.tail.send_replace(newest);
    }

    /// At most `limit` entries above the cursor.
    pub(crate) fn above(&self, cursor: Position, limit: usize) -> Near {
        let state = self.read();
        if cursor < state.floor {
            return Near::Below(state.floor);
        }
        let first = state.entries.partition_point(|entry| entry.position() <= cursor);
        Near::Here(state.entries.range(first..).take(limit).cloned().collect())
    }

    pub(crate) fn is_below(&self, cursor: Position) -> bool {
        cursor < self.floor()
    }

    /// Everything above is here.
    pub(crate) fn floor(&self) -> Position {
        self.read().floor
    }

    /// Its entries, and their bytes.
    pub(crate) fn size(&self) -> (usize, usize) {
        let state = self.read();
        (state.entries.len(), state.bytes)
    }

    pub(crate) fn tail(&self) -> Position {
        *self.tail.borrow()
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Position> {
        self.tail.subscribe()
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        // Every push leaves the ring whole, and readers change nothing: a panic elsewhere is no reason for one here.
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use time::OffsetDateTime;

    use super::*;
    use crate::{Body, Samples};

    fn entry(position: i64, size: usize) -> Arc<Entry> {
        Arc::new(Entry::new(Body::Samples(Samples {
            position: Position(position),
            at: OffsetDateTime::UNIX_EPOCH,
            node: String::new(),
            data: Bytes::from(vec![0; size]),
        })))
    }

    fn positions(near: Near) -> Option<Vec<i64>> {
        match near {
            Near::Here(entries) => Some(entries.iter().map(|entry| entry.position().0).collect()),
            Near::Below(_) => None,
        }
    }

    #[test]
    fn ring_gives_what_lies_above_the_cursor_and_admits_what_it_lost() {
        let options = Options { ring_entries_max: 3, ..Options::default() };
        let ring = Ring::new(Position(10), &options);
        assert_eq!(positions(ring.above(Position(10), 9)), Some(vec![]));
        ring.push(vec![entry(11, 0), entry(15, 0), entry(16, 0)]);
        assert_eq!(positions(ring.above(Position(10), 9)), Some(vec![11, 15, 16]));
        assert_eq!(positions(ring.above(Position(12), 1)), Some(vec![15]));
        assert_eq!(positions(ring.above(Position(99), 9)), Some(vec![]));
        ring.push(vec![entry(20, 0)]);
        assert_eq!(positions(ring.above(Position(10), 9)), None, "11 fell out");
        assert_eq!(positions(ring.above(Position(11), 9)), Some(vec![15, 16, 20]));
        assert_eq!(ring.tail(), Position(20));
    }

    #[test]
    fn ring_is_bounded_by_bytes() {
        let options = Options { ring_bytes_max: 1 << 20, ..Options::default() };
        let ring = Ring::new(Position::ZERO, &options);
        for position in 1..=1000 {
            ring.push(vec![entry(position, 10_000)]);
        }
        let held = positions(ring.above(Position(999), 9));
        assert_eq!(held, Some(vec![1000]));
        assert!(ring.read().bytes <= 1 << 20 && ring.read().entries.len() < 11);
        ring.push(vec![entry(1001, 1 << 20)]);
        assert!(ring.is_below(Position(1000)), "larger than the ring: it is read from Postgres");
        assert_eq!(ring.tail(), Position(1001));
    }
}
