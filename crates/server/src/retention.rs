//! What the settings say of how long samples and remembered commands are kept, told to the log.

use std::convert::Infallible;
use std::time::Duration;

use revaer_application::SettingsView;
use revaer_domain::settings::{HttpSettings, RetentionSettings};
use revaer_event_log::{EventLog, Retention};

/// Follows the settings. It never ends by itself.
pub(crate) async fn run(settings: SettingsView, log: EventLog) -> Infallible {
    let mut retention = settings.section(|settings| &settings.retention);
    let mut http = settings.section(|settings| &settings.http);
    loop {
        log.retain(of(retention.seen(), http.seen()));
        tokio::select! {
            _ = retention.changed() => {}
            _ = http.changed() => {}
        }
    }
}

fn of(retention: &RetentionSettings, http: &HttpSettings) -> Retention {
    Retention {
        samples: Duration::from_hours(retention.samples_hours.into()),
        commands: Duration::from_hours(24 * u64::from(http.idempotency_days)),
    }
}
