//! Follows the log and keeps the rows, one loop for each projection.
//!
//! Of several processes one follows; the others stand by and look at how far it is. A failure of the database is tried again; a
//! fact that is not understood is not: the projection stands before it until a build comes that understands it.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use revaer_event_log::{EventLog, Position};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use ulid::Ulid;

use crate::audit::Audit;
use crate::batch::Batch;
use crate::checkpoint::{Checkpoint, RENEWAL};
use crate::files::Files;
use crate::index::ListIndex;
use crate::model::{ReadModel, apply, renew};
use crate::standing::Standing;
use crate::torrents::Torrents;
use crate::{Error, Metrics, ProjectionHealth, Projections, ProjectorHealth, generation, live};

/// How often one that stands by looks how far the other is, and how long a checkpoint may trail entries that change no row: what
/// others know of how far this process is.
const LOOK: Duration = Duration::from_secs(1);
/// The longest pause between two attempts.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Runs the projections.
pub struct Projector {
    log: EventLog,
    owner: String,
    torrents: watch::Sender<Position>,
    files: watch::Sender<Position>,
    audit: watch::Sender<Position>,
    health: watch::Sender<ProjectorHealth>,
    index: ListIndex,
    metrics: Metrics,
}

impl Projector {
    /// Sees to it that the read models are there; builds those again whose definition changed, which takes its time.
    pub async fn open(log: EventLog) -> Result<(Projections, Self), Error> {
        let owner = Ulid::generate().to_string();
        live::prepare(log.pool()).await?;
        generation::ensure::<Torrents>(&log, &owner).await?;
        generation::ensure::<Files>(&log, &owner).await?;
        generation::ensure::<Audit>(&log, &owner).await?;
        let (torrents, torrents_reached) = watch::channel(reached::<Torrents>(&log).await?);
        let (files, files_reached) = watch::channel(reached::<Files>(&log).await?);
        let (audit, audit_reached) = watch::channel(reached::<Audit>(&log).await?);
        let (health, watch_health) = watch::channel(ProjectorHealth::default());
        let (index, metrics) = (ListIndex::new(), Metrics::default());
        let projections = Projections {
            pool: log.pool().clone(),
            reached: Arc::from([torrents_reached, files_reached, audit_reached]),
            health: watch_health,
            index: index.clone(),
            metrics: metrics.clone(),
        };
        Ok((projections, Self { log, owner, torrents, files, audit, health, index, metrics }))
    }

    /// Runs until shutdown.
    pub async fn run(self, shutdown: CancellationToken) {
        let torrents = Loop {
            log: &self.log,
            owner: &self.owner,
            reached: &self.torrents,
            health: &self.health,
            index: &self.index,
            metrics: &self.metrics,
        };
        let files = Loop { reached: &self.files, ..torrents };
        let audit = Loop { reached: &self.audit, ..torrents };
        tokio::join!(
            torrents.run::<Torrents>(&shutdown),
            files.run::<Files>(&shutdown),
            audit.run::<Audit>(&shutdown)
        );
    }
}

/// One projection's loop.
#[derive(Clone, Copy)]
struct Loop<'a> {
    log: &'a EventLog,
    owner: &'a str,
    reached: &'a watch::Sender<Position>,
    health: &'a watch::Sender<ProjectorHealth>,
    index: &'a ListIndex,
    metrics: &'a Metrics,
}

