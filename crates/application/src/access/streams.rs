//! The streams of keys and of the setup: folded, decided on and appended to.
//!
//! They are short and change seldom, so they are read anew for every command; there is no cache to be wrong.

use std::ops::ControlFlow;

use eventually::aggregate::Aggregate;
use futures::FutureExt;
use revaer_event_log::{Append, AppendError, Appended, CommandRecord, Fact, NewFact, StreamId, Version};
use revaer_event_schema::{Decoded, decode};

use crate::command_store::StoreError;
use crate::dispatch::store_failed;
use crate::{Application, CommandError};

/// What a stream folds to.
#[derive(Debug, Clone, Default)]
pub(super) struct Folded<S> {
    pub(super) state: S,
    pub(super) version: Version,
    /// The facts' times: of the first and of the last.
    pub(super) began_at: Option<time::OffsetDateTime>,
    pub(super) position: revaer_event_log::Position,
}

impl Application {
    /// Folds a stream whose facts `event` understands.
    pub(super) async fn fold_access<A: Aggregate>(
        &self,
        stream: &StreamId,
        event: impl Fn(Decoded) -> Option<A::Event>,
    ) -> Result<Folded<A::State>, CommandError>
    where
        A::State: Default,
        A::Error: std::error::Error + Send + Sync + 'static,
    {
        let mut folded = Folded::default();
        self.read_on(stream, 0, |fact| {
            folded = then::<A>(std::mem::take(&mut folded), fact, &event)?;
            Ok(ControlFlow::Continue(()))
        })
        .await?;
        Ok(folded)
    }

    /// Appends what was decided at a version.
    pub(super) async fn append_access(
        &self,
        stream: &StreamId,
        expected: Version,
        facts: Vec<NewFact>,
        record: Option<CommandRecord>,
    ) -> Result<Appended, AppendError> {
        let append = Append {
            stream: stream.clone(),
            expected,
            facts,
            command: record,
            claims: Vec::new(),
            releases: Vec::new(),
        };
        self.log().append(append).await
    }
}

/// Takes the next fact of a stream in.
fn then<A: Aggregate>(
    folded: Folded<A::State>,
    fact: &Fact,
    event: impl Fn(Decoded) -> Option<A::Event>,
) -> Result<Folded<A::State>, CommandError>
where
    A::Error: std::error::Error + Send + Sync + 'static,
{
    let decoded = decode(fact).map_err(|error| store_failed(error.into()))?;
    let event = event(decoded).ok_or_else(|| {
        CommandError::Internal(format!("`{}` in stream `{}`", fact.kind, fact.stream.as_str()).into())
    })?;
    Ok(Folded {
        state: A::apply(folded.state, event).map_err(CommandError::internal)?,
        version: fact.version,
        began_at: folded.began_at.or(Some(fact.recorded_at)),
        position: fact.position,
    })
}

/// What the rules say.
pub(super) fn decide<A: Aggregate>(
    rules: &A,
    id: &A::Id,
    state: &A::State,
    command: A::Command,
) -> Result<Vec<A::Event>, A::Error> {
    let decided = rules.handle(id, state, command).now_or_never();
    decided.expect("deciding waits for nothing").map(Option::unwrap_or_default)
}

/// A failure of the log that is not a conflict.
pub(super) fn append_failed(error: AppendError) -> CommandError {
    store_failed(StoreError::Append(error))
}
