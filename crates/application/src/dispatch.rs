//! How a command travels: look its id up, hold the stream, load, decide, append, answer.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use eventually::aggregate::{AggregateRoot, AggregateRootBuilder};
use eventually::repository::{Error as RepositoryError, Repository};
use eventually::versioning::Versioned;
use revaer_domain::torrent::{Refused, Torrent, TorrentCommand, TorrentRules};
use revaer_domain::values::{InfoHash, TorrentId};
use revaer_event_log::{
    AppendError, CommandOutcome, CommandRecord, EventLog, Position, Repeat, StreamId, Version,
};
use sha2::{Digest, Sha256};
use tracing::Instrument;

use crate::access::Access;
use crate::cache::{Cache, Folded};
use crate::command_store::{CommandStore, StoreError, stream_of};
use crate::settings::SettingsState;
use crate::stream_lock::KeyedLocks;
use crate::{
    Bodies, Caller, Clock, CommandError, HealthRegistry, LiveView, MetainfoParser, Metrics, ServerKey,
};

/// How often a command is decided while others keep being faster.
const ATTEMPTS_MAX: u32 = 3;
/// Folded torrents of one generation of the cache: about 2 KB each.
const CACHE_ENTRIES_MAX: usize = 20_000;

/// What the application is made of.
pub struct Parts {
    /// The log.
    pub log: EventLog,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Reads torrent files.
    pub metainfo: Arc<dyn MetainfoParser>,
    /// The live session.
    pub live: Arc<dyn LiveView>,
    /// How well the parts are.
    pub health: HealthRegistry,
    /// What only this service can make.
    pub server_key: ServerKey,
}

/// The write side. A cheap clone.
#[derive(Clone)]
pub struct Application {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) parts: Parts,
    pub(crate) bodies: Bodies,
    pub(crate) locks: KeyedLocks,
    pub(crate) settings: SettingsState,
    pub(crate) access: Access,
    metrics: Metrics,
    cache: Mutex<Cache>,
}

/// The answer to a command: the torrent as the log has it after it.
#[derive(Debug, Clone)]
pub struct Done {
    /// Which torrent.
    pub id: TorrentId,
    /// Its state.
    pub torrent: Torrent,
    /// Its version.
    pub version: Version,
    /// The position of the command's last fact; of the stream's, when nothing changed.
    pub position: Position,
    /// Whether this is the first answer given again.
    pub repeated: bool,
}

impl Application {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> Self {
        let bodies = Bodies::new(parts.log.pool().clone());
        let cache = Mutex::new(Cache::new(CACHE_ENTRIES_MAX));
        let (locks, access) = (KeyedLocks::default(), Access::new(parts.server_key.clone()));
        let settings = SettingsState::new();
        let metrics = Metrics::default();
        Self { inner: Arc::new(Inner { parts, bodies, locks, settings, access, metrics, cache }) }
    }

    /// Gives a command to a torrent.
    pub async fn command(
        &self,
        id: TorrentId,
        command: TorrentCommand,
        caller: &Caller,
    ) -> Result<Done, CommandError> {
        let fingerprint = fingerprint(&(id, &command));
        let (record, _key) = match self.first_time(caller, fingerprint).await? {
            FirstTime::Yes(record, key) => (record, key),
            FirstTime::No(outcome) => return self.repeat(*outcome).await,
        };
        self.dispatch(id, command, record, caller).await
    }

    /// The torrent that has an info hash, among those that are not removed.
    pub async fn find(&self, hash: &InfoHash) -> Result<Option<TorrentId>, CommandError> {
        let stream = self.log().find_claim(&hash.to_string()).await.map_err(read_failed)?;
        Ok(stream.and_then(|stream| TorrentId::from_stream(stream.as_str())))
    }

    /// A torrent as its stream tells it now, with its version and last position.
    pub async fn torrent(&self, id: TorrentId) -> Result<Option<(Torrent, Version, Position)>, CommandError> {
        let known = self.cache().get(id).unwrap_or_default();
        let folded = self.fold_on(id, known, |_| true).await?;
        self.cache().put(id, folded.clone());
        Ok(folded.of_an_existing_torrent())
    }

    /// The same, or a fold that is kept if it is at least as new as a version that was seen in the log.
    pub async fn torrent_since(
        &self,
        id: TorrentId,
        version: Version,
    ) -> Result<Option<(Torrent, Version, Position)>, CommandError> {
        let known = self.cache().get(id).filter(|known| known.version >= version);
        match known {
            Some(known) => Ok(known.of_an_existing_torrent()),
            None => self.torrent(id).await,
        }
    }

