//! How far a generation has come, and the fence that makes every fact count once.
//!
//! The lease says who should run; it may be wrong when a process sleeps. The fence cannot be: rows are written only in the
//! transaction that moves the checkpoint from the position and the epoch that this process believes in.

use std::time::Duration;

use revaer_event_log::Position;
use sqlx::{PgConnection, PgPool};

use crate::Error;

/// How long a process that says nothing is believed to follow. Another takes over when it has ended, hence within seconds.
const LEASE: Duration = Duration::from_secs(9);
/// How long one that builds is: making an index says nothing for a while.
const BUILDING_LEASE: Duration = Duration::from_mins(2);
/// How often the lease is renewed when nothing happens: two renewals may fail before it ends. Each is a commit with its flush, and
/// nothing else is written at rest.
pub(crate) const RENEWAL: Duration = LEASE.checked_div(3).expect("three is not zero");

/// What a checkpoint is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The generation that is read.
    Live,
    /// One that is to take its place.
    Building,
}

impl Role {
    const fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Building => "building",
        }
    }

    const fn lease(self) -> Duration {
        match self {
            Self::Live => LEASE,
            Self::Building => BUILDING_LEASE,
        }
    }
}

/// A checkpoint that this process holds.
#[derive(Debug, Clone)]
pub(crate) struct Checkpoint {
    projection: &'static str,
    role: Role,
    pub(crate) generation: i64,
    epoch: i64,
    pub(crate) position: Position,
}

impl Checkpoint {
    /// The first checkpoint of the next generation.
    pub(crate) async fn begin(
        connection: &mut PgConnection,
        projection: &'static str,
        owner: &str,
        role: Role,
    ) -> Result<Self, sqlx::Error> {
        let row: (i64, i64, i64) = sqlx::query_as(include_str!("../../../projections/checkpoints/begin.sql"))
            .bind(projection)
            .bind(owner)
            .bind(role.lease().as_secs_f64())
            .bind(role.name())
            .fetch_one(connection)
            .await?;
        Ok(Self::of(projection, role, row))
    }

    /// Takes the live generation; `None` while another process holds it. A process that has just started takes it `at_once`: the
    /// holder is most often its own predecessor that was killed, and if it is not, the fence stops that one.
    pub(crate) async fn take(
        pool: &PgPool,
        projection: &'static str,
        owner: &str,
        at_once: bool,
    ) -> Result<Option<Self>, sqlx::Error> {
        let row: Option<(i64, i64, i64)> =
            sqlx::query_as(include_str!("../../../projections/checkpoints/take.sql"))
                .bind(projection)
                .bind(owner)
                .bind(LEASE.as_secs_f64())
                .bind(at_once)
                .fetch_optional(pool)
                .await?;
        Ok(row.map(|row| Self::of(projection, Role::Live, row)))
    }

    const fn of(
        projection: &'static str,
        role: Role,
        (generation, epoch, position): (i64, i64, i64),
    ) -> Self {
        Self { projection, role, generation, epoch, position: Position(position) }
    }

    /// The fence: moves the checkpoint inside the transaction that writes the rows, before it writes them.
    pub(crate) async fn advance(&self, connection: &mut PgConnection, to: Position) -> Result<(), Error> {
        let moved = sqlx::query(include_str!("../../../projections/checkpoints/fence.sql"))
            .bind(self.projection)
            .bind(self.generation)
            .bind(self.epoch)
            .bind(self.position.0)
            .bind(to.0)
            .bind(self.role.lease().as_secs_f64())
            .execute(connection)
            .await?;
        if moved.rows_affected() == 1 { Ok(()) } else { Err(Error::Fenced) }
    }

    /// Keeps the reason of a halt where an operator finds it.
    pub(crate) async fn halt(&self, pool: &PgPool, reason: &str) -> Result<(), sqlx::Error> {
        sqlx::query("UPDATE public.checkpoints SET error = $4 WHERE projection = $1 AND generation = $2 AND epoch = $3")
            .bind(self.projection)
            .bind(self.generation)
            .bind(self.epoch)
            .bind(reason)
            .execute(pool)
            .await
            .map(drop)
    }

    /// Gives the lease back, so that the next process need not wait for its end.
    pub(crate) async fn release(&self, pool: &PgPool) -> Result<(), sqlx::Error> {
        sqlx::query("UPDATE public.checkpoints SET lease_until = NULL WHERE projection = $1 AND generation = $2 AND epoch = $3")
            .bind(self.projection)
            .bind(self.generation)
            .bind(self.epoch)
            .execute(pool)
            .await
            .map(drop)
    }
}
