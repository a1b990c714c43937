//! What the service says on stderr: text for people or JSON for machines, with a level that is changed while it runs.
//!
//! A line carries the spans that it was written in: the request, the command, the torrent that is compared. Whoever sets `RUST_LOG`
//! knows better than the setting, which then changes nothing.

mod redact;

use std::io;

use clap::ValueEnum;
use revaer_application::SettingsView;
use revaer_domain::settings::LogLevel;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry, reload};

use self::redact::Redacting;

/// How lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// An object a line, for machines.
    Json,
}

/// Changes how much is logged. A cheap clone.
#[derive(Debug, Clone)]
pub(crate) struct Level {
    filter: reload::Handle<EnvFilter, Registry>,
    is_given: bool,
}

/// Begins to log; `given` is what the environment asks for, empty if nothing.
pub(crate) fn begin(format: Format, given: &str) -> Level {
    let is_given = !given.is_empty();
    let filter = if is_given { EnvFilter::builder().parse_lossy(given) } else { filter(LogLevel::Info) };
    let (filter, handle) = reload::Layer::new(filter);
    let layer = tracing_subscriber::fmt::layer().with_writer(Stderr);
    let registry = tracing_subscriber::registry().with(filter);
    match format {
        Format::Text => registry.with(layer.with_ansi(io::IsTerminal::is_terminal(&io::stderr()))).init(),
        Format::Json => registry.with(layer.json().flatten_event(true)).init(),
    }
    Level { filter: handle, is_given }
}

impl Level {
    /// Follows the setting until shutdown.
    pub(crate) async fn run(self, settings: SettingsView, shutdown: CancellationToken) {
        shutdown.run_until_cancelled(self.follow(settings)).await;
    }

    async fn follow(&self, settings: SettingsView) {
        let mut section = settings.section(|settings| &settings.telemetry);
        let mut level = section.seen().log_level;
        loop {
            self.set(level);
            level = section.changed().await.0.log_level;
        }
    }

    fn set(&self, level: LogLevel) {
        if !self.is_given && self.filter.reload(filter(level)).is_err() {
            tracing::warn!("the level of the log stays as it was");
        }
    }
}

/// Drivers tell of every statement and every connection, which is more than anybody wants of all of them.
fn filter(level: LogLevel) -> EnvFilter {
    let level = match level {
        LogLevel::Error => "error",
        LogLevel::Warn => "warn",
        LogLevel::Info => "info",
        LogLevel::Debug => "debug",
        LogLevel::Trace => "trace",
    };
    let of_drivers = if level == "error" { "" } else { ",sqlx=warn,poem=warn,hyper=warn,rustls=warn" };
    EnvFilter::builder().parse_lossy(format!("{level}{of_drivers}"))
}

/// Stderr without secrets.
struct Stderr;

impl MakeWriter<'_> for Stderr {
    type Writer = Redacting<io::Stderr>;

    fn make_writer(&self) -> Self::Writer {
        Redacting(io::stderr())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn level_is_changed_while_it_logs_unless_the_environment_gave_one() {
        for is_given in [false, true] {
            let (layer, handle) = reload::Layer::new(filter(LogLevel::Info));
            let level = Level { filter: handle, is_given };
            tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
                assert!(!tracing::enabled!(tracing::Level::DEBUG));
                level.set(LogLevel::Debug);
                assert_eq!(tracing::enabled!(tracing::Level::DEBUG), !is_given);
                level.set(LogLevel::Error);
                assert_eq!(tracing::enabled!(tracing::Level::WARN), is_given);
            });
        }
    }
}
