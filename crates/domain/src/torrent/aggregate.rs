//! The torrent as `eventually` knows an aggregate: its `Repository` loads and saves torrents through this.
//!
//! `handle` returns a future that is ready at once: deciding is pure.

use eventually::aggregate::Aggregate;
use futures::future::{BoxFuture, FutureExt, ready};

use super::{Refused, Torrent, TorrentCommand, TorrentEvent, decide};
use crate::values::TorrentId;

/// The rules of a torrent. It carries nothing: all there is to know is in the state.
#[derive(Debug, Clone, Copy, Default)]
pub struct TorrentRules;

impl Aggregate for TorrentRules {
    type Id = TorrentId;
    type State = Torrent;
    type Event = TorrentEvent;
    type Command = TorrentCommand;
    type Error = Refused;

    fn apply(mut state: Torrent, event: TorrentEvent) -> Result<Torrent, Refused> {
        state.fold(&event);
        Ok(state)
    }

    fn handle<'a, 's: 'a>(
        &'a self,
        _id: &'s TorrentId,
        state: &'s Torrent,
        command: TorrentCommand,
    ) -> BoxFuture<'a, Result<Option<Vec<TorrentEvent>>, Refused>> {
        let decided = decide::decide(state, command);
        ready(decided.map(|events| (!events.is_empty()).then_some(events))).boxed()
    }
}
