//! What a process holds of the settings.

use std::ops::ControlFlow;
use std::sync::{Arc, OnceLock};

use revaer_domain::settings::catalogue::{self, Effect};
use revaer_domain::settings::{Settings, SettingsEvent};
use revaer_event_log::Fact;
use revaer_event_schema::decode_settings;
use serde_json::Value;
use tokio::sync::watch;

use super::stream;
use super::view::{SettingsNow, SettingsView};
use crate::dispatch::store_failed;
use crate::{Application, CertificateJudge, CommandError};

/// A value that the command line gave: it wins over the document.
#[derive(Debug, Clone, PartialEq)]
pub struct Override {
    /// The key.
    pub pointer: &'static str,
    /// What gave it, as `--listen`.
    pub flag: &'static str,
    /// The value.
    pub value: Value,
}

/// The newest settings that this process knows, and what it started with.
pub(crate) struct SettingsState {
    newest: watch::Sender<Arc<SettingsNow>>,
    overrides: OnceLock<Vec<Override>>,
    /// What is in force for keys that need a restart: the settings as they were read first.
    started: OnceLock<Settings>,
    pub(super) judge: OnceLock<Arc<dyn CertificateJudge>>,
}

impl SettingsState {
    pub(crate) fn new() -> Self {
        Self {
            newest: watch::Sender::new(Arc::default()),
            overrides: OnceLock::new(),
            started: OnceLock::new(),
            judge: OnceLock::new(),
        }
    }

    pub(super) fn now(&self) -> Arc<SettingsNow> {
        Arc::clone(&self.newest.borrow())
    }

    /// Takes what was read or written in, unless something newer is here already.
    pub(super) fn publish(&self, now: SettingsNow) {
        self.started.get_or_init(|| now.recorded.clone());
        self.newest.send_if_modified(|newest| {
            let is_news = now.version > newest.version || (newest.version == 0 && **newest != now);
            if is_news {
                *newest = Arc::new(now);
            }
            is_news
        });
    }

    /// The settings as they become with a fact.
    pub(super) fn then(&self, now: &SettingsNow, event: &SettingsEvent) -> SettingsNow {
        let mut recorded = now.recorded.clone();
        recorded.apply(event);
        self.with(SettingsNow { recorded, ..now.clone() })
    }

    fn with(&self, now: SettingsNow) -> SettingsNow {
        let overrides = self.overrides();
        let values: Vec<_> = overrides.iter().map(|given| (given.pointer, given.value.clone())).collect();
        let in_force = now.recorded.overridden(&values);
        SettingsNow { in_force, ..now }
    }

    fn overrides(&self) -> &[Override] {
        self.overrides.get().map_or(&[], Vec::as_slice)
    }
}

impl Application {
    /// Follows the settings that are in force.
    pub fn settings(&self) -> SettingsView {
        SettingsView::new(self.inner.settings.newest.subscribe())
    }

    /// Says what the command line gave, once and before the settings are read.
    pub fn override_settings(&self, overrides: Vec<Override>) {
        let settings = &self.inner.settings;
        if settings.overrides.set(overrides).is_ok() {
            let now = settings.with((*settings.now()).clone());
            settings.newest.send_replace(Arc::new(now));
        }
    }

    /// What the command line gave.
    pub fn settings_overrides(&self) -> &[Override] {
        self.inner.settings.overrides()
    }

    /// Reads what the log has above what is known here, and tells the followers.
    pub async fn refresh_settings(&self) -> Result<Arc<SettingsNow>, CommandError> {
        let settings = &self.inner.settings;
        let mut now = (*settings.now()).clone();
        self.read_on(&stream(), now.version, |fact| {
            now = settings.then_fact(&now, fact)?;
            Ok(ControlFlow::Continue(()))
        })
        .await?;
        settings.publish(now);
        Ok(settings.now())
    }

    /// The keys that have other values than this process started with, and need a restart for them.
    pub fn restart_required(&self, settings: &Settings) -> Vec<&'static str> {
        let Some(started) = self.inner.settings.started.get() else { return Vec::new() };
        let (started, wanted) = (started.document(), settings.document());
        let is_overridden = |pointer| self.settings_overrides().iter().any(|given| given.pointer == pointer);
        catalogue::keys()
            .filter(|key| key.effect == Effect::Restart && !is_overridden(key.pointer))
            .filter(|key| started.pointer(key.pointer) != wanted.pointer(key.pointer))
            .map(|key| key.pointer)
            .collect()
    }
}

impl SettingsState {
    /// The settings as they become with a fact of the stream.
    pub(super) fn then_fact(&self, now: &SettingsNow, fact: &Fact) -> Result<SettingsNow, CommandError> {
        let event = decode_settings(&fact.kind, fact.schema_version, &fact.data)
            .map_err(|error| store_failed(error.into()))?;
        Ok(SettingsNow { version: fact.version, position: fact.position, ..self.then(now, &event) })
    }
}
