//! Reading the log: by position, by stream, by command.

use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use sqlx::postgres::{PgPool, PgPoolCopyExt, PgRow, Postgres};
use sqlx::{Executor, Row};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    Append, Body, CommandOutcome, Entry, Fact, FactPage, Options, Position, Samples, StreamId, Version,
    statements,
};

/// Entries above a position.
pub(crate) struct Page {
    pub(crate) entries: Vec<Arc<Entry>>,
    /// Whether the log had no more.
    pub(crate) reached_the_end: bool,
}

/// Facts and samples in one statement: two would miss what commits between them.
pub(crate) async fn page(
    executor: impl Executor<'_, Database = Postgres>,
    after: Position,
    limit: u32,
    bytes_max: usize,
) -> Result<Page, sqlx::Error> {
    let mut rows = sqlx::query(statements::READ_ALL).bind(after.0).bind(i64::from(limit)).fetch(executor);
    let (mut entries, mut bytes) = (Vec::new(), 0_usize);
    while bytes < bytes_max {
        let Some(row) = rows.try_next().await? else {
            let reached_the_end = entries.len() < limit as usize;
            return Ok(Page { entries, reached_the_end });
        };
        let entry = entry(&row)?;
        bytes += entry.bytes();
        entries.push(Arc::new(entry));
    }
    Ok(Page { entries, reached_the_end: false })
}

pub(crate) async fn facts(
    pool: &PgPool,
    after: Position,
    limit: u32,
    options: &Options,
) -> Result<Vec<Fact>, sqlx::Error> {
    let mut rows = sqlx::query(statements::READ_FACTS).bind(after.0).bind(i64::from(limit)).fetch(pool);
    let (mut facts, mut bytes) = (Vec::new(), 0_usize);
    while bytes < options.page_bytes_max {
        let Some(row) = rows.try_next().await? else { break };
        let fact = fact(&row)?;
        bytes += fact.data.len() + fact.meta.len();
        facts.push(fact);
    }
    Ok(facts)
}

/// Facts alone, up to and including a position, and nothing made of them.
pub(crate) async fn fact_page(
    pool: &PgPool,
    after: Position,
    until: Position,
    options: &Options,
) -> Result<FactPage, sqlx::Error> {
    let mut statement = statements::READ_FACT_PAGE.to_owned();
    // COPY takes no parameters, and these are numbers.
    for (place, value) in [("$1", after.0), ("$2", until.0), ("$3", i64::from(options.page_max))] {
        statement = statement.replace(place, &value.to_string());
    }
    let copy = format!("COPY ({statement}) TO STDOUT (FORMAT binary)");
    let mut pieces = pool.copy_out_raw(&copy).await?;
    let mut buffer = Vec::new();
    while let Some(piece) = pieces.try_next().await? {
        // Each piece is a row. What is too much is read and not kept, since the connection has to be left as it was.
        if buffer.len() < options.page_bytes_max {
            buffer.extend_from_slice(&piece);
        }
    }
    FactPage::read(buffer).map_err(unreadable)
}

pub(crate) async fn stream(
    pool: &PgPool,
    stream: &StreamId,
    until: Position,
    after: Version,
    limit: u32,
) -> Result<Vec<Fact>, sqlx::Error> {
    let rows = sqlx::query(statements::READ_STREAM)
        .bind(stream.as_str())
        .bind(i64::from(after))
        .bind(until.0)
        .bind(i64::from(limit))
        .fetch_all(pool)
        .await?;
    rows.iter().map(fact).collect()
}

pub(crate) async fn streams(
    pool: &PgPool,
    streams: &[StreamId],
    version_max: Version,
) -> Result<Vec<Fact>, sqlx::Error> {
    let streams: Vec<_> = streams.iter().map(StreamId::as_str).collect();
    let rows = sqlx::query(statements::READ_STREAMS)
        .bind(streams)
        .bind(i64::from(version_max))
        .fetch_all(pool)
        .await?;
    rows.iter().map(fact).collect()
}

