//! `GET /v1/settings` and `GET /v1/settings/history`

use poem_openapi::registry::MetaSchema;
use revaer_application::SettingsChange;
use revaer_event_log::{Position, Version};
use revaer_wire::{SettingChange, SettingsHistoryEntry, SettingsHistoryPage, codes};

use super::answers::Shown;
use crate::context::Context;
use crate::parameter::{Fault, Moment, Value};
use crate::payload::JsonOf;
use crate::present;
use crate::problem::Refusal;

pub(super) async fn show(
    context: &Context,
    min_position: Option<Position>,
    at: Option<Moment>,
) -> Result<Shown, Refusal> {
    context.reflect_log(min_position).await?;
    match at {
        Some(moment) => Ok(Shown::then(&*context.application.settings_at(moment.0).await?)),
        None => Ok(Shown::now(context, &*context.application.refresh_settings().await?)),
    }
}

pub(super) async fn history(
    context: &Context,
    limit: u32,
    cursor: Option<Cursor>,
    min_position: Option<Position>,
) -> Result<JsonOf<SettingsHistoryPage>, Refusal> {
    context.reflect_log(min_position).await?;
    let after = cursor.map_or(0, |cursor| cursor.0);
    // One more than asked for tells whether there is another page.
    let mut changes = context.application.settings_history(after, limit + 1).await?;
    let more = changes.len() > limit as usize;
    changes.truncate(limit as usize);
    let next_cursor = changes.last().filter(|_| more).map(|change| change.version.to_string());
    let items = changes.into_iter().map(entry).collect();
    Ok(JsonOf::new(&SettingsHistoryPage { items, next_cursor }))
}

fn entry(change: SettingsChange) -> SettingsHistoryEntry {
    let (actor, request_id) =
        change.metadata.map_or((None, None), |metadata| (Some(metadata.actor), metadata.request_id));
    let changes = change.changed.changes.into_iter().map(|change| SettingChange {
        path: change.path,
        old: Some(change.old),
        new: Some(change.new),
    });
    SettingsHistoryEntry {
        position: change.position.0,
        recorded_at: present::time(change.recorded_at),
        actor,
        request_id,
        changes: changes.collect(),
        reverts: change.changed.reverts,
        reason: change.changed.reason,
    }
}

/// The version after which a page begins. Clients take it as opaque.
pub(super) struct Cursor(Version);

impl Value for Cursor {
    fn read(text: &str) -> Result<Self, Fault> {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let version = text.parse().ok().filter(|_| digits);
        version.map(Self).ok_or_else(|| (codes::MALFORMED, "is not a cursor of this history".to_owned()))
    }

    fn schema() -> MetaSchema {
        MetaSchema { pattern: Some("^[0-9]{1,9}$".to_owned()), ..MetaSchema::new("string") }
    }
}
