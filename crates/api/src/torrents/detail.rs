//! `GET /v1/torrents/{id}`

use revaer_application::At;
use revaer_event_log::Position;
use revaer_wire::Torrent;

use super::answers::Found;
use super::resolve;
use crate::context::Context;
use crate::parameter::Moment;
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
    let progress = context.application.fsops_progress(id);
    if let Some(row) = context.projections.torrent(id).await? {
        return Ok(Some(present::of_row(row, progress)));
    }
    // The rows may trail the log: whoever follows the `Location` of an add must not be told that nothing is there.
    let known = context.application.torrent(id).await?;
    let rates = context.application.live().rates(id);
    Ok(known
        .and_then(|(fold, version, position)| present::of_fold(id, fold, version, position, rates, progress)))
}

async fn then(context: &Context, id: &str, at: At) -> Result<Option<Torrent>, Refusal> {
    let id = resolve(context, id).await?;
    let known = context.application.torrent_at(id, at).await?;
    Ok(known.and_then(|(fold, version, position)| present::of_fold(id, fold, version, position, None, None)))
}
