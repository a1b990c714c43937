//! The handle to the log, and the runner behind it.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use sqlx::{PgPool, Postgres, Transaction};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::followers::Followers;
use crate::known::KnownVersions;
use crate::link::Link;
use crate::ring::Ring;
use crate::tailer::Tailer;
use crate::writer::{Request, Writer};
use crate::{
    Append, AppendError, Appended, CommandOutcome, Contents, DatabaseVersion, Entry, Fact, Metrics,
    OpenError, Options, Position, ReadError, Replay, Retention, StreamId, Subscription, Unavailable, Version,
    dump, keeper, migrate, read, statements,
};

/// Characters of the log's id that its tag has.
pub(crate) const TAG_LENGTH: usize = 6;

/// The log. A cheap clone.
#[derive(Debug, Clone)]
pub struct EventLog {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) pool: PgPool,
    pub(crate) options: Options,
    pub(crate) ring: Arc<Ring>,
    /// Bounds the subscriptions that read from Postgres at once.
    pub(crate) catch_up: Semaphore,
    pub(crate) metrics: Metrics,
    followers: Followers,
    log_tag: String,
    requests: mpsc::Sender<Request>,
    committed: Arc<watch::Sender<Position>>,
    retention: watch::Sender<Retention>,
}

/// The writer, the tailer and the keeper. Without it appends wait and followers stand still.
#[must_use = "nothing is appended until it runs"]
pub struct Runner {
    writer: Writer,
    tailer: Tailer,
    pool: PgPool,
    retention: watch::Receiver<Retention>,
    metrics: Metrics,
}

impl EventLog {
    /// Opens the log of a migrated database. The log makes three connections of its own, besides those of the pool.
    pub async fn open(pool: PgPool, options: Options) -> Result<(Self, Runner), OpenError> {
        migrate::check(&pool).await?;
        let log_id: Uuid = sqlx::query_scalar(statements::LOG_ID).fetch_one(&pool).await?;
        let ring = Arc::new(Ring::new(read::head(&pool).await?, &options));
        let committed = Arc::new(watch::Sender::new(ring.tail()));
        let (requests, receiver) = mpsc::channel(options.queue_max);
        let (retention, watch_retention) = watch::channel(options.retention);
        let connect = pool.connect_options();
        let metrics = Metrics::default();
        let runner = Runner {
            writer: Writer {
                link: Link::new(&connect, "revaer log writer", &options),
                options: options.clone(),
                requests: receiver,
                known: KnownVersions::default(),
                committed: Arc::clone(&committed),
                metrics: metrics.clone(),
            },
            tailer: Tailer {
                link: Link::new(&connect, "revaer log tailer", &options),
                listen_at: connect.as_ref().clone(),
                options: options.clone(),
                ring: Arc::clone(&ring),
                committed: committed.subscribe(),
                metrics: metrics.clone(),
            },
            pool: pool.clone(),
            retention: watch_retention,
            metrics: metrics.clone(),
        };
        let catch_up = Semaphore::new(options.catch_up_readers_max);
        let log_tag = dump::tag(log_id);
        let followers = Followers::default();
        let inner = Inner {
            pool,
            options,
            ring,
            catch_up,
            metrics,
            followers,
            log_tag,
            requests,
            committed,
            retention,
        };
        Ok((Self { inner: Arc::new(inner) }, runner))
    }

