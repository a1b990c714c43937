//! `(state, command)` into events: the rules.

use super::command::SetupCommand;
use super::error::SetupRefused;
use super::event::{Attempted, Outcome, SetupEvent, TokenIssued};
use super::state::Setup;

/// Decides on one command.
pub(super) fn decide(setup: &Setup, command: SetupCommand) -> Result<Vec<SetupEvent>, SetupRefused> {
    if setup.completed.is_some() {
        return Err(SetupRefused::Complete);
    }
    match command {
        SetupCommand::Start { fingerprint, expires_at } => {
            Ok(vec![SetupEvent::TokenIssued(TokenIssued { expires_at, fingerprint })])
        }
        SetupCommand::Complete { presented, completed, at } => {
            let outcome = setup.judge(presented, at);
            let attempted = SetupEvent::Attempted(Attempted { outcome });
            // A token that fails is a fact as well: whoever looks at the audit trail wants to see who tried.
            let completed = (outcome == Outcome::Accepted).then_some(SetupEvent::Completed(completed));
            Ok(std::iter::once(attempted).chain(completed).collect())
        }
    }
}
