//! `given([facts]).when(command).then([facts])`, through the interface that `eventually` uses.

use eventually::aggregate::Aggregate;
use futures::FutureExt;
use revaer_domain::torrent::{Refused, Torrent, TorrentCommand, TorrentEvent, TorrentRules};
use revaer_domain::values::TorrentId;
use ulid::Ulid;

/// What a command came to.
#[derive(Debug)]
#[must_use = "nothing is asserted yet"]
pub(crate) struct Decided(pub(crate) Result<Vec<TorrentEvent>, Refused>);

/// A torrent with a past.
#[derive(Debug, Clone)]
pub(crate) struct Given(pub(crate) Torrent);

/// A torrent as these facts make it.
pub(crate) fn given(facts: impl IntoIterator<Item = TorrentEvent>) -> Given {
    Given(Torrent::default()).and(facts)
}

/// What the rules say.
pub(crate) fn decide(torrent: &Torrent, command: TorrentCommand) -> Result<Vec<TorrentEvent>, Refused> {
    let id = TorrentId::new(Ulid(1));
    let decided = TorrentRules.handle(&id, torrent, command).now_or_never();
    decided.expect("deciding waits for nothing").map(Option::unwrap_or_default)
}

impl Given {
    /// More of its past.
    pub(crate) fn and(self, facts: impl IntoIterator<Item = TorrentEvent>) -> Self {
        let fold = |torrent, fact| TorrentRules::apply(torrent, fact).expect("folding never fails");
        Self(facts.into_iter().fold(self.0, fold))
    }

    pub(crate) fn when(&self, command: TorrentCommand) -> Decided {
        Decided(decide(&self.0, command))
    }
}

impl Decided {
    #[track_caller]
    pub(crate) fn then(self, facts: impl IntoIterator<Item = TorrentEvent>) {
        assert_eq!(self.0, Ok(facts.into_iter().collect()));
    }

    #[track_caller]
    pub(crate) fn then_nothing(self) {
        self.then([]);
    }

    #[track_caller]
    pub(crate) fn then_refused(self, refused: Refused) {
        assert_eq!(self.0, Err(refused));
    }
}
