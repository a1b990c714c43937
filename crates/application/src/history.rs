//! A torrent's own story, and the torrent as of then, from the log alone.

use eventually::aggregate::Aggregate;
use revaer_domain::torrent::{Torrent, TorrentRules};
use revaer_domain::values::TorrentId;
use revaer_event_log::{Fact, Position, Version};
use revaer_event_schema::decode_torrent;
use time::OffsetDateTime;

use crate::command_store::stream_of;
use crate::dispatch::{read_failed, store_failed};
use crate::{Application, CommandError};

/// Facts read at once.
const PAGE: u32 = 1000;

/// A moment of the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// Up to and with this position.
    Position(Position),
    /// Up to and with what was recorded at this time.
    Time(OffsetDateTime),
}

impl Application {
    /// Facts of a torrent above a version, at most `limit`.
    pub async fn history(
        &self,
        id: TorrentId,
        after: Version,
        limit: u32,
    ) -> Result<Vec<Fact>, CommandError> {
        self.log().read_stream(&stream_of(id), after, limit).await.map_err(read_failed)
    }

    /// A torrent as it was; `None` when it did not exist then.
    pub async fn torrent_at(
        &self,
        id: TorrentId,
        at: At,
    ) -> Result<Option<(Torrent, Version, Position)>, CommandError> {
        self.fold_until(id, |fact| match at {
            At::Position(position) => fact.position <= position,
            At::Time(time) => fact.recorded_at <= time,
        })
        .await
    }

    pub(crate) async fn fold_until(
        &self,
        id: TorrentId,
        belongs: impl Fn(&Fact) -> bool + Send,
    ) -> Result<Option<(Torrent, Version, Position)>, CommandError> {
        let mut torrent = Torrent::default();
        let (mut version, mut position) = (0, Position(0));
        loop {
            let page = self.history(id, version, PAGE).await?;
            let is_last_page = page.len() < PAGE as usize;
            for fact in page {
                if !belongs(&fact) {
                    return Ok((version > 0).then_some((torrent, version, position)));
                }
                let event = decode_torrent(&fact.kind, fact.schema_version, &fact.data)
                    .map_err(|error| store_failed(error.into()))?;
                torrent = TorrentRules::apply(torrent, event).map_err(CommandError::internal)?;
                (version, position) = (fact.version, fact.position);
            }
            if is_last_page {
                return Ok((version > 0).then_some((torrent, version, position)));
            }
        }
    }
}