    /// Appends one command's facts; answered when they are durable.
    ///
    /// Once it is called the append may happen, whether or not the caller waits for the answer.
    pub async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        let begun = Instant::now();
        let result = self.append_by_writer(append).await;
        self.inner.metrics.appended(&result, begun.elapsed());
        result
    }

    async fn append_by_writer(&self, append: Append) -> Result<Appended, AppendError> {
        append.check_size(&self.inner.options)?;
        let (answer, answered) = oneshot::channel();
        let request = Request { append, answer };
        match self.inner.requests.send_timeout(request, self.inner.options.queue_timeout).await {
            Ok(()) => answered.await.unwrap_or(Err(AppendError::Stopped)),
            Err(mpsc::error::SendTimeoutError::Timeout(_)) => {
                Err(AppendError::Unavailable(Unavailable::QueueFull))
            }
            Err(mpsc::error::SendTimeoutError::Closed(_)) => Err(AppendError::Stopped),
        }
    }

    /// Keeps samples and remembered commands for so long from now on. What is due by it goes within moments.
    pub fn retain(&self, retention: Retention) {
        self.inner.retention.send_if_modified(|now| std::mem::replace(now, retention) != retention);
    }

    /// Appends one packed row of samples, without waiting for a flush: a crash may lose the newest, never a fact.
    pub async fn append_samples(&self, node: &str, data: Vec<u8>) -> Result<Position, AppendError> {
        let max = self.inner.options.samples_bytes_max;
        if data.len() > max {
            return Err(AppendError::TooLarge { what: "bytes of samples", size: data.len(), max });
        }
        let pool = &self.inner.pool;
        let append = || {
            sqlx::query_scalar(statements::APPEND_SAMPLES).bind(node).bind(data.as_slice()).fetch_one(pool)
        };
        let position = match append().await {
            // The hour has no partition: the keeper was kept from its work for hours.
            Err(sqlx::Error::Database(error)) if error.is_check_violation() => {
                keeper::make_partition(pool, 0).await.map_err(unavailable)?;
                append().await
            }
            outcome => outcome,
        };
        self.inner.metrics.sampled(position.is_ok());
        let position = Position(position.map_err(unavailable)?);
        tell(&self.inner.committed, position);
        Ok(position)
    }

    /// Facts of a stream above a version, in order; fewer than `limit` only at its end.
    pub async fn read_stream(
        &self,
        stream: &StreamId,
        after: Version,
        limit: u32,
    ) -> Result<Vec<Fact>, ReadError> {
        self.read_stream_until(stream, Position(i64::MAX), after, limit).await
    }

    /// The beginnings of several streams in one question: facts up to and including a version, stream by stream, in order.
    ///
    /// The caller bounds the answer, by the number of streams and by the version.
    pub async fn read_streams(
        &self,
        streams: &[StreamId],
        version_max: Version,
    ) -> Result<Vec<Fact>, ReadError> {
        Ok(read::streams(&self.inner.pool, streams, version_max).await?)
    }

    /// The same as of then: facts up to and including a position alone.
    pub async fn read_stream_until(
        &self,
        stream: &StreamId,
        until: Position,
        after: Version,
        limit: u32,
    ) -> Result<Vec<Fact>, ReadError> {
        Ok(read::stream(&self.inner.pool, stream, until, after, limit).await?)
    }

    /// Facts and samples above a position, in order.
    ///
    /// A page is bounded by bytes too: one shorter than `limit` doesn't mean the end of the log, an empty one does.
    pub async fn read_all(&self, after: Position, limit: u32) -> Result<Vec<Arc<Entry>>, ReadError> {
        let page = read::page(&self.inner.pool, after, limit, self.inner.options.page_bytes_max).await?;
        Ok(page.entries)
    }

    /// Facts above a position, in order.
    ///
    /// A page is bounded by bytes too: one shorter than `limit` doesn't mean the end of the log, an empty one does.
    pub async fn read_facts(&self, after: Position, limit: u32) -> Result<Vec<Fact>, ReadError> {
        Ok(read::facts(&self.inner.pool, after, limit, &self.inner.options).await?)
    }

    /// Everything above a position up to the head of this moment, page by page.
    pub async fn replay(&self, after: Position, contents: Contents) -> Result<Replay, ReadError> {
        Ok(Replay::new(self.clone(), contents, after, self.head().await?))
    }

    /// One moment of the database, to be read for as long as it takes beside those who append.
    ///
    /// To be rolled back or dropped: what is made in it is for the moment alone.
    pub async fn snapshot(&self) -> Result<Transaction<'static, Postgres>, ReadError> {
        let mut transaction = self.inner.pool.begin().await?;
        sqlx::raw_sql(
            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SET LOCAL statement_timeout = 0; \
             SET LOCAL idle_in_transaction_session_timeout = 0",
        )
        .execute(&mut *transaction)
        .await?;
        Ok(transaction)
    }

    /// What became of a command.
    pub async fn find_command(&self, id: Uuid) -> Result<Option<CommandOutcome>, ReadError> {
        Ok(read::find_command(&self.inner.pool, id).await?)
    }

    /// Which stream holds an info hash.
    pub async fn find_claim(&self, claim: &str) -> Result<Option<StreamId>, ReadError> {
        Ok(read::find_claim(&self.inner.pool, claim).await?)
    }

    /// The newest position of the log; it does not fall when samples are dropped.
    pub async fn head(&self) -> Result<Position, ReadError> {
        Ok(read::head(&self.inner.pool).await?)
    }

    /// The newest position among samples that were dropped: up to here a replay has facts alone.
    pub async fn samples_floor(&self) -> Result<Position, ReadError> {
        Ok(read::samples_floor(&self.inner.pool).await?)
    }

    /// The newest position that this process's followers have; it may trail the head for a moment.
    pub fn tail_position(&self) -> Position {
        self.inner.ring.tail()
    }

    /// The same, to be awaited.
    pub fn watch_tail(&self) -> watch::Receiver<Position> {
        self.inner.ring.watch()
    }

    /// A few characters that tell this log from others.
    pub fn log_tag(&self) -> &str {
        &self.inner.log_tag
    }

    /// Follows the log from above a position.
    pub fn subscribe(&self, after: Position) -> Subscription {
        Subscription::new(Arc::clone(&self.inner), after, None)
    }

    /// The same under a name of the service's own, so that [`EventLog::followers`] tells how far it has come.
    pub fn follow(&self, name: &'static str, after: Position) -> Subscription {
        let place = self.inner.followers.enter(name, after);
        Subscription::new(Arc::clone(&self.inner), after, Some(place))
    }

    /// How far each follower with a name has come: everything up to there was dealt with.
    pub fn followers(&self) -> Vec<(&'static str, Position)> {
        self.inner.followers.all()
    }

    /// What it counts of itself.
    pub fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }

    /// What its database is.
    pub async fn database(&self) -> Result<DatabaseVersion, ReadError> {
        Ok(migrate::version(&self.inner.pool).await?)
    }

    /// The appends that wait for the writer, and how many may.
    pub fn queue(&self) -> (usize, usize) {
        let (free, max) = (self.inner.requests.capacity(), self.inner.requests.max_capacity());
        (max - free, max)
    }

    /// The entries and the bytes that are kept in memory for followers near the head.
    pub fn ring(&self) -> (usize, usize) {
        self.inner.ring.size()
    }

    /// Entries of one page.
    pub(crate) fn page_max(&self) -> u32 {
        self.inner.options.page_max
    }

    /// The database of the log.
    pub fn pool(&self) -> &PgPool {
        &self.inner.pool
    }
}

impl Runner {
    /// Runs until shutdown; appends that were taken before it are still answered.
    pub async fn run(self, shutdown: CancellationToken) {
        // Tasks of their own: the tailer decodes while the writer encodes. They end with the one that runs this.
        let mut parts = JoinSet::new();
        parts.spawn(self.writer.run(shutdown.clone()));
        parts.spawn(self.tailer.run(shutdown.clone()));
        parts.spawn(keeper::run(self.pool, self.retention, self.metrics, shutdown));
        parts.join_all().await;
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").field("log_tag", &self.log_tag).finish_non_exhaustive()
    }
}

impl fmt::Debug for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runner").finish_non_exhaustive()
    }
}

/// Tells the tailer that this process has committed a position, which may have been overtaken by another one's telling.
pub(crate) fn tell(committed: &watch::Sender<Position>, position: Position) {
    committed.send_if_modified(|newest| {
        let is_newer = position > *newest;
        *newest = position.max(*newest);
        is_newer
    });
}

fn unavailable(error: sqlx::Error) -> AppendError {
    AppendError::Unavailable(error.into())
}