    /// Every torrent that is not removed, in the order of the adds.
    pub async fn live_torrents(&self) -> Result<Vec<TorrentId>, CommandError> {
        let streams: Vec<String> =
            sqlx::query_scalar("SELECT DISTINCT stream_id FROM claims ORDER BY stream_id")
                .fetch_all(self.log().pool())
                .await
                .map_err(|error| read_failed(error.into()))?;
        Ok(streams.iter().filter_map(|stream| TorrentId::from_stream(stream)).collect())
    }

    /// The live session.
    pub fn live(&self) -> &dyn LiveView {
        self.inner.parts.live.as_ref()
    }

    /// How well the parts are.
    pub fn health(&self) -> &HealthRegistry {
        &self.inner.parts.health
    }

    /// The log.
    pub fn log(&self) -> &EventLog {
        &self.inner.parts.log
    }

    /// The large bodies beside the log.
    pub fn bodies(&self) -> &Bodies {
        &self.inner.bodies
    }

    /// What it counts of itself.
    pub fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }

    /// The clock.
    pub fn clock(&self) -> &dyn Clock {
        self.inner.parts.clock.as_ref()
    }

    /// Looks a keyed command up. The key stays held until the command is answered, so that a repeat in flight waits for
    /// the first and then finds its outcome.
    pub(crate) async fn first_time(
        &self,
        caller: &Caller,
        fingerprint: [u8; 32],
    ) -> Result<FirstTime, CommandError> {
        let id = caller.command_id();
        let record = |repeat| CommandRecord { id, fingerprint, result: None, repeat };
        if caller.idempotency_key.is_none() {
            return Ok(FirstTime::Yes(record(Repeat::CannotCome), None));
        }
        let key = self.inner.locks.hold(id.as_u128()).await;
        match self.log().find_command(id).await.map_err(read_failed)? {
            None => Ok(FirstTime::Yes(record(Repeat::MayCome), Some(key))),
            Some(outcome) if outcome.fingerprint == fingerprint => Ok(FirstTime::No(Box::new(outcome))),
            Some(_) => Err(CommandError::KeyReused),
        }
    }

    /// The first answer again: the torrent as it was after the command.
    pub(crate) async fn repeat(&self, outcome: CommandOutcome) -> Result<Done, CommandError> {
        let id = TorrentId::from_stream(outcome.stream.as_str()).ok_or(CommandError::KeyReused)?;
        let then = self.fold_on(id, Folded::default(), |fact| fact.version <= outcome.version_after).await?;
        let (torrent, version, position) = then.of_an_existing_torrent().ok_or(CommandError::NotFound)?;
        Ok(Done { id, torrent, version, position, repeated: true })
    }

    pub(crate) async fn dispatch(
        &self,
        id: TorrentId,
        command: TorrentCommand,
        record: CommandRecord,
        caller: &Caller,
    ) -> Result<Done, CommandError> {
        let begun = Instant::now();
        let correlation = caller.correlation_id.as_str();
        let span = tracing::info_span!("command", torrent = %id, actor = caller.actor, correlation);
        let answer = self.decide(id, command, record, caller).instrument(span).await;
        self.inner.metrics.answered(&answer, begun.elapsed());
        answer
    }

    async fn decide(
        &self,
        id: TorrentId,
        command: TorrentCommand,
        record: CommandRecord,
        caller: &Caller,
    ) -> Result<Done, CommandError> {
        let _stream = self.inner.locks.hold(id.ulid().0).await;
        let store = CommandStore::new(self.log().clone(), caller.metadata(), record.clone());
        for _ in 0..ATTEMPTS_MAX {
            let folded = self.load(id, &store).await?;
            let version = folded.version;
            let answer = match self.attempt(id, folded, command.clone(), &store, caller).await {
                Ok(Attempt { done, is_recorded: true }) => return Ok(done),
                Ok(Attempt { done, is_recorded: false }) => Ok(done),
                Err(Failure::Answer(answer)) => Err(answer),
                Err(Failure::Store(StoreError::Append(AppendError::VersionConflict { .. }))) => {
                    self.inner.metrics.redecisions.inc();
                    self.cache().evict(id);
                    continue;
                }
                Err(Failure::Store(StoreError::Append(AppendError::AlreadyRecorded(outcome)))) => {
                    return if outcome.fingerprint == record.fingerprint {
                        self.repeat(*outcome).await
                    } else {
                        Err(CommandError::KeyReused)
                    };
                }
                Err(Failure::Store(error)) => {
                    // What was written is not known for certain: read the stream again next time.
                    self.cache().evict(id);
                    return Err(store_failed(error));
                }
            };
            if self.is_newest(id, version).await? {
                return answer;
            }
            self.cache().evict(id);
        }
        Err(CommandError::VersionConflict)
    }

    /// Decides on what is known and appends what comes of it.
    async fn attempt(
        &self,
        id: TorrentId,
        folded: Folded,
        command: TorrentCommand,
        store: &CommandStore,
        caller: &Caller,
    ) -> Result<Attempt, Failure> {
        if let Some(expected) = caller.if_match
            && expected != folded.version
        {
            return Err(Failure::Answer(CommandError::PreconditionFailed { actual: folded.version }));
        }
        let store = store.clone().holding(folded.torrent.info_hashes);
        let mut root = builder().build_with_state(id, folded.version, folded.torrent);
        root.handle(command).await.map_err(|refused| Failure::Answer(refusal(refused)))?;
        let mut repository = Repository::new(builder(), store.clone());
        let root: AggregateRoot<TorrentRules> = repository.add(root).await.map_err(|error| match error {
            RepositoryError::Aggregate(refused) => Failure::Answer(CommandError::internal(refused)),
            RepositoryError::Store(error) => Failure::Store(error),
        })?;
        let changed = root.version() != folded.version;
        let is_recorded = changed || caller.idempotency_key.is_some();
        if is_recorded && !changed {
            // `Repository::add` skips the store when nothing happened; the repeat must find the command all the same.
            store.record_no_op(id, folded.version).await.map_err(Failure::Store)?;
        }
        let position = if changed { store.position() } else { folded.position };
        let (version, torrent) = (root.version(), root.state().clone());
        self.cache().put(id, Folded { torrent: torrent.clone(), version, position });
        let done = Done { id, torrent, version, position, repeated: false };
        Ok(Attempt { done, is_recorded })
    }

    /// The torrent as it is kept, or from its stream. What is kept may be old: another process may have appended, or a caller
    /// may have gone away while its append was under way.
    async fn load(&self, id: TorrentId, store: &CommandStore) -> Result<Folded, CommandError> {
        let known = self.cache().get(id);
        self.inner.metrics.folded(known.is_some());
        if let Some(folded) = known {
            return Ok(folded);
        }
        let repository = Repository::new(builder(), store.clone());
        let root = repository.get(id).await.map_err(|error| match error {
            RepositoryError::Aggregate(refused) => CommandError::internal(refused),
            RepositoryError::Store(error) => store_failed(error),
        })?;
        let folded =
            Folded { torrent: root.state().clone(), version: root.version(), position: store.position() };
        self.cache().put(id, folded.clone());
        Ok(folded)
    }

    /// Whether nothing was appended above a version. An append finds out by itself; an answer without one has to ask.
    async fn is_newest(&self, id: TorrentId, version: Version) -> Result<bool, CommandError> {
        let newer = self.log().read_stream(&stream_of(id), version, 1).await.map_err(read_failed)?;
        Ok(newer.is_empty())
    }

    pub(crate) fn cache(&self) -> std::sync::MutexGuard<'_, Cache> {
        // Entries are whole or absent; a panic elsewhere does not spoil them.
        self.inner.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a command is new.
