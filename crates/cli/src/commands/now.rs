//! Which place in the log is now.

use revaer_wire::TorrentPage;

use crate::client::Client;
use crate::failure::Failure;
use crate::values::EventId;

/// The place from which to follow what happens from now on. A list tells it: a stream that is opened without a place and lost
/// before its first event would begin at another now.
pub(super) async fn now(client: &Client) -> Result<EventId, Failure> {
    let page = client.get(&["v1", "torrents"], &[("limit", "1".to_owned())]).await?;
    let page: TorrentPage = page.decode()?;
    Ok(EventId::of_position(page.position))
}
