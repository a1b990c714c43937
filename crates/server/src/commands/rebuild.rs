//! Builds a read model again while it is being read.

use anyhow::Context;
use revaer_event_log::{EventLog, Options};

use crate::config::Config;
use crate::database::Database;
use crate::exit::Fault;

/// Builds a projection again, also while the service runs.
pub(crate) async fn rebuild(config: &Config, projection: &str) -> anyhow::Result<()> {
    if !revaer_projections::PROJECTIONS.contains(&projection) {
        let known = revaer_projections::PROJECTIONS.join(", ");
        return Err(
            Fault::Usage(format!("no projection is called `{projection}`; there are: {known}")).into()
        );
    }
    let database = Database::of_tool(config).await?;
    let pool = database.connect(config.database_wait).await?;
    // Only read: nobody follows it here, so its runner is not needed.
    let (log, _runner) =
        EventLog::open(pool.clone(), Options::default()).await.context("the log cannot be opened")?;
    let position =
        revaer_projections::rebuild(&log, projection).await.context("the old rows stay in place")?;
    println!("{projection} was built again and reached position {position}");
    pool.close().await;
    database.stop().await
}
