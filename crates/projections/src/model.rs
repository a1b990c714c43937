//! What a projection is: a definition with a version, a fold, and rows.

use std::pin::Pin;

use revaer_event_log::{EventLog, Position};
use sqlx::PgConnection;

use crate::Error;
use crate::batch::{Batch, Breadth};
use crate::checkpoint::{Checkpoint, Role};
use crate::index::ListIndex;
use crate::standing::Standing;

/// What batches change, and what is not written yet.
pub(crate) trait Pending: Default + Send + Sync + 'static {
    /// How many rows that is.
    fn rows(&self) -> usize;
}

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
    /// What batches change.
    type Changes: Pending;

    /// A projection that has seen nothing.
    fn new(log: EventLog, role: Role) -> Self;

    /// The one that follows the log, and so keeps what this process knows besides the rows.
    fn following(log: EventLog, _index: &ListIndex) -> Self {
        Self::new(log, Role::Live)
    }

    /// What a process keeps up besides the rows while another follows.
    fn standing_by(
        _log: &EventLog,
        _index: &ListIndex,
        _generation: i64,
        _reached: Position,
    ) -> Option<Standing> {
        None
    }

    /// What is done once, beside following.
    fn beside(&self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(std::future::ready(()))
    }

    /// Folds a batch into what earlier ones change, writing nothing yet.
    fn fold(
        &self,
        pending: Self::Changes,
        batch: &Batch,
    ) -> impl Future<Output = Result<Self::Changes, Error>> + Send;

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
    let changes = model.fold(M::Changes::default(), batch).await?;
    if changes.rows() == 0 {
        return Ok(None);
    }
    write(model, checkpoint, log, schema, changes, batch.through).await.map(Some)
}

/// Writes what is pending and its checkpoint in one transaction.
pub(crate) async fn write<M: ReadModel>(
    model: &mut M,
    checkpoint: &mut Checkpoint,
    log: &EventLog,
    schema: &str,
    changes: M::Changes,
    through: Position,
) -> Result<(), Error> {
    let mut transaction = log.pool().begin().await?;
    checkpoint.advance(&mut transaction, through).await?;
    enter(&mut transaction, schema).await?;
    model.write(&changes, &mut transaction).await?;
    transaction.commit().await?;
    model.committed(&changes).await?;
    model.keep(changes);
    checkpoint.position = through;
    Ok(())
}

/// Moves the checkpoint alone, which renews the lease.
pub(crate) async fn renew(checkpoint: &mut Checkpoint, log: &EventLog, to: Position) -> Result<(), Error> {
    let mut connection = log.pool().acquire().await?;
    checkpoint.advance(&mut connection, to).await?;
    checkpoint.position = to;
    Ok(())
}

/// Chooses a generation for the rest of a transaction.
pub(crate) async fn enter(connection: &mut PgConnection, schema: &str) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT set_config('search_path', $1, true)").bind(schema).execute(connection).await.map(drop)
}
