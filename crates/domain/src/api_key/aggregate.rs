//! The key as `eventually` knows an aggregate. `handle` returns a future that is ready at once: deciding is pure.

use eventually::aggregate::Aggregate;
use futures::future::{BoxFuture, FutureExt, ready};

use super::{ApiKey, KeyCommand, KeyEvent, KeyRefused, decide};
use crate::values::KeyId;

/// The rules of a key. It carries nothing: all there is to know is in the state.
#[derive(Debug, Clone, Copy, Default)]
pub struct KeyRules;

impl Aggregate for KeyRules {
    type Id = KeyId;
    type State = ApiKey;
    type Event = KeyEvent;
    type Command = KeyCommand;
    type Error = KeyRefused;

    fn apply(mut state: ApiKey, event: KeyEvent) -> Result<ApiKey, KeyRefused> {
        state.apply(&event);
        Ok(state)
    }

    fn handle<'a, 's: 'a>(
        &'a self,
        _id: &'s KeyId,
        state: &'s ApiKey,
        command: KeyCommand,
    ) -> BoxFuture<'a, Result<Option<Vec<KeyEvent>>, KeyRefused>> {
        let decided = decide::decide(state, command);
        ready(decided.map(|events| (!events.is_empty()).then_some(events))).boxed()
    }
}
