//! Recounting the read models: the rows that are read against rows built aside from the log, at one moment.
//!
//! Each projection is folded from the first fact into temporary tables, up to its own checkpoint, within a snapshot of the
//! database; what was lived and what was rebuilt must then be the same, row for row, while the projector goes on. The claims
//! of info hashes are compared with the fold too: what a torrent holds is known to whoever folds it. Live counters come from
//! samples and are not compared. Nothing is repaired: `rebuild` does that.

use std::collections::BTreeSet;

use futures::TryStreamExt;
use revaer_event_log::{EventLog, Finding, Position};
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection, Postgres, Row, Transaction};

use crate::Error;
use crate::ahead::{PENDING_MAX, ReadAhead};
use crate::audit::Audit;
use crate::checkpoint::Role;
use crate::files::Files;
use crate::generation;
use crate::model::{Pending, ReadModel, enter};
use crate::torrents::Torrents;

/// Where the rows are built: gone with the snapshot.
const ASIDE: &str = "pg_temp";
/// How often a projection is looked at again, because another generation took its place meanwhile.
const ATTEMPTS_MAX: u32 = 5;

/// Compares every read model and the claims with the log; says each finding.
pub async fn verify(log: &EventLog, say: &mut dyn FnMut(Finding)) -> Result<(), Error> {
    checkpoints(log, say).await?;
    settled::<Torrents>(log, say).await?;
    settled::<Files>(log, say).await?;
    settled::<Audit>(log, say).await
}

/// Checkpoints above the head have seen what the log does not hold.
async fn checkpoints(log: &EventLog, say: &mut dyn FnMut(Finding)) -> Result<(), Error> {
    let mut snapshot = log.snapshot().await?;
    let head = head(&mut snapshot).await?;
    let ahead: Vec<(String, i64, i64)> = sqlx::query_as(
        "SELECT projection, generation, position FROM public.checkpoints WHERE position > $1 ORDER BY 1, 2",
    )
    .bind(head)
    .fetch_all(&mut *snapshot)
    .await?;
    for (projection, generation, position) in ahead {
        let detail =
            format!("{projection}, generation {generation}, has reached {position}; the log ends at {head}");
        say(Finding::new("checkpoints", detail));
    }
    Ok(())
}

/// Looks until no rebuild has swapped the rows away while they were compared.
async fn settled<M: ReadModel>(log: &EventLog, say: &mut dyn FnMut(Finding)) -> Result<(), Error> {
    for _ in 0..ATTEMPTS_MAX {
        let mut findings = Vec::new();
        let compared = compare::<M>(log, &mut findings).await?;
        // Names are those of now, also in a snapshot: had another generation come, these were its rows, unseen.
        let mut connection = log.pool().acquire().await?;
        let now = live::<M>(&mut connection).await?.map(|live| live.generation);
        if now == compared {
            findings.into_iter().for_each(&mut *say);
            return Ok(());
        }
    }
    Err(Error::Rebuilding(M::NAME))
}

/// What the checkpoint of the generation says that is read.
#[derive(sqlx::FromRow)]
struct Live {
    generation: i64,
    position: i64,
    error: Option<String>,
}

async fn live<M: ReadModel>(connection: &mut PgConnection) -> Result<Option<Live>, sqlx::Error> {
    sqlx::query_as(
        "SELECT generation, position, error FROM public.checkpoints WHERE projection = $1 AND status = 'live'",
    )
    .bind(M::NAME)
    .fetch_optional(connection)
    .await
}

/// Compares one projection at one moment; the generation that was looked at.
async fn compare<M: ReadModel>(log: &EventLog, findings: &mut Vec<Finding>) -> Result<Option<i64>, Error> {
    let mut snapshot = log.snapshot().await?;
    let live = live::<M>(&mut snapshot).await?;
    let version = generation::live_version::<M>(&mut snapshot).await?;
    let generation = live.as_ref().map(|live| live.generation);
    let (Some(live), Some(version)) = (live, version) else {
        findings.push(Finding::new("read models", format!("{} has no live generation", M::NAME)));
        return Ok(generation);
    };
    if let Some(error) = live.error {
        findings.push(Finding::new("read models", format!("{} has halted: {error}", M::NAME)));
    }
    ahead::<M>(&mut snapshot, live.position, findings).await?;
    if version != M::VERSION {
        let detail = format!(
            "{} is of version {version} and this build's is {}: it is built again at the next start",
            M::NAME,
            M::VERSION
        );
        findings.push(Finding::new("read models", detail));
        return Ok(generation);
    }
    let mut aside = Aside::<M>::create(log, snapshot).await?;
    let whole = aside.fold_to(Position(live.position), findings).await?;
    if whole {
        for (table, key) in M::TABLES {
            aside.differences(table, key, findings).await?;
        }
        if M::NAME == Torrents::NAME {
            aside.claims(findings).await?;
        }
    }
    Ok(generation)
}

/// Rows that are younger than the checkpoint under which they were written.
async fn ahead<M: ReadModel>(
    snapshot: &mut PgConnection,
    reached: i64,
    findings: &mut Vec<Finding>,
) -> Result<(), sqlx::Error> {
    let tables = M::TABLES.iter().map(|(table, key)| (format!("{}.{table}", M::NAME), *key));
    let moments = (M::NAME == Torrents::NAME).then(|| ("public.torrent_live".to_owned(), "id"));
    for (table, key) in tables.chain(moments) {
        let statement = format!(
            "SELECT {key}::text, (to_jsonb(t) ->> 'position')::bigint FROM {table} AS t \
             WHERE (to_jsonb(t) ->> 'position')::bigint > $1 ORDER BY 1"
        );
        let mut rows =
            sqlx::query_as::<_, (String, i64)>(AssertSqlSafe(statement)).bind(reached).fetch(&mut *snapshot);
        while let Some((id, position)) = rows.try_next().await? {
            let detail = format!("{table}: {id} is at position {position}, its checkpoint at {reached}");
            findings.push(Finding::new("checkpoints", detail));
        }
    }
    Ok(())
}

