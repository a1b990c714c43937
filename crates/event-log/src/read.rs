//! Reading the log: by position, by stream, by command. Facts and samples come from one statement; two would miss what
//! commits between them.

use std::sync::Arc;

use bytes::Bytes;
use sqlx::PgPool;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::error::ReadError;
use crate::types::{Body, CommandOutcome, Entry, Fact, Position, Samples, StreamId, Version};

#[derive(sqlx::FromRow)]
struct Row {
    position: i64,
    stream_id: String,
    version: i64,
    recorded_at: OffsetDateTime,
    command_id: Option<Uuid>,
    schema_version: i16,
    kind: String,
    data: String,
    meta: String,
    packed: Option<Vec<u8>>,
}

impl Row {
    fn into_body(self) -> Body {
        let position = Position(self.position);
        match self.packed {
            Some(packed) => Body::Samples(Samples {
                position,
                at: self.recorded_at,
                node: self.stream_id,
                data: Bytes::from(packed),
            }),
            None => Body::Fact(Fact {
                position,
                stream: StreamId::new(&self.stream_id).expect("append takes stream ids alone"),
                version: Version::try_from(self.version).unwrap_or(Version::MAX),
                recorded_at: self.recorded_at,
                command_id: self.command_id,
                schema_version: self.schema_version,
                kind: self.kind,
                data: self.data,
                meta: self.meta,
            }),
        }
    }

    fn into_fact(self) -> Option<Fact> {
        match self.into_body() {
            Body::Fact(fact) => Some(fact),
            Body::Samples(_) => None,
        }
    }
}

pub(crate) async fn read_all(
    pool: &PgPool,
    after: Position,
    limit: u32,
) -> Result<Vec<Arc<Entry>>, ReadError> {
    let rows: Vec<Row> = sqlx::query_as(include_str!("read_all.sql"))
        .bind(after.0)
        .bind(i64::from(limit))
        .fetch_all(pool)
        .await?;
    Ok(rows.into_iter().map(|row| Arc::new(Entry::new(row.into_body()))).collect())
}

pub(crate) async fn read_facts(pool: &PgPool, after: Position, limit: u32) -> Result<Vec<Fact>, ReadError> {
    let rows: Vec<Row> = sqlx::query_as(include_str!("read_facts.sql"))
        .bind(after.0)
        .bind(i64::from(limit))
        .fetch_all(pool)
        .await?;
    Ok(rows.into_iter().filter_map(Row::into_fact).collect())
}

pub(crate) async fn read_stream(
    pool: &PgPool,
    stream: &StreamId,
    after: Version,
    limit: u32,
) -> Result<Vec<Fact>, ReadError> {
    let rows: Vec<Row> = sqlx::query_as(include_str!("read_stream.sql"))
        .bind(stream.as_str())
        .bind(i64::from(after))
        .bind(i64::from(limit))
        .fetch_all(pool)
        .await?;
    Ok(rows.into_iter().filter_map(Row::into_fact).collect())
}

#[derive(sqlx::FromRow)]
struct CommandRow {
    command_id: Uuid,
    fingerprint: Vec<u8>,
    first_position: i64,
    event_count: i32,
    stream_id: String,
    version_after: i64,
    result: Option<String>,
    recorded_at: OffsetDateTime,
}

pub(crate) async fn find_command(pool: &PgPool, id: Uuid) -> Result<Option<CommandOutcome>, ReadError> {
    let row: Option<CommandRow> =
        sqlx::query_as(include_str!("find_command.sql")).bind(id).fetch_optional(pool).await?;
    Ok(row.map(|row| CommandOutcome {
        id: row.command_id,
        fingerprint: row.fingerprint.try_into().unwrap_or([0; 32]),
        stream: StreamId::new(&row.stream_id).expect("append takes stream ids alone"),
        first_position: Position(row.first_position),
        last_position: Position(row.first_position + i64::from(row.event_count.max(1)) - 1),
        event_count: u32::try_from(row.event_count).unwrap_or(0),
        version_after: Version::try_from(row.version_after).unwrap_or(Version::MAX),
        result: row.result,
        recorded_at: row.recorded_at,
    }))
}

pub(crate) async fn find_claim(pool: &PgPool, claim: &str) -> Result<Option<StreamId>, ReadError> {
    let stream: Option<String> = sqlx::query_scalar("SELECT stream_id FROM claims WHERE info_hash = $1")
        .bind(claim)
        .fetch_optional(pool)
        .await?;
    Ok(stream.and_then(|stream| StreamId::new(&stream).ok()))
}

pub(crate) async fn head(pool: &PgPool) -> Result<Position, ReadError> {
    let head: i64 = sqlx::query_scalar(include_str!("head.sql")).fetch_one(pool).await?;
    Ok(Position(head))
}
