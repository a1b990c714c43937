//! The newest entries in memory, shared by every follower near the head.
//!
//! It holds everything above its floor up to its tail, in order. It is bounded by entries and by bytes; what falls out is
//! read from Postgres by whoever still needs it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::Options;
use crate::types::{Entry, Position};

pub(crate) struct Ring {
    state: Mutex<State>,
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

/// What the ring has for a follower.
pub(crate) enum Near {
    /// Entries above the cursor; none when it stands at the tail.
    Here(Vec<Arc<Entry>>),
    /// The cursor lies below the floor: read from Postgres. The floor is given.
    Below(Position),
}

impl Ring {
    pub(crate) fn new(floor: Position, options: &Options) -> Self {
        let state = State { floor, entries: VecDeque::new(), bytes: 0 };
        Self {
            state: Mutex::new(state),
            tail: watch::Sender::new(floor),
            entries_max: options.ring_entries_max,
            bytes_max: options.ring_bytes_max,
        }
    }

    /// Appends a page that was read from the tail on.
    pub(crate) fn push(&self, page: Vec<Arc<Entry>>) {
        let Some(newest) = page.last().map(|entry| entry.position()) else { return };
        let mut state = self.state();
        for entry in page {
            state.bytes += entry.weight();
            state.entries.push_back(entry);
        }
        while state.entries.len() > self.entries_max || state.bytes > self.bytes_max {
            let Some(oldest) = state.entries.pop_front() else { break };
            state.bytes -= oldest.weight();
            state.floor = oldest.position();
        }
        drop(state);
        self.tail.send_replace(newest);
    }

    pub(crate) fn above(&self, cursor: Position, limit: usize) -> Near {
        let state = self.state();
        if cursor < state.floor {
            return Near::Below(state.floor);
        }
        let first = state.entries.partition_point(|entry| entry.position() <= cursor);
        Near::Here(state.entries.iter().skip(first).take(limit).cloned().collect())
    }

    pub(crate) fn tail(&self) -> Position {
        *self.tail.borrow()
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Position> {
        self.tail.subscribe()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every push leaves the ring whole; a reader that panicked changed nothing.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
