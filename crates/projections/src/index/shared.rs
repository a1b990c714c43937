//! The index as the projector keeps it and the lists read it.
//!
//! Every change comes from the rows: which torrents a batch was about is told when the batch is committed, and what their rows
//! say is read back. So it does not matter how often, or in which order with the loading, a torrent is told; what is told while it
//! loads is noted and read at the end of that. It is told before the place that the batch reaches becomes known, so that whoever
//! waits for a position finds it here, too.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};
use std::time::{Duration, Instant};

use revaer_domain::values::TorrentId;
use sqlx::PgPool;
use tokio::sync::watch;

use super::entry::{self, Entry, Place};
use super::memory::Memory;
use super::search::Found;
use crate::TorrentQuery;
use crate::cursor::Cursor;

/// Rows of one statement of the loading: short enough for every time limit and for the service beside it.
const LOADED_AT_ONCE: i64 = 5_000;
/// Torrents that are taken in under one lock: a page waits for no more than these.
const TAKEN_AT_ONCE: usize = 64;
/// Between two attempts to load.
const PAUSE: Duration = Duration::from_secs(1);

/// The index, or that it is not there. A cheap clone.
#[derive(Clone)]
pub(crate) struct ListIndex {
    state: Arc<RwLock<State>>,
    loaded: watch::Sender<bool>,
}

enum State {
    /// Nobody keeps it up.
    Off,
    /// What was told meanwhile.
    Loading(HashSet<TorrentId>),
    On(Box<Memory>),
}

/// As long as this is there, every commit is told.
pub(crate) struct Attached(ListIndex);

impl Drop for Attached {
    fn drop(&mut self) {
        self.0.set(State::Off);
    }
}

impl ListIndex {
    /// One that is not there.
    pub(crate) fn new() -> Self {
        Self { state: Arc::new(RwLock::new(State::Off)), loaded: watch::Sender::new(false) }
    }

    /// Whether it answers; changes can be awaited.
    pub(crate) fn loaded(&self) -> watch::Receiver<bool> {
        self.loaded.subscribe()
    }

    /// A page; `None` if the rows have to be asked.
    pub(crate) fn find(&self, query: &TorrentQuery, after: Option<&Cursor>, limit: usize) -> Option<Found> {
        let after = match after {
            Some(cursor) => Some(Place::of(cursor)?),
            None => None,
        };
        match &*self.state.read().ok()? {
            State::On(memory) => Some(memory.find(query, after, limit)),
            State::Off | State::Loading(_) => None,
        }
    }

    /// Whoever begins to follow, or to stand by, promises to tell every commit from now on.
    pub(crate) fn attach(&self) -> Attached {
        self.set(State::Loading(HashSet::new()));
        Attached(self.clone())
    }

    /// Loads every row and begins to answer; ends at once if nobody is attached.
    pub(crate) async fn load(self, pool: PgPool) {
        let began = Instant::now();
        loop {
            match self.try_load(&pool).await {
                Ok(torrents) => {
                    let milliseconds = began.elapsed().as_millis();
                    tracing::info!(torrents, milliseconds, "lists are found in memory");
                    return;
                }
                Err(error) => {
                    tracing::warn!(%error, "the index of the lists is loaded again");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    async fn try_load(&self, pool: &PgPool) -> Result<usize, sqlx::Error> {
        let mut memory = Box::<Memory>::default();
        let mut after = String::new();
        loop {
            let rows = entry::page(pool, &after, LOADED_AT_ONCE).await?;
            let Some(last) = rows.last() else { break };
            after = last.id.to_string();
            for entry in rows {
                memory.load(entry);
            }
        }
        memory.arrange();
        loop {
            let told = {
                let mut state = self.write();
                let State::Loading(told) = &mut *state else { return Ok(0) };
                if told.is_empty() {
                    let torrents = memory.len();
                    *state = State::On(memory);
                    drop(state);
                    self.loaded.send_replace(true);
                    return Ok(torrents);
                }
                std::mem::take(told)
            };
            let told: Vec<_> = told.into_iter().collect();
            let mut rows = read(pool, &told).await?;
            for id in told {
                take(&mut memory, id, rows.remove(&id));
            }
        }
    }

    /// Takes in torrents of a batch that was committed.
    pub(crate) async fn tell(&self, pool: &PgPool, ids: Vec<TorrentId>) -> Result<(), sqlx::Error> {
        match &mut *self.write() {
            State::Off => return Ok(()),
            State::Loading(told) => {
                told.extend(ids);
                return Ok(());
            }
            State::On(_) => {}
        }
        let mut rows = read(pool, &ids).await?;
        for some in ids.chunks(TAKEN_AT_ONCE) {
            if let State::On(memory) = &mut *self.write() {
                for id in some {
                    take(memory, *id, rows.remove(id));
                }
            }
        }
        Ok(())
    }

    fn set(&self, new: State) {
        self.loaded.send_replace(false);
        let old = std::mem::replace(&mut *self.write(), new);
        // Outside the lock: it takes a while to give so much back.
        drop(old);
    }

    /// What panicked in the middle of a change is not trusted: then it is off until somebody begins to follow.
    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(|poisoned: PoisonError<_>| {
            let mut state = poisoned.into_inner();
            *state = State::Off;
            self.loaded.send_replace(false);
            self.state.clear_poison();
            state
        })
    }
}

async fn read(pool: &PgPool, ids: &[TorrentId]) -> Result<HashMap<TorrentId, Entry>, sqlx::Error> {
    let rows = entry::of(pool, ids).await?;
    Ok(rows.into_iter().map(|entry| (entry.id, entry)).collect())
}

fn take(memory: &mut Memory, id: TorrentId, row: Option<Entry>) {
    match row {
        Some(entry) => memory.put(entry),
        None => memory.remove(id),
    }
}
