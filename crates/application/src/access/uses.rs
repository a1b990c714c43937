//! When keys were used last, written down at most once a minute for each.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use revaer_domain::values::KeyId;
use time::OffsetDateTime;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::Application;

/// How often what was used is written down. Who looks for keys that nobody uses counts in days.
const WRITE_EVERY: Duration = Duration::from_mins(1);

/// Writes down when keys were used.
pub struct UseRecorder {
    application: Application,
    written: HashMap<KeyId, i64>,
}

impl UseRecorder {
    /// One that has written nothing yet.
    pub fn new(application: Application) -> Self {
        Self { application, written: HashMap::new() }
    }

    /// Writes until shutdown, and then once more.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let mut ticks = tokio::time::interval(WRITE_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
            self.write().await;
        }
        self.write().await;
    }

    /// One statement for all keys that were used since the last.
    async fn write(&mut self) {
        let all = self.application.access().all();
        let used = all.iter().map(|key| (key.id, key.used_at.load(Ordering::Relaxed)));
        let news: HashMap<KeyId, i64> =
            used.filter(|(id, at)| *at > self.written.get(id).copied().unwrap_or(i64::MIN)).collect();
        if news.is_empty() {
            return;
        }
        let ids: Vec<_> = news.keys().map(KeyId::to_string).collect();
        let times: Vec<_> =
            news.values().filter_map(|at| OffsetDateTime::from_unix_timestamp(*at).ok()).collect();
        let put = sqlx::query(include_str!("../sql/put_key_uses.sql")).bind(ids).bind(times);
        match put.execute(self.application.log().pool()).await {
            Ok(_) => {
                // What is kept here is bounded by the keys that are live.
                self.written.retain(|id, _| all.iter().any(|key| key.id == *id));
                self.written.extend(news);
            }
            Err(error) => tracing::debug!(%error, "when keys were used is written down later"),
        }
    }
}
