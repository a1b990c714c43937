//! Answers that carry the settings, with the headers that belong to each.

use poem_openapi::ApiResponse;
use revaer_application::{SettingsDone, SettingsNow};
use revaer_wire::SettingsAnswer;

use crate::context::Context;
use crate::payload::JsonOf;

/// The settings, as asked for.
#[derive(ApiResponse)]
pub(crate) enum Shown {
    /// The settings.
    #[oai(status = 200)]
    Settings(
        JsonOf<SettingsAnswer>,
        /// Their version in double quotes, for `If-Match`.
        #[oai(header = "ETag")]
        String,
    ),
}

/// The settings after a change, or as they would be.
#[derive(ApiResponse)]
pub(crate) enum Changed {
    /// The settings.
    #[oai(status = 200)]
    Settings(
        JsonOf<SettingsAnswer>,
        /// Their version in double quotes, for `If-Match`.
        #[oai(header = "ETag")]
        String,
        /// The place of the change in the log; of the last change, if nothing changed.
        #[oai(header = "Revaer-Position")]
        i64,
    ),
}

impl Shown {
    /// What is now; only that can need a restart.
    pub(super) fn now(context: &Context, now: &SettingsNow) -> Self {
        Self::new(now, restart_required(context, &now.recorded))
    }

    pub(super) fn then(then: &SettingsNow) -> Self {
        Self::new(then, Vec::new())
    }

    fn new(settings: &SettingsNow, restart_required: Vec<String>) -> Self {
        let answer = SettingsAnswer {
            version: settings.version,
            position: settings.position.0,
            settings: settings.recorded.document(),
            restart_required,
        };
        Self::Settings(JsonOf::new(&answer), etag(settings.version))
    }
}

impl Changed {
    pub(super) fn new(context: &Context, done: &SettingsDone) -> Self {
        let answer = SettingsAnswer {
            version: done.version,
            position: done.position.0,
            settings: done.settings.document(),
            restart_required: restart_required(context, &done.settings),
        };
        Self::Settings(JsonOf::new(&answer), etag(done.version), done.position.0)
    }
}

fn restart_required(context: &Context, settings: &revaer_domain::settings::Settings) -> Vec<String> {
    context.application.restart_required(settings).into_iter().map(str::to_owned).collect()
}

fn etag(version: u32) -> String {
    format!("\"{version}\"")
}