type CommandRow =
    (Vec<u8>, String, i64, i64, i32, i64, Option<sqlx::types::Json<Box<RawJson>>>, OffsetDateTime);
type RawJson = serde_json::value::RawValue;

pub(crate) async fn find_command(
    executor: impl Executor<'_, Database = Postgres>,
    id: Uuid,
) -> Result<Option<CommandOutcome>, sqlx::Error> {
    let row: Option<CommandRow> =
        sqlx::query_as(statements::FIND_COMMAND).bind(id).fetch_optional(executor).await?;
    let Some((fingerprint, stream, first, last, event_count, version_after, result, recorded_at)) = row
    else {
        return Ok(None);
    };
    Ok(Some(CommandOutcome {
        id,
        fingerprint: fingerprint.try_into().map_err(|_| unreadable("a fingerprint of another length"))?,
        stream: StreamId::recorded(stream),
        first_position: Position(first),
        last_position: Position(last),
        event_count: event_count.try_into().map_err(unreadable)?,
        version_after: version_after.try_into().map_err(unreadable)?,
        result: result.map(|result| String::from(Box::<str>::from(result.0))),
        recorded_at,
    }))
}

/// The position of the last fact of an append, and when it was recorded, if the append's command made what is there now.
pub(crate) async fn find_made(
    executor: impl Executor<'_, Database = Postgres>,
    append: &Append,
) -> Result<Option<(Position, OffsetDateTime)>, sqlx::Error> {
    let row: Option<(i64, OffsetDateTime)> = sqlx::query_as(statements::FIND_MADE)
        .bind(append.stream.as_str())
        .bind(i64::from(append.expected + append.fact_count()))
        .bind(append.command.as_ref().map(|command| command.id))
        .fetch_optional(executor)
        .await?;
    Ok(row.map(|(position, recorded_at)| (Position(position), recorded_at)))
}

pub(crate) async fn find_claim(pool: &PgPool, claim: &str) -> Result<Option<StreamId>, sqlx::Error> {
    let stream: Option<String> =
        sqlx::query_scalar(statements::FIND_CLAIM).bind(claim).fetch_optional(pool).await?;
    Ok(stream.map(StreamId::recorded))
}

pub(crate) async fn head(executor: impl Executor<'_, Database = Postgres>) -> Result<Position, sqlx::Error> {
    sqlx::query_scalar(statements::HEAD).fetch_one(executor).await.map(Position)
}

pub(crate) async fn samples_floor(pool: &PgPool) -> Result<Position, sqlx::Error> {
    sqlx::query_scalar(statements::SAMPLES_FLOOR).fetch_one(pool).await.map(Position)
}

fn entry(row: &PgRow) -> Result<Entry, sqlx::Error> {
    let packed: Option<&[u8]> = row.try_get(9)?;
    let body = match packed {
        Some(packed) => Body::Samples(Samples {
            position: Position(row.try_get(0)?),
            at: row.try_get(3)?,
            node: row.try_get(1)?,
            data: Bytes::copy_from_slice(packed),
        }),
        None => Body::Fact(fact(row)?),
    };
    Ok(Entry::new(body))
}

fn fact(row: &PgRow) -> Result<Fact, sqlx::Error> {
    let version: i64 = row.try_get(2)?;
    Ok(Fact {
        position: Position(row.try_get(0)?),
        stream: StreamId::recorded(row.try_get(1)?),
        version: version.try_into().map_err(unreadable)?,
        recorded_at: row.try_get(3)?,
        command_id: row.try_get(4)?,
        schema_version: row.try_get(5)?,
        kind: row.try_get(6)?,
        // JSON travels as its text. Unchecked, because sqlx knows `json` only as something to parse.
        data: row.try_get_unchecked(7)?,
        meta: row.try_get_unchecked(8)?,
    })
}

fn unreadable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> sqlx::Error {
    sqlx::Error::Decode(error.into())
}