pub(crate) enum FirstTime {
    Yes(CommandRecord, Option<crate::stream_lock::Held>),
    No(Box<CommandOutcome>),
}

/// A decision that was carried out.
struct Attempt {
    done: Done,
    /// Whether the log has taken something of it, and with that has checked the version.
    is_recorded: bool,
}

/// Why one was not.
enum Failure {
    /// By what is known of the torrent.
    Answer(CommandError),
    /// By the log.
    Store(StoreError),
}

fn refusal(refused: Refused) -> CommandError {
    match refused {
        Refused::Absent => CommandError::NotFound,
        refused => CommandError::Refused(refused),
    }
}

fn builder() -> AggregateRootBuilder<TorrentRules> {
    AggregateRootBuilder::from(TorrentRules)
}

/// The hash of a command as it was understood: two spellings of one JSON body are one command.
pub(crate) fn fingerprint(command: &impl serde::Serialize) -> [u8; 32] {
    let json =
        serde_json::to_vec(command).expect("commands are plain data: nothing in them can fail to serialise");
    Sha256::digest(json).into()
}

pub(crate) fn read_failed(error: revaer_event_log::ReadError) -> CommandError {
    store_failed(error.into())
}

pub(crate) fn store_failed(error: StoreError) -> CommandError {
    match error {
        StoreError::Append(AppendError::Claimed { by, .. }) => exists(&by),
        StoreError::Append(AppendError::TooLarge { size, max, .. }) => CommandError::TooLarge { size, max },
        StoreError::Append(AppendError::Unavailable(_) | AppendError::Stopped) => CommandError::Unavailable,
        StoreError::Read(error) => {
            tracing::warn!(%error, "the log cannot be read");
            CommandError::Unavailable
        }
        other => CommandError::internal(other),
    }
}

fn exists(by: &StreamId) -> CommandError {
    TorrentId::from_stream(by.as_str()).map_or_else(
        || CommandError::Internal(format!("info hash is claimed by `{}`", by.as_str()).into()),
        |id| CommandError::TorrentExists { id },
    )
}
