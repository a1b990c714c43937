//! Which torrent a client means: by ULID, or by the info hash of a live one.

use revaer_domain::values::{InfoHash, TorrentId};

use crate::context::Context;
use crate::problem::Refusal;

/// The torrent of a text. A ULID is taken as it is, whether or not there is such a torrent; an info hash is looked up in the
/// log, so that a torrent is found from the moment its add was answered.
pub(crate) async fn resolve(context: &Context, text: &str) -> Result<TorrentId, Refusal> {
    if let Ok(id) = text.parse::<TorrentId>() {
        return Ok(id);
    }
    let hash = text.parse::<InfoHash>().map_err(|_| Refusal::NotFound)?;
    context.application.find(&hash).await?.ok_or(Refusal::NotFound)
}

/// The torrent of a text, if it is there and was not removed.
pub(super) async fn resolve_live(context: &Context, text: &str) -> Result<TorrentId, Refusal> {
    let id = resolve(context, text).await?;
    let known = context.application.torrent(id).await?;
    known.and_then(|(torrent, ..)| torrent.status()).map(|_| id).ok_or(Refusal::NotFound)
}