impl Loop<'_> {
    async fn run<M: ReadModel>(self, shutdown: &CancellationToken) {
        let mut at_once = true;
        let mut pause = LOOK;
        let mut standing = None;
        loop {
            let ended = match Checkpoint::take(self.log.pool(), M::NAME, self.owner, at_once).await {
                Ok(Some(checkpoint)) => {
                    (at_once, pause, standing) = (false, LOOK, None);
                    self.follow_beside::<M>(checkpoint, shutdown).await
                }
                Ok(None) => self.stand_by::<M>(&mut standing).await,
                Err(error) => Err(error.into()),
            };
            match ended {
                Ok(()) if shutdown.is_cancelled() => return,
                Ok(()) => {}
                // Another generation is live, or another process follows: look again at once, then wait for its lease.
                Err(Error::Fenced) => continue,
                Err(Error::Poisoned { position, source }) => {
                    self.metrics.failures.with_label_values(&[M::NAME]).inc();
                    let reason = format!("fact at position {position} is not understood: {source}");
                    tracing::error!(projection = M::NAME, %reason, "the projection halts");
                    self.say::<M>(ProjectionHealth::Halted { position, reason });
                    shutdown.cancelled().await;
                    return;
                }
                Err(error) => {
                    self.metrics.failures.with_label_values(&[M::NAME]).inc();
                    let source =
                        std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
                    tracing::warn!(projection = M::NAME, %error, source, "the projection tries again");
                    self.say::<M>(ProjectionHealth::Degraded { reason: format!("{error}: {source}") });
                    pause = (pause * 2).min(PAUSE_MAX);
                }
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = shutdown.cancelled() => return,
            }
        }
    }

    /// Another process follows: take over how far it is, and what it has written.
    async fn stand_by<M: ReadModel>(self, standing: &mut Option<Standing>) -> Result<(), Error> {
        let Some((generation, position)) = live::<M>(self.log).await? else { return Ok(()) };
        // Before another is begun: the end of one switches the index off.
        standing.take_if(|standing| standing.generation != generation);
        match standing {
            Some(standing) => standing.follow(position).await?,
            None => *standing = M::standing_by(self.log, self.index, generation, position),
        }
        self.reach(position);
        self.say::<M>(ProjectionHealth::Well);
        Ok(())
    }

    /// Follows, and meanwhile does what is done beside it.
    async fn follow_beside<M: ReadModel>(
        self,
        checkpoint: Checkpoint,
        shutdown: &CancellationToken,
    ) -> Result<(), Error> {
        let model = M::following(self.log.clone(), self.index);
        let beside = model.beside();
        let mut following = pin!(self.follow(model, checkpoint, shutdown));
        tokio::select! {
            ended = &mut following => return ended,
            () = beside => {}
        }
        following.await
    }

    /// Follows until shutdown, or until something ends it.
    async fn follow<M: ReadModel>(
        self,
        mut model: M,
        mut checkpoint: Checkpoint,
        shutdown: &CancellationToken,
    ) -> Result<(), Error> {
        let mut subscription = self.log.subscribe(checkpoint.position);
        // Ahead of the checkpoint where entries changed no row.
        let mut seen = checkpoint.position;
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut renewed = Instant::now();
        self.reach(seen);
        self.say::<M>(ProjectionHealth::Well);
        loop {
            let entries = tokio::select! {
                biased;
                () = shutdown.cancelled() => {
                    renew(&mut checkpoint, self.log, seen).await?;
                    return Ok(checkpoint.release(self.log.pool()).await?);
                }
                _ = look.tick() => {
                    if seen > checkpoint.position || renewed.elapsed() >= RENEWAL {
                        renew(&mut checkpoint, self.log, seen).await?;
                        renewed = Instant::now();
                    }
                    continue;
                }
                entries = subscription.next() => entries,
            };
            let begun = Instant::now();
            let batch = Batch::of_entries(seen, &entries, M::BREADTH);
            if apply(&mut model, &mut checkpoint, self.log, M::NAME, &batch).await?.is_some() {
                renewed = Instant::now();
            }
            seen = batch.through;
            self.metrics.entries.with_label_values(&[M::NAME]).inc_by(entries.len() as u64);
            let took = begun.elapsed().as_secs_f64();
            self.metrics.apply_seconds.with_label_values(&[M::NAME]).observe(took);
            self.reach(seen);
            if let Some((position, source)) = batch.poison {
                renew(&mut checkpoint, self.log, seen).await?;
                checkpoint.halt(self.log.pool(), &format!("position {position}: {source}")).await?;
                return Err(Error::Poisoned { position, source });
            }
        }
    }

    fn reach(self, position: Position) {
        self.reached.send_if_modified(|reached| {
            let further = *reached < position;
            *reached = position.max(*reached);
            further
        });
    }

    fn say<M: ReadModel>(self, health: ProjectionHealth) {
        self.health.send_if_modified(|all| {
            let changed = all.0.get(M::NAME) != Some(&health);
            all.0.insert(M::NAME, health);
            changed
        });
    }
}

/// How far the live generation has come.
async fn reached<M: ReadModel>(log: &EventLog) -> Result<Position, sqlx::Error> {
    Ok(live::<M>(log).await?.map_or(Position::ZERO, |(_, position)| position))
}

/// The live generation, and how far it has come.
async fn live<M: ReadModel>(log: &EventLog) -> Result<Option<(i64, Position)>, sqlx::Error> {
    let row: Option<(i64, i64)> = sqlx::query_as(
        "SELECT generation, position FROM public.checkpoints WHERE projection = $1 AND status = 'live'",
    )
    .bind(M::NAME)
    .fetch_optional(log.pool())
    .await?;
    Ok(row.map(|(generation, position)| (generation, Position(position))))
}
