//! Everything that the database of the log has and nothing else can give, as text, in one moment; and back into an empty one.
//!
//! Rows go by as PostgreSQL writes and reads them (`COPY`, text format), so that nothing here knows what a table is for and no
//! more than a piece is ever held. Which tables there are is asked of the database: one that a later migration makes is taken
//! along without a word here. Read models are left out, since they are made from the log; so are unlogged tables, which are of
//! the moment.
//!
//! A log that comes back has forgotten what happened after the dump, and gives the positions of that time out again, to other
//! facts. It therefore gets a new id, by which every client that was farther is told so.

use bytes::Bytes;
use futures::{Stream, TryStreamExt};
use sqlx::postgres::PgCopyIn;
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Postgres, Transaction};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::log::TAG_LENGTH;
use crate::{EventLog, LoadError, Position, ReadError, migrate, statements};

/// A table and its columns, in the order in which they are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// The names of its columns.
    pub columns: Vec<String>,
}

/// What is said of a dump before its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// When it was, on the database's clock.
    pub at: OffsetDateTime,
    /// The newest migration that was applied.
    pub schema_version: i64,
    /// Which log it is.
    pub log_id: Uuid,
    /// Its newest position.
    pub head: Position,
    /// The hours of which samples are kept.
    pub sample_hours: Vec<OffsetDateTime>,
    /// What there is to be written.
    pub tables: Vec<Table>,
}

/// One moment of the database, to be written for as long as it takes beside those who append.
pub struct Dump {
    snapshot: Transaction<'static, Postgres>,
    moment: Moment,
}

impl EventLog {
    /// Holds this moment, to be written.
    pub async fn dump(&self) -> Result<Dump, ReadError> {
        let mut snapshot = self.snapshot().await?;
        let at = sqlx::query_scalar("SELECT now()").fetch_one(&mut *snapshot).await?;
        let schema_version = sqlx::query_scalar(statements::SCHEMA_VERSION).fetch_one(&mut *snapshot).await?;
        let log_id = sqlx::query_scalar(statements::LOG_ID).fetch_one(&mut *snapshot).await?;
        let head = sqlx::query_scalar(statements::HEAD).fetch_one(&mut *snapshot).await?;
        let hours = "SELECT DISTINCT date_trunc('hour', at, 'UTC') FROM samples ORDER BY 1";
        let sample_hours = sqlx::query_scalar(hours).fetch_all(&mut *snapshot).await?;
        let tables = tables(&mut snapshot).await?;
        let moment = Moment { at, schema_version, log_id, head: Position(head), sample_hours, tables };
        Ok(Dump { snapshot, moment })
    }
}

impl Dump {
    /// What is said of it before its rows.
    pub const fn moment(&self) -> &Moment {
        &self.moment
    }

    /// The rows of a table, piece by piece; a piece may end anywhere.
    pub async fn rows(
        &mut self,
        table: &Table,
    ) -> Result<impl Stream<Item = Result<Bytes, ReadError>> + use<'_>, ReadError> {
        // By a query, since a table that is partitioned has no rows of its own.
        let statement =
            format!("COPY (SELECT {} FROM public.{}) TO STDOUT", columns(table), quoted(&table.name));
        Ok(self.snapshot.copy_out_raw(&statement).await?.map_err(ReadError::from))
    }
}

/// An empty log that is being filled, in one transaction: all of it comes back, or nothing.
pub struct Load {
    pool: PgPool,
    transaction: Transaction<'static, Postgres>,
    tables: Vec<Table>,
}

