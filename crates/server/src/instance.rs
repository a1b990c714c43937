//! The id of this instance, drawn at its first start and never changed: `instance.id` of the settings.

use std::time::Duration;

use revaer_application::Application;

/// How long whoever serves waits for it. A database that went away just now is no reason not to answer; the next start tries
/// again.
const PATIENCE: Duration = Duration::from_secs(5);

/// Gives the instance its id, if it has none yet.
pub(crate) async fn identify(application: &Application) {
    match tokio::time::timeout(PATIENCE, application.identify_instance()).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => tracing::warn!(%error, "the instance has no id yet"),
        Err(_) => tracing::warn!("the instance has no id yet: the log does not answer"),
    }
}
