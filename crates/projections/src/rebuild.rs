//! Building a projection again, beside the generation that is read.
//!
//! The new rows are folded in memory and written once, without indexes, then indexed, then caught up, and take the place of the
//! old ones in one transaction. That transaction retires the old checkpoint first: whoever follows it waits, sees that it is retired and
//! writes nothing more, so no fact falls between the two.

use std::time::{Duration, Instant};

use revaer_event_log::{EventLog, Position};
use ulid::Ulid;

use crate::ahead::{PAGE, PENDING_MAX, ReadAhead};
use crate::audit::Audit;
use crate::batch::Batch;
use crate::checkpoint::{Checkpoint, Role};
use crate::files::Files;
use crate::generation::{self, schema_of};
use crate::model::{self, Pending, ReadModel, renew};
use crate::torrents::Torrents;
use crate::{Error, audit, files, torrents};

/// How often whoever waits is told how far it is.
const TELL_EVERY: Duration = Duration::from_secs(2);
/// How often the lease of the builder is renewed: well within it.
const RENEW_EVERY: Duration = Duration::from_secs(30);

/// Builds a projection again while it is being read, also from another process. The place that it had reached when it was swapped.
pub async fn rebuild(log: &EventLog, name: &str) -> Result<Position, Error> {
    let owner = Ulid::generate().to_string();
    match name {
        torrents::NAME => run::<Torrents>(log, &owner).await,
        files::NAME => run::<Files>(log, &owner).await,
        audit::NAME => run::<Audit>(log, &owner).await,
        other => Err(Error::Unknown(other.to_owned())),
    }
}

pub(crate) async fn run<M: ReadModel>(log: &EventLog, owner: &str) -> Result<Position, Error> {
    generation::drop_retired(log.pool(), M::NAME).await?;
    let mut checkpoint = begin::<M>(log, owner).await?;
    let generation = checkpoint.generation;
    match build_and_swap::<M>(log, &mut checkpoint).await {
        Ok(position) => {
            generation::drop_retired(log.pool(), M::NAME).await?;
            Ok(position)
        }
        Err(error) => {
            if let Err(error) = generation::drop_generation(log.pool(), M::NAME, generation).await {
                tracing::debug!(%error, "a generation that was not finished is dropped later");
            }
            Err(error)
        }
    }
}

async fn begin<M: ReadModel>(log: &EventLog, owner: &str) -> Result<Checkpoint, Error> {
    let mut transaction = log.pool().begin().await?;
    generation::lock(&mut transaction).await?;
    let building: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM public.checkpoints WHERE projection = $1 AND status = 'building')",
    )
    .bind(M::NAME)
    .fetch_one(&mut *transaction)
    .await?;
    if building {
        return Err(Error::Rebuilding(M::NAME));
    }
    let checkpoint = Checkpoint::begin(&mut transaction, M::NAME, owner, Role::Building).await?;
    generation::create::<M>(&mut transaction, &schema_of(M::NAME, checkpoint.generation)).await?;
    transaction.commit().await?;
    Ok(checkpoint)
}

async fn build_and_swap<M: ReadModel>(
    log: &EventLog,
    checkpoint: &mut Checkpoint,
) -> Result<Position, Error> {
    let schema = schema_of(M::NAME, checkpoint.generation);
    let mut model = M::new(log.clone(), Role::Building);
    catch_up(&mut model, checkpoint, log, &schema).await?;
    let mut transaction = log.pool().begin().await?;
    // One statement, though a long one, on which nobody waits.
    sqlx::query("SET LOCAL statement_timeout = 0").execute(&mut *transaction).await?;
    generation::index::<M>(&mut transaction, &schema).await?;
    transaction.commit().await?;
    catch_up(&mut model, checkpoint, log, &schema).await?;
    swap(&mut model, checkpoint, log, &schema).await
}

/// Folds everything up to the head of the moment at which it began, and writes each row once: when it is done, or when more rows
/// wait than may be held.
async fn catch_up<M: ReadModel>(
    model: &mut M,
    checkpoint: &mut Checkpoint,
    log: &EventLog,
    schema: &str,
) -> Result<(), Error> {
    let head = log.head().await?;
    let mut reading = ReadAhead::start(log.clone(), checkpoint.position, head, M::BREADTH);
    let (mut pending, mut through) = (M::Changes::default(), checkpoint.position);
    let (mut told, mut renewed) = (Instant::now(), Instant::now());
    while let Some(batch) = reading.next().await {
        let batch = understood(batch?)?;
        pending = model.fold(pending, &batch).await?;
        through = batch.through;
        if pending.rows() >= PENDING_MAX {
            model::write(model, checkpoint, log, schema, std::mem::take(&mut pending), through).await?;
            renewed = Instant::now();
        }
        if renewed.elapsed() >= RENEW_EVERY {
            // Without a move: what is pending would be lost to whoever believed it.
            renew(checkpoint, log, checkpoint.position).await?;
            renewed = Instant::now();
        }
        if told.elapsed() >= TELL_EVERY {
            told = Instant::now();
            tracing::info!(projection = M::NAME, position = %through, %head, "building the read model again");
        }
    }
    model::write(model, checkpoint, log, schema, pending, through).await
}

async fn swap<M: ReadModel>(
    model: &mut M,
    checkpoint: &mut Checkpoint,
    log: &EventLog,
    schema: &str,
) -> Result<Position, Error> {
    let mut transaction = log.pool().begin().await?;
    let (old, reached): (i64, i64) = sqlx::query_as(
        "UPDATE public.checkpoints SET status = 'retired', epoch = epoch + 1 \
         WHERE projection = $1 AND status = 'live' RETURNING generation, position",
    )
    .bind(M::NAME)
    .fetch_one(&mut *transaction)
    .await?;
    // What the old generation has seen the new one must have seen too, or a client would read the past.
    while checkpoint.position < Position(reached) {
        let facts = log.read_facts(checkpoint.position, PAGE).await?;
        let mut batch = understood(Batch::of_facts(checkpoint.position, &facts, M::BREADTH))?;
        if facts.is_empty() {
            // No fact is left at or below `reached`; samples lie there.
            batch.through = batch.through.max(Position(reached));
        }
        checkpoint.advance(&mut transaction, batch.through).await?;
        let changes = model.fold(M::Changes::default(), &batch).await?;
        if changes.rows() > 0 {
            model::enter(&mut transaction, schema).await?;
            model.write(&changes, &mut transaction).await?;
            model.keep(changes);
        }
        checkpoint.position = batch.through;
    }
    generation::rename(&mut transaction, M::NAME, old, checkpoint.generation).await?;
    sqlx::query(
        "UPDATE public.checkpoints SET status = 'live', owner = NULL, lease_until = NULL \
         WHERE projection = $1 AND generation = $2",
    )
    .bind(M::NAME)
    .bind(checkpoint.generation)
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    tracing::info!(
        projection = M::NAME,
        generation = checkpoint.generation,
        "the rebuilt read model is live"
    );
    Ok(checkpoint.position)
}

fn understood(mut batch: Batch) -> Result<Batch, Error> {
    match batch.poison.take() {
        Some((position, source)) => Err(Error::Poisoned { position, source }),
        None => Ok(batch),
    }
}
