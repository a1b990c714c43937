//! One batch of appends as one statement: its arrays, and what the database said to each append.

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{Append, Appended, Position, StreamId, Version, statements};

/// How the database goes about a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// All or nothing: any violation fails the statement. Nearly every batch passes, and this costs least.
    Trusting,
    /// Each append is judged, and the refused ones are left out.
    Checked,
}

/// What the database said to one append of a batch.
#[derive(Debug)]
pub(crate) enum Verdict {
    Appended(Appended),
    /// The command id is there already.
    Recorded,
    VersionConflict {
        actual: Version,
    },
    Claimed {
        claim: String,
        by: StreamId,
    },
}

type Row = (
    Option<i64>,
    OffsetDateTime,
    Option<Vec<String>>,
    Option<Vec<i64>>,
    Option<Vec<i64>>,
    Option<Vec<Option<String>>>,
    Option<Vec<Option<String>>>,
);

/// Appends a batch, which holds no stream, command id or info hash twice, in one autocommit statement: one round trip, so
/// that a stalled client never holds the lock.
///
/// `known` says of an append that its stream has had the expected version for certain.
pub(crate) async fn append(
    connection: &mut PgConnection,
    batch: &[&Append],
    known: impl Fn(&Append) -> bool,
    mode: Mode,
) -> Result<Vec<Verdict>, sqlx::Error> {
    let commands = Commands::of(batch, known);
    let facts = Facts::of(batch);
    let remembered = Remembered::of(batch);
    let claims = Hashes::of(batch, |append| &append.claims);
    let releases = Hashes::of(batch, |append| &append.releases);
    let row: Row = sqlx::query_as(statements::APPEND)
        .bind(mode == Mode::Checked)
        .bind(commands.stream)
        .bind(commands.expected)
        .bind(commands.facts)
        .bind(commands.before)
        .bind(commands.id)
        .bind(commands.unknown)
        .bind(facts.command)
        .bind(facts.version)
        .bind(facts.schema_version)
        .bind(facts.kind)
        .bind(facts.data)
        .bind(facts.meta)
        .bind(remembered.command)
        .bind(remembered.fingerprint)
        .bind(remembered.result)
        .bind(claims.command)
        .bind(claims.hash)
        .bind(releases.command)
        .bind(releases.hash)
        .fetch_one(connection)
        .await?;
    Ok(verdicts(batch, row))
}

/// Positions follow the base, fact by fact, over the appends that were not refused.
fn verdicts(batch: &[&Append], row: Row) -> Vec<Verdict> {
    let (base, recorded_at, verdicts, versions, positions, taken, takers) = row;
    let number = |numbers: &Option<Vec<i64>>, i| numbers.as_ref().and_then(|numbers| numbers.get(i)).copied();
    let text = |texts: &Option<Vec<Option<String>>>, i: usize| {
        texts.as_ref().and_then(|texts| texts.get(i).cloned().flatten()).unwrap_or_default()
    };
    let mut last = base.unwrap_or_default();
    let judge = |(i, append): (usize, &&Append)| {
        let verdict = verdicts.as_ref().map_or("appended", |verdicts| verdicts[i].as_str());
        match verdict {
            "appended" => {
                last += i64::from(append.fact_count());
                let before = number(&positions, i).unwrap_or_default();
                Verdict::Appended(Appended {
                    position: Position(if append.facts.is_empty() { before } else { last }),
                    version: append.expected + append.fact_count(),
                    recorded_at,
                })
            }
            "version_conflict" => Verdict::VersionConflict {
                actual: number(&versions, i).and_then(|version| version.try_into().ok()).unwrap_or_default(),
            },
            "claimed" => {
                Verdict::Claimed { claim: text(&taken, i), by: StreamId::recorded(text(&takers, i)) }
            }
            _ => Verdict::Recorded,
        }
    };
    batch.iter().enumerate().map(judge).collect()
}

/// The columns of the commands of a batch.
#[derive(Default)]
struct Commands<'a> {
    stream: Vec<&'a str>,
    expected: Vec<i64>,
    facts: Vec<i32>,
    /// How many facts those before it have.
    before: Vec<i64>,
    id: Vec<Option<Uuid>>,
    /// Those, counted from 1, whose stream has to be looked up.
    unknown: Vec<i32>,
}

impl<'a> Commands<'a> {
    fn of(batch: &[&'a Append], known: impl Fn(&Append) -> bool) -> Self {
        let mut commands = Self::default();
        let mut before = 0;
        for (number, append) in (1_i32..).zip(batch) {
            commands.stream.push(append.stream.as_str());
            commands.expected.push(append.expected.into());
            commands.facts.push(append.fact_count().cast_signed());
            commands.before.push(before);
            commands.id.push(append.command.as_ref().map(|command| command.id));
            // Without facts no constraint says whether the stream has moved on.
            if append.facts.is_empty() || !known(append) {
                commands.unknown.push(number);
            }
            before += i64::from(append.fact_count());
        }
        commands
    }
}

/// What is remembered of the commands of a batch, counted from 1, whose repeats may come.
#[derive(Default)]
struct Remembered<'a> {
    command: Vec<i32>,
    fingerprint: Vec<&'a [u8]>,
    result: Vec<Option<&'a str>>,
}

impl<'a> Remembered<'a> {
    fn of(batch: &[&'a Append]) -> Self {
        let mut remembered = Self::default();
        for (number, append) in (1_i32..).zip(batch) {
            let Some(command) = append.remembered() else { continue };
            remembered.command.push(number);
            remembered.fingerprint.push(&command.fingerprint);
            remembered.result.push(command.result.as_deref());
        }
        remembered
    }
}

/// The columns of all facts of a batch; commands are counted from 1.
#[derive(Default)]
struct Facts<'a> {
    command: Vec<i32>,
    version: Vec<i64>,
    schema_version: Vec<i16>,
    kind: Vec<&'a str>,
    data: Vec<&'a str>,
    meta: Vec<&'a str>,
}

impl<'a> Facts<'a> {
    fn of(batch: &[&'a Append]) -> Self {
        let mut facts = Self::default();
        for (command, append) in (1_i32..).zip(batch) {
            for (version, fact) in (i64::from(append.expected) + 1..).zip(&append.facts) {
                facts.command.push(command);
                facts.version.push(version);
                facts.schema_version.push(fact.schema_version);
                facts.kind.push(&fact.kind);
                facts.data.push(&fact.data);
                facts.meta.push(&fact.meta);
            }
        }
        facts
    }
}

/// Info hashes with the command that names them.
#[derive(Default)]
struct Hashes<'a> {
    command: Vec<i32>,
    hash: Vec<&'a str>,
}

impl<'a> Hashes<'a> {
    fn of(batch: &[&'a Append], named: fn(&Append) -> &Vec<String>) -> Self {
        let mut hashes = Self::default();
        for (command, append) in (1_i32..).zip(batch) {
            for hash in named(append) {
                hashes.command.push(command);
                hashes.hash.push(hash);
            }
        }
        hashes
    }
}
