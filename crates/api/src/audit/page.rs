//! A page of the audit, as the wire carries it: `wire::AuditPage` with stored payloads embedded as they are.

use revaer_domain::values::{InfoHash, TorrentId};
use revaer_event_log::{Fact, Position};
use revaer_event_schema::Metadata;
use revaer_projections::AuditQuery;
use revaer_wire::AuditPage;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::context::Context;
use crate::payload::JsonOf;
use crate::present;
use crate::problem::Refusal;
use crate::torrents::resolve;

#[derive(Serialize)]
struct Page<'a> {
    items: Vec<Entry<'a>>,
    next_cursor: Option<String>,
}

/// `wire::AuditEntry`, borrowed.
#[derive(Serialize)]
struct Entry<'a> {
    position: i64,
    recorded_at: String,
    actor: String,
    key_id: Option<String>,
    request_id: Option<String>,
    kind: &'a str,
    subject: String,
    data: Option<&'a RawValue>,
}

pub(super) async fn read(
    context: &Context,
    subject: Option<String>,
    query: AuditQuery,
    min_position: Option<Position>,
) -> Result<JsonOf<AuditPage>, Refusal> {
    context.reflect(min_position).await?;
    let subject = match subject {
        Some(subject) => Some(stream(context, subject).await?),
        None => None,
    };
    let page = context.projections.audit(&AuditQuery { subject, ..query }).await?;
    Ok(JsonOf::same_as(&Page {
        items: page.items.iter().map(entry).collect(),
        next_cursor: page.next.map(|position| position.to_string()),
    }))
}

/// The stream of a subject: of a torrent by whatever names it, else the stream itself.
async fn stream(context: &Context, subject: String) -> Result<String, Refusal> {
    let names_a_torrent = subject.parse::<TorrentId>().is_ok() || subject.parse::<InfoHash>().is_ok();
    if names_a_torrent { Ok(resolve(context, &subject).await?.stream()) } else { Ok(subject) }
}

fn entry(fact: &Fact) -> Entry<'_> {
    let metadata = serde_json::from_str::<Metadata>(&fact.meta).ok();
    let (actor, key_id, request_id) = metadata.map_or_else(Default::default, |metadata| {
        (metadata.actor, metadata.key_id.map(|id| id.to_string()), metadata.request_id)
    });
    Entry {
        position: fact.position.0,
        recorded_at: present::time(fact.recorded_at),
        actor,
        key_id,
        request_id,
        kind: &fact.kind,
        subject: fact.stream.to_string(),
        // The column holds JSON; a text that is none could only come from a damaged database.
        data: serde_json::from_str(&fact.data).ok(),
    }
}
