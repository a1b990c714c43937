//! `GET /v1/torrents/{id}/trackers` and `/peers`: what the session sees at this moment.

use revaer_application::LiveError;
use revaer_event_log::Position;
use revaer_wire::{Peer, PeerList, Tracker, TrackerList};

use super::resolve::resolve_live;
use crate::context::Context;
use crate::payload::JsonOf;
use crate::problem::Refusal;

pub(super) async fn trackers(
    context: &Context,
    id: &str,
    min_position: Option<Position>,
) -> Result<JsonOf<TrackerList>, Refusal> {
    context.reflect(min_position).await?;
    let id = resolve_live(context, id).await?;
    let items = seen(context.application.live().trackers(id).await)?.into_iter().map(|tracker| Tracker {
        message: tracker.message.map(|message| message.replace(&tracker.url, "its URL")),
        // A member's key is nobody else's, and whoever may read is not always the member.
        url: context.application.shown_tracker(&tracker.url),
        tier: tracker.tier,
        status: tracker.status.to_owned(),
    });
    Ok(JsonOf::new(&TrackerList { items: items.collect() }))
}

pub(super) async fn peers(
    context: &Context,
    id: &str,
    min_position: Option<Position>,
) -> Result<JsonOf<PeerList>, Refusal> {
    context.reflect(min_position).await?;
    let id = resolve_live(context, id).await?;
    let items = seen(context.application.live().peers(id).await)?.into_iter().map(|peer| Peer {
        address: peer.address,
        client: peer.client,
        progress: peer.progress,
        download_bytes_per_second: peer.download_bytes_per_second,
        upload_bytes_per_second: peer.upload_bytes_per_second,
    });
    Ok(JsonOf::new(&PeerList { items: items.collect() }))
}

/// A torrent that the log has and the session does not, yet: there is nobody to show.
fn seen<T>(answer: Result<Vec<T>, LiveError>) -> Result<Vec<T>, Refusal> {
    match answer {
        Err(LiveError::NotInSession) => Ok(Vec::new()),
        other => Ok(other?),
    }
}
