//! What the audit is asked for, and a page of it: newest first.
//!
//! Only the filters that are given stand in the statement, so that the planner sees which index serves it.

use revaer_event_log::{Fact, Position, StreamId};
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Postgres, QueryBuilder, Row};
use time::OffsetDateTime;

use crate::QueryError;
use crate::query::LIMIT_MAX;

/// What is looked for. Every filter that is given must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AuditQuery {
    /// The most facts of a page, 1 to 1,000; others are taken as the nearest of these.
    pub limit: u32,
    /// Only what lies below this position: where the page before ended.
    pub before: Option<Position>,
    /// The stream that it was done to.
    pub subject: Option<String>,
    /// Who did it; with `*` at the end, everybody whose name begins so. Without this, what the service did by itself is left out.
    pub actor: Option<String>,
    /// The kinds of facts; all if there is none.
    pub kinds: Vec<String>,
    /// Not earlier than this.
    pub since: Option<OffsetDateTime>,
    /// Earlier than this.
    pub until: Option<OffsetDateTime>,
}

/// A page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditPage {
    /// The facts, newest first.
    pub items: Vec<Fact>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<Position>,
}

/// Reads a page.
pub(crate) async fn page(pool: &PgPool, query: &AuditQuery) -> Result<AuditPage, QueryError> {
    let named = query.actor.iter().chain(&query.subject).chain(&query.kinds);
    if named.into_iter().any(|name| name.contains('\0')) {
        // No text of the database holds one, and it refuses to be asked for it.
        return Ok(AuditPage { items: Vec::new(), next: None });
    }
    let limit = query.limit.clamp(1, LIMIT_MAX) as usize;
    let mut found: Vec<i64> = statement(query, limit).build_query_scalar().fetch_all(pool).await?;
    let more = found.len() > limit;
    found.truncate(limit);
    let rows = sqlx::query(include_str!("../../../../projections/audit/select.sql"))
        .bind(&found)
        .fetch_all(pool)
        .await?;
    let items = rows.iter().map(fact).collect::<Result<_, _>>()?;
    Ok(AuditPage { items, next: found.last().filter(|_| more).copied().map(Position) })
}

fn statement(query: &AuditQuery, limit: usize) -> QueryBuilder<Postgres> {
    let mut statement = QueryBuilder::new("SELECT position FROM audit.entry ");
    match query.actor.as_deref().map(|actor| (actor, actor.strip_suffix('*'))) {
        None => {
            statement.push("WHERE NOT of_system");
        }
        Some((_, Some(prefix))) => {
            statement.push("WHERE starts_with(actor, ").push_bind(prefix.to_owned()).push(")");
        }
        Some((actor, None)) => {
            statement.push("WHERE actor = ").push_bind(actor.to_owned());
        }
    }
    if let Some(position) = query.before {
        statement.push(" AND position < ").push_bind(position.0);
    }
    if let Some(subject) = &query.subject {
        statement.push(" AND subject = ").push_bind(subject.clone());
    }
    match query.kinds.as_slice() {
        [] => {}
        [kind] => {
            statement.push(" AND kind = ").push_bind(kind.clone());
        }
        kinds => {
            statement.push(" AND kind = ANY (").push_bind(kinds.to_vec()).push(")");
        }
    }
    if let Some(since) = query.since {
        statement.push(" AND recorded_at >= ").push_bind(since);
    }
    if let Some(until) = query.until {
        statement.push(" AND recorded_at < ").push_bind(until);
    }
    // One more than asked for tells whether there is another page.
    let rows = i64::try_from(limit + 1).expect("a page is short");
    statement.push(" ORDER BY position DESC LIMIT ").push_bind(rows);
    statement
}

fn fact(row: &PgRow) -> Result<Fact, sqlx::Error> {
    let damaged = |column: &str| sqlx::Error::ColumnDecode {
        index: column.to_owned(),
        source: "the log holds what no writer appended".into(),
    };
    Ok(Fact {
        position: Position(row.try_get("position")?),
        stream: StreamId::new(row.try_get::<&str, _>("stream_id")?).map_err(|_| damaged("stream_id"))?,
        version: u32::try_from(row.try_get::<i64, _>("version")?).map_err(|_| damaged("version"))?,
        recorded_at: row.try_get("recorded_at")?,
        command_id: row.try_get("command_id")?,
        schema_version: row.try_get("schema_version")?,
        kind: row.try_get("kind")?,
        data: row.try_get("data")?,
        meta: row.try_get("meta")?,
    })
}