impl Load {
    /// Makes the schema as of the dump's version in an empty database.
    pub async fn begin(
        pool: &PgPool,
        schema_version: i64,
        sample_hours: &[OffsetDateTime],
    ) -> Result<Self, LoadError> {
        let known = migrate::newest();
        if schema_version > known {
            return Err(LoadError::NewerSchema { found: schema_version, known });
        }
        // The schema may be there already if an attempt before this one ended in the middle; facts may not.
        let found = migrate::found(pool).await?;
        if found != 0 && found != schema_version {
            return Err(LoadError::NotEmpty);
        }
        migrate::up_to(pool, schema_version).await?;
        let mut transaction = pool.begin().await?;
        if sqlx::query_scalar("SELECT EXISTS (SELECT FROM events)").fetch_one(&mut *transaction).await? {
            return Err(LoadError::NotEmpty);
        }
        // What else inserts into the log waits for the end of this, and then finds one.
        let rights = "SET LOCAL revaer.appending = 'yes'; SET LOCAL statement_timeout = 0; \
                      SET LOCAL idle_in_transaction_session_timeout = 0; LOCK TABLE events IN EXCLUSIVE MODE";
        sqlx::raw_sql(rights).execute(&mut *transaction).await?;
        for hour in sample_hours {
            sqlx::query("SELECT make_sample_partition($1)").bind(hour).execute(&mut *transaction).await?;
        }
        let tables = tables(&mut transaction).await?;
        Ok(Self { pool: pool.clone(), transaction, tables })
    }

    /// Begins to fill a table, in the place of what its migration put there.
    pub async fn rows(&mut self, table: &Table) -> Result<Rows<'_>, LoadError> {
        let ours = self.tables.iter().find(|ours| ours.name == table.name);
        if !ours.is_some_and(|ours| table.columns.iter().all(|column| ours.columns.contains(column))) {
            return Err(LoadError::UnknownTable(table.name.clone()));
        }
        let name = quoted(&table.name);
        let exists = format!("SELECT EXISTS (SELECT FROM public.{name})");
        // Only where something is: the log refuses to have even nothing deleted.
        if sqlx::query_scalar(AssertSqlSafe(exists)).fetch_one(&mut *self.transaction).await? {
            let delete = format!("DELETE FROM public.{name}");
            sqlx::query(AssertSqlSafe(delete)).execute(&mut *self.transaction).await?;
        }
        let statement = format!("COPY public.{name} ({}) FROM STDIN", columns(table));
        Ok(Rows(self.transaction.copy_in_raw(&statement).await?))
    }

    /// Gives the log its new id, commits, and brings the schema up to date; the new id's tag.
    pub async fn end(mut self) -> Result<String, LoadError> {
        let log_id: Uuid =
            sqlx::query_scalar("UPDATE log_meta SET log_id = gen_random_uuid() RETURNING log_id")
                .fetch_one(&mut *self.transaction)
                .await?;
        self.transaction.commit().await?;
        migrate::up_to(&self.pool, migrate::newest()).await?;
        // Else the first questions to a full database would be planned as for an empty one.
        let mut connection = self.pool.acquire().await?;
        sqlx::raw_sql("SET statement_timeout = 0; ANALYZE; RESET statement_timeout")
            .execute(&mut *connection)
            .await?;
        Ok(tag(log_id))
    }
}

/// A table that is being filled.
pub struct Rows<'a>(PgCopyIn<&'a mut PgConnection>);

impl Rows<'_> {
    /// The next piece, as it was written.
    pub async fn send(&mut self, piece: &[u8]) -> Result<(), LoadError> {
        self.0.send(piece).await?;
        Ok(())
    }

    /// Ends the table; how many rows it has.
    pub async fn end(self) -> Result<u64, LoadError> {
        Ok(self.0.finish().await?)
    }
}

/// A few characters of a log's id, which tell it from others.
pub(crate) fn tag(log_id: Uuid) -> String {
    log_id.simple().to_string()[..TAG_LENGTH].to_owned()
}

async fn tables(connection: &mut PgConnection) -> Result<Vec<Table>, sqlx::Error> {
    let rows: Vec<(String, Vec<String>)> =
        sqlx::query_as(statements::DUMPED_TABLES).fetch_all(connection).await?;
    Ok(rows.into_iter().map(|(name, columns)| Table { name, columns }).collect())
}

fn columns(table: &Table) -> String {
    table.columns.iter().map(|column| quoted(column)).collect::<Vec<_>>().join(", ")
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
