//! Our log as `eventually` sees an event store, made for one command.
//!
//! `eventually`'s append knows no metadata, no command id and no position, and its sequence number is 32 bits wide. So a
//! store is made for each command: it carries what the interface cannot, and hands back what the interface drops.

use std::sync::{Arc, Mutex, PoisonError};

use eventually::store::{AppendError, EventStore, EventStream, Expected, Persisted, Select};
use futures::future::{BoxFuture, FutureExt};
use futures::stream::{self, StreamExt};
use revaer_domain::torrent::TorrentEvent;
use revaer_domain::values::{InfoHashes, TorrentId};
use revaer_event_log::{Append, CommandRecord, EventLog, Fact, Position, StreamId, Version};
use revaer_event_schema::{DecodeError, Metadata, decode_torrent, encode_torrent};

/// Facts read at once while a stream is loaded.
const PAGE: u32 = 1000;

/// Why a torrent could not be loaded or saved.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error("cannot append")]
    Append(#[from] revaer_event_log::AppendError),
    #[error("cannot read")]
    Read(#[from] revaer_event_log::ReadError),
    #[error("a fact of the stream is not understood")]
    Decode(#[from] DecodeError),
    #[error("the log does not do this")]
    Unsupported,
}

impl AppendError for StoreError {
    fn is_conflict_error(&self) -> bool {
        matches!(self, Self::Append(revaer_event_log::AppendError::VersionConflict { .. }))
    }
}

/// The log, with what one command needs.
#[derive(Clone)]
pub(crate) struct CommandStore {
    log: EventLog,
    metadata: Metadata,
    command: CommandRecord,
    claimed: InfoHashes,
    position: Arc<Mutex<Position>>,
}

impl CommandStore {
    pub(crate) fn new(log: EventLog, metadata: Metadata, command: CommandRecord) -> Self {
        Self {
            log,
            metadata,
            command,
            claimed: InfoHashes::default(),
            position: Arc::new(Mutex::new(Position(0))),
        }
    }

    /// Says which info hashes the torrent has claimed: a removal releases them, a discovery claims only what is new.
    pub(crate) fn holding(mut self, claimed: InfoHashes) -> Self {
        self.claimed = claimed;
        self
    }

    /// The last position of the stream that was read or written through this store.
    pub(crate) fn position(&self) -> Position {
        *self.position.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_position(&self, position: Position) {
        *self.position.lock().unwrap_or_else(PoisonError::into_inner) = position;
    }

    fn claim(&self, claims: &mut Vec<String>, hashes: &InfoHashes) {
        for hash in hashes.iter().filter(|hash| !self.claimed.contains(hash)) {
            let hash = hash.to_string();
            if !claims.contains(&hash) {
                claims.push(hash);
            }
        }
    }

    async fn load(&self, id: TorrentId, after: Version) -> Result<Vec<Fact>, StoreError> {
        let stream = stream_of(id);
        let mut facts = Vec::new();
        let mut version = after;
        loop {
            let page = self.log.read_stream(&stream, version, PAGE).await?;
            let Some(last) = page.last() else { return Ok(facts) };
            version = last.version;
            self.set_position(last.position);
            let is_last_page = page.len() < PAGE as usize;
            facts.extend(page);
            if is_last_page {
                return Ok(facts);
            }
        }
    }

    /// Records a command that changed nothing, so that its repeat changes nothing either.
    pub(crate) async fn record_no_op(&self, id: TorrentId, version: Version) -> Result<(), StoreError> {
        let append = Append {
            stream: stream_of(id),
            expected: version,
            facts: Vec::new(),
            command: Some(self.command.clone()),
            claims: Vec::new(),
            releases: Vec::new(),
        };
        self.log.append(append).await?;
        Ok(())
    }
}

impl EventStore for CommandStore {
    type SourceId = TorrentId;
    type Event = TorrentEvent;
    type Error = StoreError;

    fn append(
        &mut self,
        id: TorrentId,
        version: Expected,
        events: Vec<TorrentEvent>,
    ) -> BoxFuture<'_, Result<u32, StoreError>> {
        async move {
            // A torrent's decision always rests on a version; `Any` would be a blind write.
            let Expected::Exact(expected) = version else { return Err(StoreError::Unsupported) };
            let mut append = Append {
                stream: stream_of(id),
                expected,
                facts: events.iter().map(|event| encode_torrent(event, &self.metadata)).collect(),
                command: Some(self.command.clone()),
                claims: Vec::new(),
                releases: Vec::new(),
            };
            for event in &events {
                match event {
                    TorrentEvent::Added(added) => self.claim(&mut append.claims, &added.info_hashes),
                    TorrentEvent::FilesDiscovered(files) => {
                        self.claim(&mut append.claims, &files.info_hashes);
                    }
                    TorrentEvent::Removed(_) => {
                        append.releases = self.claimed.iter().map(|hash| hash.to_string()).collect();
                    }
                    _ => {}
                }
            }
            let appended = self.log.append(append).await?;
            self.set_position(appended.position);
            Ok(appended.version)
        }
        .boxed()
    }

    fn stream(
        &self,
        id: TorrentId,
        select: Select,
    ) -> BoxFuture<'_, Result<EventStream<'_, Self>, StoreError>> {
        async move {
            let after = match select {
                Select::All => 0,
                Select::From(version) => version.saturating_sub(1),
            };
            let facts = self.load(id, after).await?;
            Ok(stream::iter(facts)
                .map(move |fact| {
                    let event = decode_torrent(&fact.kind, fact.schema_version, &fact.data)?;
                    // The 32-bit sequence number cannot carry a position; nobody reads it.
                    Ok(Persisted::from(id, event).version(fact.version).sequence_number(fact.version))
                })
                .boxed())
        }
        .boxed()
    }

    fn stream_all(&self, _select: Select) -> BoxFuture<'_, Result<EventStream<'_, Self>, StoreError>> {
        futures::future::ready(Err(StoreError::Unsupported)).boxed()
    }

    fn remove(&mut self, _id: TorrentId) -> BoxFuture<'_, Result<(), StoreError>> {
        futures::future::ready(Err(StoreError::Unsupported)).boxed()
    }
}

pub(crate) fn stream_of(id: TorrentId) -> StreamId {
    StreamId::new(&id.stream()).expect("`torrent-` and a ULID are a stream id")
}
