//! The setup as `eventually` knows an aggregate. `handle` returns a future that is ready at once: deciding is pure.

use eventually::aggregate::Aggregate;
use futures::future::{BoxFuture, FutureExt, ready};

use super::{Setup, SetupCommand, SetupEvent, SetupRefused, decide};

/// The rules of the setup. It carries nothing: all there is to know is in the state.
#[derive(Debug, Clone, Copy, Default)]
pub struct SetupRules;

impl Aggregate for SetupRules {
    type Id = &'static str;
    type State = Setup;
    type Event = SetupEvent;
    type Command = SetupCommand;
    type Error = SetupRefused;

    fn apply(mut state: Setup, event: SetupEvent) -> Result<Setup, SetupRefused> {
        state.apply(&event);
        Ok(state)
    }

    fn handle<'a, 's: 'a>(
        &'a self,
        _id: &'s &'static str,
        state: &'s Setup,
        command: SetupCommand,
    ) -> BoxFuture<'a, Result<Option<Vec<SetupEvent>>, SetupRefused>> {
        let decided = decide::decide(state, command);
        ready(decided.map(|events| (!events.is_empty()).then_some(events))).boxed()
    }
}
