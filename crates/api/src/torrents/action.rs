//! `POST /v1/torrents/{id}/action`

use revaer_application::{Caller, CommandError};
use revaer_domain::torrent::{Refused, TorrentCommand};
use revaer_wire::{FieldProblem, codes};

use super::answers::Accepted;
use super::resolve;
use crate::body;
use crate::context::Context;
use crate::problem::Refusal;

pub(super) async fn act(
    context: &Context,
    id: &str,
    bytes: &[u8],
    caller: &Caller,
) -> Result<Accepted, Refusal> {
    let mut action = body::read_action(bytes)?;
    if let TorrentCommand::RetryFsops { offer, .. } = &mut action {
        *offer = context.application.profile_offer();
    }
    let id = resolve(context, id).await?;
    match context.application.command(id, action, caller).await {
        Ok(done) => Accepted::new(context, done),
        Err(error) => Err(at_its_place(error)),
    }
}

/// A profile that is not there lies where the client named it.
fn at_its_place(error: CommandError) -> Refusal {
    match error {
        CommandError::Refused(refused @ Refused::UnknownProfile(_)) => {
            let detail = refused.to_string();
            Refusal::Fields(vec![FieldProblem::at("/fsops_profile", codes::UNKNOWN_PROFILE, detail)])
        }
        other => other.into(),
    }
}
