//! Keeps what a process knows of keys and of the setup as new as the log, whoever changed them.

use std::collections::BTreeSet;
use std::time::Duration;

use revaer_domain::values::KeyId;
use revaer_event_log::{Body, Entry, Subscription};
use tokio_util::sync::CancellationToken;

use crate::{Application, CommandError};

/// The pause after the log could not be read.
const PAUSE: Duration = Duration::from_millis(500);

/// Follows the log for keys and the setup.
pub struct AccessFollower {
    application: Application,
    subscription: Subscription,
}

/// What a page of the log touched.
#[derive(Default)]
struct Touched {
    keys: BTreeSet<KeyId>,
    setup: bool,
}

impl AccessFollower {
    /// Reads what there is. Before that nobody's key is known, so this belongs before anything is served.
    pub async fn open(application: Application) -> Result<Self, CommandError> {
        let log = application.log();
        // The subscription first: what is appended while the streams are read comes by it.
        let head = log.head().await.map_err(crate::dispatch::read_failed)?;
        let subscription = log.follow("access", head);
        application.read_access().await?;
        Ok(Self { application, subscription })
    }

    /// Follows until shutdown.
    pub async fn run(mut self, shutdown: CancellationToken) {
        shutdown.run_until_cancelled(self.follow()).await;
    }

    async fn follow(&mut self) {
        loop {
            let page = self.subscription.next().await;
            let touched = page.iter().fold(Touched::default(), |touched, entry| touched.and(entry));
            for id in touched.keys {
                while let Err(error) = self.application.refresh_key(id).await {
                    tracing::warn!(%error, "a key waits for the log");
                    tokio::time::sleep(PAUSE).await;
                }
            }
            while touched.setup
                && let Err(error) = self.application.refresh_setup().await
            {
                tracing::warn!(%error, "the setup waits for the log");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

impl Touched {
    fn and(mut self, entry: &Entry) -> Self {
        if let Body::Fact(fact) = &entry.body {
            self.keys.extend(KeyId::from_stream(fact.stream.as_str()));
            self.setup |= fact.stream.as_str() == revaer_domain::setup::STREAM;
        }
        self
    }
}
