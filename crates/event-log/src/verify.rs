//! Recounting the log: what its schema promises is counted again, in one moment of the database, while others append.
//!
//! The constraints and the append functions keep these laws by themselves. What breaks them comes from outside: a hand that
//! switched triggers off, a restored backup that was pieced together, a disk. What facts mean is not known here.

use std::fmt;

use futures::TryStreamExt;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

use crate::{EventLog, Position, ReadError, statements};

/// Something that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The law that is broken, in a word.
    pub law: &'static str,
    /// Where, and what is there instead.
    pub detail: String,
}

impl Finding {
    /// A finding.
    pub fn new(law: &'static str, detail: impl Into<String>) -> Self {
        Self { law, detail: detail.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.law, self.detail)
    }
}

impl EventLog {
    /// Recounts positions, versions, commands and the books about them; says each finding as it is made.
    pub async fn verify(&self, say: &mut dyn FnMut(Finding)) -> Result<(), ReadError> {
        let mut snapshot = self.snapshot().await?;
        each(&mut snapshot, statements::VERIFY_TRIGGERS, |row| {
            let (table, trigger): (&str, &str) = (row.try_get(0)?, row.try_get(1)?);
            say(Finding::new(
                "append-only",
                format!("trigger {trigger} on {table} is missing or switched off"),
            ));
            Ok(())
        })
        .await?;
        books(&mut snapshot, say).await?;
        each(&mut snapshot, statements::VERIFY_POSITIONS, |row| {
            let (position, times): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
            let detail = match times {
                1 => format!("{position} is not above zero"),
                _ => format!("{position} was given to {times} entries"),
            };
            say(Finding::new("positions", detail));
            Ok(())
        })
        .await?;
        each(&mut snapshot, statements::VERIFY_VERSIONS, |row| {
            say(version(row)?);
            Ok(())
        })
        .await?;
        each(&mut snapshot, statements::VERIFY_COMMANDS, |row| {
            say(command(row)?);
            Ok(())
        })
        .await
    }
}

/// Calls for each row of a statement that lists what is wrong; nothing is kept.
async fn each(
    connection: &mut PgConnection,
    statement: &'static str,
    mut found: impl FnMut(&PgRow) -> Result<(), sqlx::Error>,
) -> Result<(), ReadError> {
    let mut rows = sqlx::query(statement).fetch(connection);
    while let Some(row) = rows.try_next().await? {
        found(&row)?;
    }
    Ok(())
}

fn version(row: &PgRow) -> Result<Finding, sqlx::Error> {
    let (stream, version, position): (&str, i64, i64) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    let (version_before, position_before): (i64, i64) = (row.try_get(3)?, row.try_get(4)?);
    Ok(if version == version_before + 1 {
        let detail = format!(
            "stream {stream} has version {version} at position {position}, below {position_before} of the one before"
        );
        Finding::new("positions", detail)
    } else {
        let detail =
            format!("stream {stream} goes from version {version_before} to {version} at position {position}");
        Finding::new("versions", detail)
    })
}

fn command(row: &PgRow) -> Result<Finding, sqlx::Error> {
    let (id, stream): (uuid::Uuid, &str) = (row.try_get(0)?, row.try_get(1)?);
    let (first, last): (i64, i64) = (row.try_get(2)?, row.try_get(3)?);
    let (count, version): (i32, i64) = (row.try_get(4)?, row.try_get(5)?);
    let detail = format!(
        "{id} says that it made {count} facts of stream {stream}, {first} to {last}, up to version {version}: \
         the log has others there"
    );
    Ok(Finding::new("commands", detail))
}

/// The head, the reservation and the floor of samples against what was given out.
async fn books(connection: &mut PgConnection, say: &mut dyn FnMut(Finding)) -> Result<(), ReadError> {
    let row = sqlx::query(statements::VERIFY_BOOKS).fetch_one(connection).await?;
    let (newest, reserved, floor): (i64, i64, i64) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    // Without the right to look at the sequence this part is left out.
    let last_taken: Option<i64> = row.try_get(3)?;
    let crashed: bool = row.try_get(4)?;
    if newest > reserved {
        let detail = format!(
            "position {newest} is above the reservation {reserved}: a crash could give positions out again"
        );
        say(Finding::new("books", detail));
    }
    if floor < 0 || floor > reserved.max(newest) {
        let detail = format!("the floor of samples is {floor}, and nothing above {newest} was given out");
        say(Finding::new("books", detail));
    }
    let next_after = last_taken.map(|last_taken| if crashed { last_taken.max(reserved) } else { last_taken });
    if let Some(next_after) = next_after
        && next_after < newest
    {
        let detail =
            format!("the next position would be {}, and {newest} is taken", Position(next_after + 1));
        say(Finding::new("books", detail));
    }
    Ok(())
}
