//! Brings the schema up to date, forward only. A schema that is newer than this build is refused.

use std::borrow::Cow;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{PgPool, SqlSafeStr};

use crate::MigrateError;

const MIGRATIONS: [(i64, &str, &str); 2] = [
    (1, "log", include_str!("../../../migrations/0001_log.sql")),
    (2, "bodies", include_str!("../../../migrations/0002_bodies.sql")),
];

/// Applies what is missing, under a lock of the database: several processes may try at once.
pub async fn migrate(pool: &PgPool) -> Result<(), MigrateError> {
    let migrations = MIGRATIONS
        .iter()
        .map(|(version, name, sql)| {
            Migration::new(*version, Cow::Borrowed(*name), MigrationType::Simple, sql.into_sql_str(), false)
        })
        .collect();
    Ok(Migrator::with_migrations(migrations).run(pool).await?)
}
