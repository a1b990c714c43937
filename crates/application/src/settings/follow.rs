//! Keeps the settings of a process as new as the log, whoever changed them.

use std::time::Duration;

use revaer_event_log::{Body, Entry};
use tokio_util::sync::CancellationToken;

use super::stream;
use crate::Application;

/// The pause after the log could not be read.
const PAUSE: Duration = Duration::from_secs(1);

/// Follows the log for changes of settings.
pub struct SettingsFollower {
    application: Application,
}

impl SettingsFollower {
    /// A follower for an application.
    pub const fn new(application: Application) -> Self {
        Self { application }
    }

    /// Follows until shutdown.
    pub async fn run(self, shutdown: CancellationToken) {
        shutdown.run_until_cancelled(self.follow()).await;
    }

    async fn follow(&self) {
        let log = self.application.log();
        // The subscription first: what is appended while the stream is read comes by it.
        let mut subscription = log.follow("settings", log.tail_position());
        loop {
            while let Err(error) = self.application.refresh_settings().await {
                tracing::warn!(%error, "the settings wait for the log");
                tokio::time::sleep(PAUSE).await;
            }
            while !subscription.next().await.iter().any(|entry| is_of_settings(entry)) {}
        }
    }
}

fn is_of_settings(entry: &Entry) -> bool {
    matches!(&entry.body, Body::Fact(fact) if fact.stream == stream())
}
