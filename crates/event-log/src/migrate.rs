//! The schema of the log: brought up to date, forward only, and checked when the log is opened.

use std::borrow::Cow;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{PgPool, SqlSafeStr};

use crate::{MigrateError, OpenError, statements};

/// Every migration. A file that was released is never edited: its hash is in the databases that ran it.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "log", include_str!("../../../migrations/0001_log.sql")),
    (2, "append", include_str!("../../../migrations/0002_append.sql")),
    (3, "samples", include_str!("../../../migrations/0003_samples.sql")),
    (4, "checkpoints", include_str!("../../../migrations/0004_checkpoints.sql")),
    (5, "bodies", include_str!("../../../migrations/0005_bodies.sql")),
    (6, "service role", include_str!("../../../migrations/0006_service_role.sql")),
    (7, "append", include_str!("../../../migrations/0007_append.sql")),
    (10, "secrets", include_str!("../../../migrations/0010_secrets.sql")),
    (15, "access", include_str!("../../../migrations/0015_access.sql")),
    (28, "replaced secrets", include_str!("../../../migrations/0028_replaced_secrets.sql")),
    (29, "announce urls", include_str!("../../../migrations/0029_announce_urls.sql")),
];

/// Applies what is missing, under a lock of the database: several processes may try at once. A newer schema is refused.
pub async fn migrate(pool: &PgPool) -> Result<(), MigrateError> {
    up_to(pool, newest()).await
}

/// Applies what is missing up to a version: what a dump of then can be loaded into.
pub(crate) async fn up_to(pool: &PgPool, last: i64) -> Result<(), MigrateError> {
    let (found, known) = (found(pool).await?, newest());
    if found > known {
        return Err(MigrateError::NewerSchema { found, known });
    }
    let migration = |&(version, name, sql): &(i64, &'static str, &'static str)| {
        Migration::new(version, Cow::Borrowed(name), MigrationType::Simple, sql.into_sql_str(), false)
    };
    let wanted = MIGRATIONS.iter().filter(|(version, ..)| *version <= last).map(migration).collect();
    Ok(Migrator::with_migrations(wanted).run(pool).await?)
}

/// The newest migration of this build.
pub(crate) fn newest() -> i64 {
    MIGRATIONS.iter().map(|(version, ..)| *version).max().unwrap_or_default()
}

/// The newest migration that was applied; zero if there is none.
pub(crate) async fn found(pool: &PgPool) -> Result<i64, sqlx::Error> {
    let migrated: bool = sqlx::query_scalar(statements::IS_MIGRATED).fetch_one(pool).await?;
    if migrated { sqlx::query_scalar(statements::SCHEMA_VERSION).fetch_one(pool).await } else { Ok(0) }
}

/// What a database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseVersion {
    /// The version of the server.
    pub server: String,
    /// The newest migration that it had.
    pub schema: i64,
}

pub(crate) async fn version(pool: &PgPool) -> Result<DatabaseVersion, sqlx::Error> {
    let server = sqlx::query_scalar("SHOW server_version").fetch_one(pool).await?;
    let schema = sqlx::query_scalar(statements::SCHEMA_VERSION).fetch_one(pool).await?;
    Ok(DatabaseVersion { server, schema })
}

/// Refuses a schema that this build does not know.
pub(crate) async fn check(pool: &PgPool) -> Result<(), OpenError> {
    let known = newest();
    match found(pool).await? {
        found if found < known => Err(OpenError::NotMigrated { found, needed: known }),
        found if found > known => Err(OpenError::NewerSchema { found, known }),
        _ => Ok(()),
    }
}