/// A projection that is built in a snapshot, from the first fact on.
struct Aside<'a, M> {
    log: &'a EventLog,
    snapshot: Transaction<'static, Postgres>,
    model: M,
    cursor: Position,
}

impl<'a, M: ReadModel> Aside<'a, M> {
    async fn create(log: &'a EventLog, mut snapshot: Transaction<'static, Postgres>) -> Result<Self, Error> {
        enter(&mut snapshot, ASIDE).await?;
        sqlx::raw_sql(M::SCHEMA).execute(&mut *snapshot).await?;
        let model = M::new(log.clone(), Role::Building);
        Ok(Self { log, snapshot, model, cursor: Position::ZERO })
    }

    /// Folds facts up to a position; `false` if one of them is not understood.
    async fn fold_to(&mut self, until: Position, findings: &mut Vec<Finding>) -> Result<bool, Error> {
        let mut reading = ReadAhead::start(self.log.clone(), self.cursor, until, M::BREADTH);
        let mut pending = M::Changes::default();
        while let Some(batch) = reading.next().await {
            let mut batch = batch?;
            if let Some((position, error)) = batch.poison.take() {
                let detail = format!(
                    "{} cannot be rebuilt, hence not compared: position {position} is not understood: {error}",
                    M::NAME
                );
                findings.push(Finding::new("read models", detail));
                return Ok(false);
            }
            pending = self.model.fold(pending, &batch).await?;
            if pending.rows() >= PENDING_MAX {
                self.write(std::mem::take(&mut pending)).await?;
            }
        }
        self.write(pending).await?;
        self.cursor = self.cursor.max(until);
        Ok(true)
    }

    async fn write(&mut self, changes: M::Changes) -> Result<(), sqlx::Error> {
        self.model.write(&changes, &mut self.snapshot).await?;
        self.model.keep(changes);
        Ok(())
    }

    /// Rows that differ, are missing or too many.
    async fn differences(
        &mut self,
        table: &str,
        key: &str,
        findings: &mut Vec<Finding>,
    ) -> Result<(), Error> {
        let live = format!("{}.{table}", M::NAME);
        let side =
            |from: &str| format!("SELECT {key}::text AS key, row_to_json(t)::text AS row FROM {from} AS t");
        let statement = format!(
            "SELECT coalesce(lived.key, rebuilt.key), lived.row, rebuilt.row FROM ({}) AS lived \
             FULL JOIN ({}) AS rebuilt USING (key) WHERE lived.row IS DISTINCT FROM rebuilt.row ORDER BY 1",
            side(&live),
            side(&format!("{ASIDE}.{table}")),
        );
        let mut rows = sqlx::query(AssertSqlSafe(statement)).fetch(&mut *self.snapshot);
        while let Some(row) = rows.try_next().await? {
            let (id, lived, rebuilt): (&str, Option<&str>, Option<&str>) =
                (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
            let what = match (lived, rebuilt) {
                (Some(lived), Some(rebuilt)) => {
                    format!("differs from the log in {}", columns(lived, rebuilt))
                }
                (None, _) => "is missing".to_owned(),
                (_, None) => "is there, and the log has no such torrent".to_owned(),
            };
            findings.push(Finding::new("read models", format!("{live}: {id} {what}")));
        }
        Ok(())
    }

    /// Claims against what the torrents hold by the log; both of the snapshot's moment.
    async fn claims(&mut self, findings: &mut Vec<Finding>) -> Result<(), Error> {
        let head = head(&mut self.snapshot).await?;
        if !self.fold_to(Position(head), findings).await? {
            return Ok(());
        }
        let mut rows =
            sqlx::query(include_str!("../../../projections/torrents/claims.sql")).fetch(&mut *self.snapshot);
        while let Some(row) = rows.try_next().await? {
            let (hash, claimed_by, held_by): (&str, Option<&str>, Option<&str>) =
                (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
            let detail = format!(
                "{hash} is claimed by {}, and by the log {} holds it",
                claimed_by.unwrap_or("nobody"),
                held_by.unwrap_or("nobody"),
            );
            findings.push(Finding::new("claims", detail));
        }
        Ok(())
    }
}

/// The names of the columns in which two rows differ.
fn columns(lived: &str, rebuilt: &str) -> String {
    let parse = |row| serde_json::from_str::<Value>(row).unwrap_or_default();
    let (lived, rebuilt) = (parse(lived), parse(rebuilt));
    let names: BTreeSet<_> = lived.as_object().into_iter().flat_map(|row| row.keys()).collect();
    let differing: Vec<_> =
        names.into_iter().filter(|name| lived[*name] != rebuilt[*name]).map(String::as_str).collect();
    differing.join(", ")
}

/// The head as a snapshot has it.
async fn head(snapshot: &mut PgConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT greatest((SELECT max(position) FROM public.events), (SELECT max(position) FROM public.samples), \
         samples_floor, 0) FROM public.log_meta",
    )
    .fetch_one(snapshot)
    .await
}
