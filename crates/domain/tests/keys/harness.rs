//! `given([facts]).when(command).then([facts])`, through the interface that `eventually` uses.

use std::fmt::Debug;

use eventually::aggregate::Aggregate;
use futures::FutureExt;
use time::OffsetDateTime;

/// Something with a past.
#[derive(Debug, Clone)]
pub(crate) struct Given<A: Aggregate> {
    rules: A,
    id: A::Id,
    pub(crate) state: A::State,
}

/// What a command came to.
#[must_use = "nothing is asserted yet"]
pub(crate) struct Decided<A: Aggregate>(pub(crate) Result<Vec<A::Event>, A::Error>);

/// What these facts make of it.
pub(crate) fn given<A>(rules: A, id: A::Id, facts: impl IntoIterator<Item = A::Event>) -> Given<A>
where
    A: Aggregate,
    A::State: Default,
    A::Error: Debug,
{
    let fold = |state, fact| A::apply(state, fact).expect("folding never fails");
    let state = facts.into_iter().fold(A::State::default(), fold);
    Given { rules, id, state }
}

impl<A: Aggregate> Given<A>
where
    A::Event: Debug + PartialEq,
    A::Error: Debug + PartialEq,
{
    pub(crate) fn when(&self, command: A::Command) -> Decided<A> {
        let decided = self.rules.handle(&self.id, &self.state, command).now_or_never();
        Decided(decided.expect("deciding waits for nothing").map(Option::unwrap_or_default))
    }
}

impl<A: Aggregate> Decided<A>
where
    A::Event: Debug + PartialEq,
    A::Error: Debug + PartialEq,
{
    #[track_caller]
    pub(crate) fn then(self, facts: impl IntoIterator<Item = A::Event>) {
        assert_eq!(self.0, Ok(facts.into_iter().collect()));
    }

    #[track_caller]
    pub(crate) fn then_nothing(self) {
        self.then([]);
    }

    #[track_caller]
    pub(crate) fn then_refused(self, refused: A::Error) {
        assert_eq!(self.0, Err(refused));
    }
}

/// A time, counted in seconds from some day.
pub(crate) fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_700_000_000 + seconds).expect("a time")
}
