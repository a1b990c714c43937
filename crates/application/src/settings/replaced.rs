//! Secrets that the settings gave up: kept for a time, so that their change can be taken back, and removed then. So are the keys
//! of trackers whose torrents are gone.
//!
//! A row is marked when the settings name it no more, and removed when the mark is old enough; one that is needed again loses its
//! mark *before* the fact that names it is appended. A mark that another process sets in between does no harm: that fact makes
//! every process look again, long before anything is old enough.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use revaer_domain::settings::catalogue;
use revaer_domain::settings::{Fault, FaultCode, Refused, SecretRef, SettingsEvent};
use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use super::SettingsError;
use crate::dispatch::read_failed;
use crate::{Application, CommandError};

/// The pause after the database could not be reached.
const PAUSE: Duration = Duration::from_secs(5);
/// The clock is looked at again after so long: somebody may have set it.
const CLOCK_TRUSTED_FOR: Duration = Duration::from_hours(1);
/// Two sweeps by the clock are never closer.
const PAUSE_MIN: Duration = Duration::from_secs(1);

/// Removes replaced secrets when their time is over.
pub struct SecretSweeper {
    application: Application,
}

impl SecretSweeper {
    /// A sweeper for an application.
    pub const fn new(application: Application) -> Self {
        Self { application }
    }

    /// Sweeps until shutdown.
    pub async fn run(self, shutdown: CancellationToken) {
        shutdown.run_until_cancelled(self.sweep()).await;
    }

    async fn sweep(&self) {
        let mut view = self.application.settings();
        loop {
            let swept = match self.application.sweep_announce_urls().await {
                Ok(()) => self.application.sweep_secrets().await,
                Err(error) => Err(error),
            };
            let pause = match swept {
                Ok(next) => self.pause_until(next),
                Err(error) => {
                    tracing::warn!(%error, "replaced secrets wait for the database");
                    PAUSE
                }
            };
            tokio::select! {
                _ = view.changed() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    fn pause_until(&self, next: Option<OffsetDateTime>) -> Duration {
        let left = next.map(|next| next - self.application.clock().now());
        left.map_or(CLOCK_TRUSTED_FOR, |left| {
            Duration::try_from(left).unwrap_or_default().clamp(PAUSE_MIN, CLOCK_TRUSTED_FOR)
        })
    }
}

impl Application {
    /// Marks the secrets that the settings name no more, and removes those that were marked long enough ago; when the next one
    /// will be.
    pub async fn sweep_secrets(&self) -> Result<Option<OffsetDateTime>, CommandError> {
        let failed = |error: sqlx::Error| read_failed(error.into());
        let settings = self.refresh_settings().await?;
        let used: Vec<String> =
            settings.recorded.secrets().iter().map(|of| of.fingerprint.to_string()).collect();
        let kept_for = Duration::from_hours(settings.in_force.retention.replaced_secrets_hours.into());
        let (pool, now) = (self.log().pool(), self.clock().now());
        sqlx::query(include_str!("../sql/mark_secrets.sql"))
            .bind(&used)
            .bind(now)
            .execute(pool)
            .await
            .map_err(failed)?;
        let removed = sqlx::query("DELETE FROM secrets WHERE unused_since <= $1")
            .bind(now - kept_for)
            .execute(pool)
            .await
            .map_err(failed)?
            .rows_affected();
        if removed > 0 {
            tracing::info!(removed, "replaced secrets are removed");
        }
        let oldest: Option<OffsetDateTime> = sqlx::query_scalar("SELECT min(unused_since) FROM secrets")
            .fetch_one(pool)
            .await
            .map_err(failed)?;
        Ok(oldest.map(|since| since + kept_for))
    }

    /// Takes the marks off the secrets that events bring back; refuses them if one is gone.
    pub(super) async fn revive_secrets(
        &self,
        events: &[SettingsEvent],
        given: &BTreeMap<SecretRef, Zeroizing<String>>,
    ) -> Result<(), SettingsError> {
        let mut needed = brought_in(events);
        needed.retain(|(of, _)| !given.contains_key(of));
        if needed.is_empty() {
            return Ok(());
        }
        let fingerprints: Vec<String> = needed.iter().map(|(of, _)| of.fingerprint.to_string()).collect();
        let revive =
            "UPDATE secrets SET unused_since = NULL WHERE fingerprint = ANY ($1) RETURNING fingerprint";
        let there: BTreeSet<String> = sqlx::query_scalar(revive)
            .bind(&fingerprints)
            .fetch_all(self.log().pool())
            .await
            .map_err(|error| SettingsError::Command(read_failed(error.into())))?
            .into_iter()
            .collect();
        let gone = needed.into_iter().filter(|(of, _)| !there.contains(&of.fingerprint.to_string()));
        let faults: Vec<_> = gone
            .map(|(_, path)| Fault {
                pointer: path.to_owned(),
                code: FaultCode::Invalid,
                detail: "the secret that it had was removed: set it again".to_owned(),
            })
            .collect();
        if faults.is_empty() { Ok(()) } else { Err(Refused::Unfit(faults).into()) }
    }
}

/// The secrets among the new values of events, with the path of each.
fn brought_in(events: &[SettingsEvent]) -> Vec<(SecretRef, &str)> {
    let changes = events.iter().flat_map(|SettingsEvent::Changed(changed)| &changed.changes);
    let of_secrets =
        changes.filter(|change| catalogue::find(&change.path).is_some_and(catalogue::Key::is_secret));
    let named = of_secrets.flat_map(|change| {
        let list = change.new.as_array().map_or_else(|| std::slice::from_ref(&change.new), Vec::as_slice);
        list.iter().filter_map(|value: &Value| {
            SecretRef::deserialize(value).ok().map(|of| (of, change.path.as_str()))
        })
    });
    named.collect()
}
