//! A torrent's own story, and the torrent as of then, from the log alone.

use std::ops::ControlFlow;

use eventually::aggregate::Aggregate;
use revaer_domain::torrent::{Torrent, TorrentRules};
use revaer_domain::values::TorrentId;
use revaer_event_log::{Fact, Position, Version};
use revaer_event_schema::decode_torrent;
use time::OffsetDateTime;

use crate::cache::Folded;
use crate::command_store::stream_of;
use crate::dispatch::{read_failed, store_failed};
use crate::{Application, CommandError};

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
        let belongs = |fact: &Fact| match at {
            At::Position(position) => fact.position <= position,
            At::Time(time) => fact.recorded_at <= time,
        };
        Ok(self.fold_on(id, Folded::default(), belongs).await?.of_an_existing_torrent())
    }

    /// Folds on from what is known, up to the first fact that does not belong.
    pub(crate) async fn fold_on(
        &self,
        id: TorrentId,
        mut folded: Folded,
        belongs: impl Fn(&Fact) -> bool + Send,
    ) -> Result<Folded, CommandError> {
        self.read_on(&stream_of(id), folded.version, |fact| {
            if !belongs(fact) {
                return Ok(ControlFlow::Break(()));
            }
            folded = std::mem::take(&mut folded).then(fact)?;
            Ok(ControlFlow::Continue(()))
        })
        .await?;
        Ok(folded)
    }
}

impl Folded {
    /// Takes the next fact of the stream in.
    pub(crate) fn then(self, fact: &Fact) -> Result<Self, CommandError> {
        let event = decode_torrent(&fact.kind, fact.schema_version, &fact.data)
            .map_err(|error| store_failed(error.into()))?;
        let torrent = TorrentRules::apply(self.torrent, event).map_err(CommandError::internal)?;
        Ok(Self { torrent, version: fact.version, position: fact.position })
    }

    /// What there is to tell, unless there never was such a torrent.
    pub(crate) fn of_an_existing_torrent(self) -> Option<(Torrent, Version, Position)> {
        (self.version > 0).then_some((self.torrent, self.version, self.position))
    }
}
