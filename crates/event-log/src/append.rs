//! One batch of commands as one statement: the arrays of `append()` and the verdict of each command.

use sqlx::PgPool;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::types::{Append, Appended, Position, StreamId, Version};

/// What the database said to one command of a batch.
#[derive(Debug)]
pub(crate) enum Verdict {
    Appended(Appended),
    /// The command id is there already.
    Repeated,
    VersionConflict {
        actual: Version,
    },
    Claimed {
        claim: String,
        by: StreamId,
    },
}

#[derive(sqlx::FromRow)]
struct Row {
    verdict: String,
    last_position: i64,
    version_after: i64,
    recorded_at: OffsetDateTime,
    claim: Option<String>,
    held_by: Option<String>,
}

/// Appends a batch in one autocommit statement: one round trip, so a stalled client never holds the lock.
pub(crate) async fn append_batch(pool: &PgPool, batch: &[&Append]) -> Result<Vec<Verdict>, sqlx::Error> {
    let mut facts = Facts::default();
    let (mut claims, mut releases) = (Pairs::default(), Pairs::default());
    for (command, append) in (1_i32..).zip(batch) {
        for (nth, fact) in (1_i32..).zip(&append.facts) {
            facts.command.push(command);
            facts.nth.push(nth);
            facts.kind.push(fact.kind.as_ref());
            facts.schema_version.push(fact.schema_version);
            facts.data.push(fact.data.as_str());
            facts.meta.push(fact.meta.as_str());
        }
        claims.extend(command, &append.claims);
        releases.extend(command, &append.releases);
    }
    let column = |of: fn(&Append) -> Option<Uuid>| batch.iter().map(|append| of(append)).collect::<Vec<_>>();
    let rows: Vec<Row> = sqlx::query_as(include_str!("append.sql"))
        .bind(batch.iter().map(|append| append.stream.as_str()).collect::<Vec<_>>())
        .bind(batch.iter().map(|append| i64::from(append.expected)).collect::<Vec<_>>())
        .bind(column(|append| append.command.as_ref().map(|command| command.id)))
        .bind(
            batch
                .iter()
                .map(|append| append.command.as_ref().map(|command| command.fingerprint.to_vec()))
                .collect::<Vec<_>>(),
        )
        .bind(
            batch
                .iter()
                .map(|append| append.command.as_ref().and_then(|command| command.result.clone()))
                .collect::<Vec<_>>(),
        )
        .bind(
            batch
                .iter()
                .map(|append| i64::try_from(append.facts.len()).unwrap_or(i64::MAX))
                .collect::<Vec<_>>(),
        )
        .bind(facts.command)
        .bind(facts.nth)
        .bind(facts.kind)
        .bind(facts.schema_version)
        .bind(facts.data)
        .bind(facts.meta)
        .bind(claims.command)
        .bind(claims.name)
        .bind(releases.command)
        .bind(releases.name)
        .fetch_all(pool)
        .await?;
    Ok(rows.into_iter().map(verdict).collect())
}

fn verdict(row: Row) -> Verdict {
    let version = Version::try_from(row.version_after).unwrap_or(Version::MAX);
    match row.verdict.as_str() {
        "appended" => Verdict::Appended(Appended {
            position: Position(row.last_position),
            version,
            recorded_at: row.recorded_at,
        }),
        "version_conflict" => Verdict::VersionConflict { actual: version },
        "claimed" => Verdict::Claimed {
            claim: row.claim.unwrap_or_default(),
            by: StreamId::new(&row.held_by.unwrap_or_default()).expect("only stream ids hold claims"),
        },
        _ => Verdict::Repeated,
    }
}

/// The columns of the facts of a batch.
#[derive(Default)]
struct Facts<'a> {
    command: Vec<i32>,
    nth: Vec<i32>,
    kind: Vec<&'a str>,
    schema_version: Vec<i16>,
    data: Vec<&'a str>,
    meta: Vec<&'a str>,
}

/// Names by the command that they belong to.
#[derive(Default)]
struct Pairs<'a> {
    command: Vec<i32>,
    name: Vec<&'a str>,
}

impl<'a> Pairs<'a> {
    fn extend(&mut self, command: i32, names: &'a [String]) {
        for name in names {
            self.command.push(command);
            self.name.push(name);
        }
    }
}
