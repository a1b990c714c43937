//! Generations: one schema each, the live one under the projection's own name.
//!
//! Queries name the live schema and never a number: a swap renames schemas, and prepared statements follow. Tables that took the
//! place of others are dropped later, outside the swap, because dropping waits for their readers.

use std::time::Duration;

use revaer_event_log::EventLog;
use sqlx::{AssertSqlSafe, PgConnection, PgPool};

use crate::Error;
use crate::checkpoint::{Checkpoint, Role};
use crate::model::{ReadModel, enter};
use crate::rebuild;

/// Held while generations are made or dropped: `CREATE … IF NOT EXISTS` alone fails when two processes start at once.
const LOCK: i64 = 8_245_925_716_350;

/// The schema of a generation that is not live.
pub(crate) fn schema_of(projection: &str, generation: i64) -> String {
    format!("{projection}_g{generation}")
}

/// Serialises the makers and droppers of generations until the end of the transaction.
pub(crate) async fn lock(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(LOCK).execute(connection).await.map(drop)
}

/// How often a start looks whether somebody else has built what it needs.
const BUILT_ELSEWHERE_INTERVAL: Duration = Duration::from_secs(1);

/// Sees to it that a live generation of this build's version is there.
///
/// Where somebody else is building one already, it waits: for the end of that, or, if the builder is a predecessor that was
/// killed, for the end of its lease.
pub(crate) async fn ensure<M: ReadModel>(log: &EventLog, owner: &str) -> Result<(), Error> {
    while let Some(from) = outdated::<M>(log, owner).await? {
        tracing::info!(projection = M::NAME, from, to = M::VERSION, "building the read model again");
        match rebuild::run::<M>(log, owner).await {
            Ok(_) => {}
            Err(Error::Rebuilding(_) | Error::Fenced) => tokio::time::sleep(BUILT_ELSEWHERE_INTERVAL).await,
            Err(error) => return Err(error),
        }
    }
    drop_retired(log.pool(), M::NAME).await.map_err(Error::from)
}

/// The version of a live generation that is another than this build's. If there is none at all, an empty one is made.
async fn outdated<M: ReadModel>(log: &EventLog, owner: &str) -> Result<Option<i32>, Error> {
    let mut transaction = log.pool().begin().await?;
    lock(&mut transaction).await?;
    let version = live_version::<M>(&mut transaction).await?;
    if version.is_none() {
        sqlx::query("DELETE FROM public.checkpoints WHERE projection = $1 AND status = 'live'")
            .bind(M::NAME)
            .execute(&mut *transaction)
            .await?;
        drop_schema(&mut transaction, M::NAME).await?;
        create::<M>(&mut transaction, M::NAME).await?;
        index::<M>(&mut transaction, M::NAME).await?;
        let checkpoint = Checkpoint::begin(&mut transaction, M::NAME, owner, Role::Live).await?;
        tracing::info!(projection = M::NAME, generation = checkpoint.generation, "made a new read model");
    }
    transaction.commit().await?;
    Ok(version.filter(|version| *version != M::VERSION))
}

/// The version of the live definition; `None` if there is none, or rows without a checkpoint.
pub(crate) async fn live_version<M: ReadModel>(
    connection: &mut PgConnection,
) -> Result<Option<i32>, sqlx::Error> {
    let whole: bool = sqlx::query_scalar(
        "SELECT to_regclass($1 || '.definition') IS NOT NULL \
         AND EXISTS (SELECT FROM public.checkpoints WHERE projection = $1 AND status = 'live')",
    )
    .bind(M::NAME)
    .fetch_one(&mut *connection)
    .await?;
    if !whole {
        return Ok(None);
    }
    let statement = format!("SELECT version FROM {}.definition", M::NAME);
    sqlx::query_scalar(AssertSqlSafe(statement)).fetch_optional(connection).await
}

/// Makes the tables of a generation.
pub(crate) async fn create<M: ReadModel>(
    connection: &mut PgConnection,
    schema: &str,
) -> Result<(), sqlx::Error> {
    let statement = format!("CREATE SCHEMA {schema}");
    sqlx::query(AssertSqlSafe(statement)).execute(&mut *connection).await?;
    enter(connection, schema).await?;
    sqlx::raw_sql(M::SCHEMA).execute(&mut *connection).await?;
    sqlx::query("INSERT INTO definition (version) VALUES ($1)")
        .bind(M::VERSION)
        .execute(connection)
        .await
        .map(drop)
}

/// Makes the indexes of a generation.
pub(crate) async fn index<M: ReadModel>(
    connection: &mut PgConnection,
    schema: &str,
) -> Result<(), sqlx::Error> {
    enter(connection, schema).await?;
    if !M::INDEXES.is_empty() {
        sqlx::raw_sql(M::INDEXES).execute(connection).await?;
    }
    Ok(())
}

/// Renames the generations inside the transaction that swaps them.
pub(crate) async fn rename(
    connection: &mut PgConnection,
    projection: &str,
    old: i64,
    new: i64,
) -> Result<(), sqlx::Error> {
    for (from, to) in [
        (projection.to_owned(), schema_of(projection, old)),
        (schema_of(projection, new), projection.to_owned()),
    ] {
        let statement = format!("ALTER SCHEMA {from} RENAME TO {to}");
        sqlx::query(AssertSqlSafe(statement)).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Drops what was replaced and what a rebuild that died has left. Whatever is still being read stays until the next time.
pub(crate) async fn drop_retired(pool: &PgPool, projection: &str) -> Result<(), sqlx::Error> {
    let left: Vec<i64> = sqlx::query_scalar(
        "SELECT generation FROM public.checkpoints WHERE projection = $1 \
         AND (status = 'retired' OR status = 'building' AND lease_until < clock_timestamp())",
    )
    .bind(projection)
    .fetch_all(pool)
    .await?;
    for generation in left {
        if let Err(error) = drop_generation(pool, projection, generation).await {
            tracing::debug!(%error, projection, generation, "an old generation is dropped later");
        }
    }
    Ok(())
}

/// Drops one generation that is not live.
pub(crate) async fn drop_generation(
    pool: &PgPool,
    projection: &str,
    generation: i64,
) -> Result<(), sqlx::Error> {
    let mut transaction = pool.begin().await?;
    lock(&mut transaction).await?;
    sqlx::query("SET LOCAL lock_timeout = '200ms'").execute(&mut *transaction).await?;
    let dropped = sqlx::query(
        "DELETE FROM public.checkpoints WHERE projection = $1 AND generation = $2 AND status <> 'live'",
    )
    .bind(projection)
    .bind(generation)
    .execute(&mut *transaction)
    .await?;
    if dropped.rows_affected() == 1 {
        drop_schema(&mut transaction, &schema_of(projection, generation)).await?;
    }
    transaction.commit().await
}

async fn drop_schema(connection: &mut PgConnection, schema: &str) -> Result<(), sqlx::Error> {
    let statement = format!("DROP SCHEMA IF EXISTS {schema} CASCADE");
    sqlx::query(AssertSqlSafe(statement)).execute(connection).await.map(drop)
}
