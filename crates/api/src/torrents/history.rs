//! `GET /v1/torrents/{id}/history`

use poem_openapi::registry::MetaSchema;
use revaer_event_log::{Position, Version};
use revaer_wire::{HistoryPage, codes};
use serde::Serialize;

use super::resolve;
use crate::context::Context;
use crate::parameter::{Fault, Value};
use crate::payload::JsonOf;
use crate::present;
use crate::problem::Refusal;

/// `wire::HistoryPage` with stored payloads embedded as they are.
#[derive(Serialize)]
struct Page<Frame> {
    items: Vec<Frame>,
    next_cursor: Option<String>,
}

pub(super) async fn history(
    context: &Context,
    id: &str,
    limit: u32,
    cursor: Option<Cursor>,
    min_position: Option<Position>,
) -> Result<JsonOf<HistoryPage>, Refusal> {
    context.reflect_log(min_position).await?;
    let id = resolve(context, id).await?;
    let after = cursor.map_or(0, |cursor| cursor.0);
    // One more than asked for tells whether there is another page.
    let mut facts = context.application.history(id, after, limit + 1).await?;
    if facts.is_empty() && (after == 0 || context.application.torrent(id).await?.is_none()) {
        return Err(Refusal::NotFound);
    }
    let more = facts.len() > limit as usize;
    facts.truncate(limit as usize);
    let next_cursor = facts.last().filter(|_| more).map(|fact| fact.version.to_string());
    let items = facts.iter().map(present::fact_frame).collect();
    Ok(JsonOf::same_as(&Page { items, next_cursor }))
}

/// The version after which a page begins. Clients take it as opaque.
pub(super) struct Cursor(Version);

impl Value for Cursor {
    fn read(text: &str) -> Result<Self, Fault> {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let version = text.parse().ok().filter(|_| digits);
        version.map(Self).ok_or_else(|| (codes::MALFORMED, "is not a cursor of a history".to_owned()))
    }

    fn schema() -> MetaSchema {
        MetaSchema { pattern: Some("^[0-9]{1,9}$".to_owned()), ..MetaSchema::new("string") }
    }
}
