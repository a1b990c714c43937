//! What `revaerd` can be told to do, one file for each command that is more than a call.

mod backup;
mod healthcheck;
pub(crate) mod log;
mod metrics;
mod rebuild;
mod restore;
mod serve;
mod settings;

pub(crate) use backup::backup;
pub(crate) use healthcheck::healthcheck;
pub(crate) use rebuild::rebuild;
pub(crate) use restore::restore;
pub(crate) use serve::serve;

use anyhow::Context;

use crate::config::Config;
use crate::database::Database;

/// Brings the schema up to date; the service does the same at its start.
pub(crate) async fn migrate(config: &Config) -> anyhow::Result<()> {
    let database = Database::of_tool(config).await?;
    let pool = database.connect(config.database_wait).await?;
    revaer_event_log::migrate(&pool).await.context("the schema is not up to date")?;
    pool.close().await;
    println!("the schema is up to date");
    database.stop().await
}

/// Prints every setting, for people or for the client.
pub(crate) fn settings(for_the_client: bool) -> anyhow::Result<()> {
    use std::io::Write;
    let text = if for_the_client { settings::completions() } else { settings::reference() };
    std::io::stdout().write_all(text.as_bytes()).context("cannot print the settings")
}

/// Prints every family of metrics, for people.
pub(crate) fn metrics() -> anyhow::Result<()> {
    use std::io::Write;
    std::io::stdout().write_all(metrics::reference().as_bytes()).context("cannot print the metrics")
}

/// Writes the man pages and completions of this program, or prints its page of the documents.
pub(crate) fn manual(manual: &revaer_manual::Manual, definition: clap::Command) -> anyhow::Result<()> {
    use std::io::Write;
    let page = manual.run(definition).context("the manual cannot be written")?;
    std::io::stdout().write_all(page.unwrap_or_default().as_bytes()).context("cannot print the manual")
}

/// Prints the API's document.
pub(crate) fn openapi() -> anyhow::Result<()> {
    use std::io::Write;
    std::io::stdout().write_all(revaer_api::document().as_bytes()).context("cannot print the document")
}
