//! What a projection is: a definition with a version, a fold, and rows.

use std::pin::Pin;

use revaer_event_log::EventLog;
use sqlx::PgConnection;

use crate::Error;
use crate::batch::{Batch, Breadth};
use crate::checkpoint::{Checkpoint, Role};
use crate::index::ListIndex;

/// A projection. Its rows depend on facts alone, so that rebuilt rows equal lived ones.
pub(crate) trait ReadModel: Send + Sized + 'static {
    /// Its name, and that of the schema of its live generation.
    const NAME: &'static str;
    /// Raised with every change of its tables or of its fold: the rows are then built again.
    const VERSION: i32;
    /// Makes the tables of a generation.
    const SCHEMA: &'static str;
    /// Makes their indexes, when the rows are there.
    const INDEXES: &'static str;
    /// The tables that facts alone make, each with the column that names its rows.
    const TABLES: &'static [(&'static str, &'static str)];
    /// How much of a fact it needs to know.
    const BREADTH: Breadth = Breadth::Torrents;
    /// What a batch changes.
    type Changes: Send + Sync;

    /// A projection that has seen nothing.
    fn new(log: EventLog, role: Role) -> Self;

    /// The one that follows the log, and so keeps what this process knows besides the rows.
    fn following(log: EventLog, _index: &ListIndex) -> Self {
        Self::new(log, Role::Live)
    }

    /// What is done once, beside following.
    fn beside(&self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(std::future::ready(()))
    }

    /// Folds a batch, changing nothing yet.
    fn fold(&self, batch: &Batch) -> impl Future<Output = Result<Option<Self::Changes>, Error>> + Send;

    /// Writes the changes, set by set, with `search_path` at the generation.
    fn write(
        &self,
        changes: &Self::Changes,
        connection: &mut PgConnection,
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send;

    /// Passes on what was committed, before anybody is told how far the rows have come.
    fn committed(&self, _changes: &Self::Changes) -> impl Future<Output = Result<(), Error>> + Send {
        std::future::ready(Ok(()))
    }

    /// Remembers what was committed.
    fn keep(&mut self, changes: Self::Changes);
}

/// Writes a batch and its checkpoint in one transaction. `None` for a batch that changes no row: it costs no transaction, and the
/// checkpoint moves with the next one or with the renewal of the lease.
pub(crate) async fn apply<M: ReadModel>(
    model: &mut M,
    checkpoint: &mut Checkpoint,
    log: &EventLog,
    schema: &str,
    batch: &Batch,
) -> Result<Option<()>, Error> {
    let Some(changes) = model.fold(batch).await? else { return Ok(None) };
    let mut transaction = log.pool().begin().await?;
    checkpoint.advance(&mut transaction, batch.through).await?;
    enter(&mut transaction, schema).await?;
    model.write(&changes, &mut transaction).await?;
    transaction.commit().await?;
    model.committed(&changes).await?;
    model.keep(changes);
    checkpoint.position = batch.through;
    Ok(Some(()))
}

/// Moves the checkpoint alone, which renews the lease.
pub(crate) async fn renew(
    checkpoint: &mut Checkpoint,
    log: &EventLog,
    to: revaer_event_log::Position,
) -> Result<(), Error> {
    let mut connection = log.pool().acquire().await?;
    checkpoint.advance(&mut connection, to).await?;
    checkpoint.position = to;
    Ok(())
}

/// Chooses a generation for the rest of a transaction.
pub(crate) async fn enter(connection: &mut PgConnection, schema: &str) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT set_config('search_path', $1, true)").bind(schema).execute(connection).await.map(drop)
}
