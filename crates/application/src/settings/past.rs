//! The settings' own story: every change, and the settings as of then.

use std::ops::ControlFlow;
use std::sync::Arc;

use revaer_domain::settings::{Changed, SettingsEvent};
use revaer_event_log::{Fact, Position, Version};
use revaer_event_schema::{Metadata, decode_settings};
use time::OffsetDateTime;

use super::{SettingsNow, stream};
use crate::dispatch::{read_failed, store_failed};
use crate::{Application, At, CommandError};

/// Facts read at once.
const PAGE: u32 = 1000;

/// One change of the past.
#[derive(Debug, Clone)]
pub struct SettingsChange {
    /// Its place in the log.
    pub position: Position,
    /// Its place in the stream.
    pub version: Version,
    /// When.
    pub recorded_at: OffsetDateTime,
    /// By whom and why; `None` where the fact does not say.
    pub metadata: Option<Metadata>,
    /// What changed.
    pub changed: Changed,
}

impl Application {
    /// The settings as they were. What the command line gave is no part of the past.
    pub async fn settings_at(&self, at: At) -> Result<Arc<SettingsNow>, CommandError> {
        let belongs = |fact: &Fact| match at {
            At::Position(position) => fact.position <= position,
            At::Time(time) => fact.recorded_at <= time,
        };
        self.fold_settings(belongs).await.map(Arc::new)
    }

    /// Changes above a version, oldest first, at most `limit`.
    pub async fn settings_history(
        &self,
        after: Version,
        limit: u32,
    ) -> Result<Vec<SettingsChange>, CommandError> {
        let facts = self.log().read_stream(&stream(), after, limit).await.map_err(read_failed)?;
        facts.iter().map(SettingsChange::read).collect()
    }

    /// The change at a position.
    pub(super) async fn settings_change(
        &self,
        position: Position,
    ) -> Result<Option<SettingsChange>, CommandError> {
        let mut after = 0;
        loop {
            let page =
                self.log().read_stream_until(&stream(), position, after, PAGE).await.map_err(read_failed)?;
            let Some(last) = page.last() else { return Ok(None) };
            if last.position == position {
                return SettingsChange::read(last).map(Some);
            }
            after = last.version;
        }
    }

    /// Folds from the beginning, up to the first fact that does not belong.
    pub(super) async fn fold_settings(
        &self,
        belongs: impl Fn(&Fact) -> bool + Send,
    ) -> Result<SettingsNow, CommandError> {
        let mut now = SettingsNow::default();
        self.read_on(&stream(), 0, |fact| {
            if !belongs(fact) {
                return Ok(ControlFlow::Break(()));
            }
            now = self.inner.settings.then_fact(&now, fact)?;
            Ok(ControlFlow::Continue(()))
        })
        .await?;
        Ok(now)
    }
}

impl SettingsChange {
    fn read(fact: &Fact) -> Result<Self, CommandError> {
        let event = decode_settings(&fact.kind, fact.schema_version, &fact.data)
            .map_err(|error| store_failed(error.into()))?;
        let SettingsEvent::Changed(changed) = event;
        Ok(Self {
            position: fact.position,
            version: fact.version,
            recorded_at: fact.recorded_at,
            metadata: serde_json::from_str(&fact.meta).ok(),
            changed,
        })
    }
}
