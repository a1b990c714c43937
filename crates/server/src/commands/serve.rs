//! Serves until told to end.

use anyhow::Context;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::config::Config;
use crate::signals::Signals;

/// Builds the service, runs it, and ends it in order.
pub(crate) async fn serve(config: Config) -> anyhow::Result<()> {
    let shutdown = CancellationToken::new();
    let signals = Signals::watch().context("cannot watch for signals")?;
    let watching = tokio::spawn(signals.run(shutdown.clone()));
    let served = match shutdown.run_until_cancelled(Box::pin(App::build(config))).await {
        Some(app) => app?.run(shutdown).await,
        // Told to end before it had begun.
        None => Ok(()),
    };
    watching.abort();
    served
}
