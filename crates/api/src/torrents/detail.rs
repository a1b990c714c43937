//! `GET /v1/torrents/{id}`

use poem_openapi::registry::{MetaSchema, MetaSchemaRef};
use revaer_application::At;
use revaer_event_log::Position;
use revaer_wire::{Torrent, codes};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::answers::Found;
use super::resolve;
use crate::context::Context;
use crate::parameter::{Fault, Value};
use crate::present;
use crate::problem::Refusal;

pub(super) async fn detail(
    context: &Context,
    id: &str,
    min_position: Option<Position>,
    at: Option<Moment>,
) -> Result<Found, Refusal> {
    context.reflect(min_position).await?;
    let torrent = match at {
        Some(moment) => then(context, id, moment.0).await?,
        None => now(context, id).await?,
    };
    torrent.map(|torrent| Found::new(&torrent)).ok_or(Refusal::NotFound)
}

async fn now(context: &Context, id: &str) -> Result<Option<Torrent>, Refusal> {
    let id = resolve(context, id).await?;
    if let Some(row) = context.projections.torrent(id).await? {
        return Ok(Some(present::of_row(row)));
    }
    // The rows may trail the log: whoever follows the `Location` of an add must not be told that nothing is there.
    let known = context.application.torrent(id).await?;
    let rates = context.application.live().rates(id);
    Ok(known.and_then(|(fold, version, position)| present::of_fold(id, fold, version, position, rates)))
}

async fn then(context: &Context, id: &str, at: At) -> Result<Option<Torrent>, Refusal> {
    let id = resolve(context, id).await?;
    let known = context.application.torrent_at(id, at).await?;
    Ok(known.and_then(|(fold, version, position)| present::of_fold(id, fold, version, position, None)))
}

/// A moment of the past.
pub(super) struct Moment(At);

impl Value for Moment {
    fn read(text: &str) -> Result<Self, Fault> {
        let position = text.parse::<Position>().map(At::Position);
        let moment = position.or_else(|_| OffsetDateTime::parse(text, &Rfc3339).map(At::Time));
        moment
            .map(Self)
            .map_err(|_| (codes::MALFORMED, "is neither a position nor an RFC 3339 time".to_owned()))
    }

    fn schema() -> MetaSchema {
        let inline = |schema| MetaSchemaRef::Inline(Box::new(schema));
        let time = MetaSchema::new_with_format("string", "date-time");
        MetaSchema { any_of: vec![inline(Position::schema()), inline(time)], ..MetaSchema::ANY }
    }
}
