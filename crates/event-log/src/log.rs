//! The handle to the log, and the runner behind it.

use std::sync::Arc;

use sqlx::PgPool;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::error::{AppendError, OpenError, ReadError};
use crate::ring::Ring;
use crate::tailer::Tailer;
use crate::types::{Append, Appended, CommandOutcome, Entry, Fact, Position, StreamId, Version};
use crate::writer::{Request, Writer};
use crate::{Options, Subscription, read, samples};

/// The log. A cheap clone.
#[derive(Clone)]
pub struct EventLog {
    inner: Arc<Inner>,
}

struct Inner {
    pool: PgPool,
    options: Options,
    log_tag: String,
    requests: mpsc::Sender<Request>,
    ring: Arc<Ring>,
}

/// The writer, the tailer and the keeper of the sample partitions.
pub struct Runner {
    writer: Writer,
    tailer: Tailer,
}

impl EventLog {
    /// Opens the log of a migrated database. Appends and followers stand still until [`Runner::run`] runs.
    pub async fn open(pool: PgPool, options: Options) -> Result<(Self, Runner), OpenError> {
        let log_id: Uuid = sqlx::query_scalar("SELECT log_id FROM log_meta").fetch_one(&pool).await?;
        samples::make_partitions(&pool).await?;
        let head = match read::head(&pool).await {
            Ok(head) => head,
            Err(ReadError::Database(error)) => return Err(error.into()),
        };
        let ring = Arc::new(Ring::new(head, &options));
        let (requests, receiver) = mpsc::channel(options.queue_max);
        let (committed, watch_committed) = watch::channel(head);
        let runner = Runner {
            writer: Writer { pool: pool.clone(), options: options.clone(), requests: receiver, committed },
            tailer: Tailer {
                pool: pool.clone(),
                options: options.clone(),
                ring: ring.clone(),
                committed: watch_committed,
            },
        };
        let log_tag = log_id.simple().to_string()[..6].to_owned();
        Ok((Self { inner: Arc::new(Inner { pool, options, log_tag, requests, ring }) }, runner))
    }

    /// Appends one command's facts; answered when they are durable.
    pub async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        let facts = append.facts.len();
        let bytes = append.facts.iter().map(|fact| fact.data.len() + fact.meta.len()).sum();
        if bytes > self.inner.options.command_bytes_max || facts > self.inner.options.command_facts_max {
            return Err(AppendError::TooLarge { bytes, facts });
        }
        let (answer, answered) = oneshot::channel();
        match self.inner.requests.try_send(Request { append, answer }) {
            Ok(()) => answered.await.unwrap_or(Err(AppendError::Stopped)),
            Err(mpsc::error::TrySendError::Full(_)) => Err(AppendError::Unavailable(None)),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(AppendError::Stopped),
        }
    }

    /// Appends one packed row of samples, without waiting for a flush.
    pub async fn append_samples(&self, node: &str, data: Vec<u8>) -> Result<Position, ReadError> {
        let position: i64 = sqlx::query_scalar("SELECT append_samples($1, $2)")
            .bind(node)
            .bind(data)
            .fetch_one(&self.inner.pool)
            .await?;
        Ok(Position(position))
    }

    /// Facts of a stream above a version, in order.
    pub async fn read_stream(
        &self,
        stream: &StreamId,
        after: Version,
        limit: u32,
    ) -> Result<Vec<Fact>, ReadError> {
        read::read_stream(&self.inner.pool, stream, after, limit).await
    }

    /// Facts and samples above a position, in order.
    pub async fn read_all(&self, after: Position, limit: u32) -> Result<Vec<Arc<Entry>>, ReadError> {
        read::read_all(&self.inner.pool, after, limit).await
    }

    /// Facts above a position, in order.
    pub async fn read_facts(&self, after: Position, limit: u32) -> Result<Vec<Fact>, ReadError> {
        read::read_facts(&self.inner.pool, after, limit).await
    }

    /// What became of a command.
    pub async fn find_command(&self, id: Uuid) -> Result<Option<CommandOutcome>, ReadError> {
        read::find_command(&self.inner.pool, id).await
    }

    /// Which stream holds a claim.
    pub async fn find_claim(&self, claim: &str) -> Result<Option<StreamId>, ReadError> {
        read::find_claim(&self.inner.pool, claim).await
    }

    /// The newest position of the log.
    pub async fn head(&self) -> Result<Position, ReadError> {
        read::head(&self.inner.pool).await
    }

    /// The newest position that followers of this process have; it may trail the head for a moment.
    pub fn tail_position(&self) -> Position {
        self.inner.ring.tail()
    }

    /// A few characters that tell this log from others.
    pub fn log_tag(&self) -> &str {
        &self.inner.log_tag
    }

    /// Follows the log from above a position.
    pub fn subscribe(&self, after: Position) -> Subscription {
        Subscription::new(
            self.inner.pool.clone(),
            self.inner.ring.clone(),
            after,
            self.inner.options.page_max,
        )
    }

    /// The database of the log.
    pub fn pool(&self) -> &PgPool {
        &self.inner.pool
    }
}

impl Runner {
    /// Runs until shutdown.
    pub async fn run(self, shutdown: CancellationToken) {
        let keeper =
            samples::keep(self.tailer.pool.clone(), self.tailer.options.samples_retention, shutdown.clone());
        tokio::join!(self.writer.run(shutdown.clone()), self.tailer.run(shutdown), keeper);
    }
}
