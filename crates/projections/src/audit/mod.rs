//! The read model `audit`: who did what to whom, and when, for every fact of the log.
//!
//! A row holds what is searched; what exactly was done is read from the log by its position. The projection knows no kind of
//! fact by name, so that whatever is recorded later is audited without a change here.

mod query;

use revaer_event_log::EventLog;
use sqlx::PgConnection;

use crate::Error;
use crate::batch::{Batch, Breadth, Told};
use crate::checkpoint::Role;
use crate::model::{Pending, ReadModel};

pub(crate) use query::page;
pub use query::{AuditPage, AuditQuery};

/// The name of the projection.
pub(crate) const NAME: &str = "audit";

/// Rows of one statement: its arrays are some megabytes then.
const ROWS_AT_ONCE: usize = 5_000;

/// Who acts when nobody gave a command: the session as it was seen, and the service itself.
const OF_SYSTEM: [&str; 2] = ["engine", "system"];

/// The projection. It needs no memory: each fact is a row.
pub(crate) struct Audit;

impl Pending for Vec<Told> {
    fn rows(&self) -> usize {
        self.len()
    }
}

impl ReadModel for Audit {
    const NAME: &'static str = NAME;
    const VERSION: i32 = 1;
    const SCHEMA: &'static str = include_str!("../../../../projections/audit/schema.sql");
    const INDEXES: &'static str = include_str!("../../../../projections/audit/indexes.sql");
    const TABLES: &'static [(&'static str, &'static str)] = &[("entry", "position")];
    const BREADTH: Breadth = Breadth::EveryFact;
    type Changes = Vec<Told>;

    fn new(_log: EventLog, _role: Role) -> Self {
        Self
    }

    async fn fold(&self, mut pending: Vec<Told>, batch: &Batch) -> Result<Vec<Told>, Error> {
        pending.extend_from_slice(&batch.told);
        Ok(pending)
    }

    async fn write(&self, changes: &Vec<Told>, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        for some in changes.chunks(ROWS_AT_ONCE) {
            sqlx::query(include_str!("../../../../projections/audit/insert.sql"))
                .bind(some.iter().map(|told| told.position.0).collect::<Vec<_>>())
                .bind(some.iter().map(|told| told.recorded_at).collect::<Vec<_>>())
                .bind(some.iter().map(|told| told.actor.as_str()).collect::<Vec<_>>())
                .bind(some.iter().map(|told| told.kind.as_str()).collect::<Vec<_>>())
                .bind(some.iter().map(|told| told.stream.as_str()).collect::<Vec<_>>())
                .bind(some.iter().map(|told| is_of_system(&told.actor)).collect::<Vec<_>>())
                .execute(&mut *connection)
                .await?;
        }
        Ok(())
    }

    fn keep(&mut self, _changes: Vec<Told>) {}
}

/// `engine`, `system`, and parts of them such as `system:retention`.
fn is_of_system(actor: &str) -> bool {
    OF_SYSTEM
        .iter()
        .any(|part| actor.strip_prefix(part).is_some_and(|rest| rest.is_empty() || rest.starts_with(':')))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("engine", true)]
    #[case("system", true)]
    #[case("system:settings", true)]
    #[case("systems", false)]
    #[case("key system", false)]
    #[case("setup", false)]
    #[case("operator", false)]
    fn people_are_told_from_the_service(#[case] actor: &str, #[case] expected: bool) {
        assert_eq!(is_of_system(actor), expected);
    }
}
