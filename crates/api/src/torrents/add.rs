//! `POST /v1/torrents`

use revaer_application::{Caller, CommandError};
use revaer_domain::torrent::Refused;
use revaer_wire::{FieldProblem, codes};

use super::answers::Created;
use crate::body::{self, AddBody, Place};
use crate::context::Context;
use crate::problem::Refusal;

pub(super) async fn add(context: &Context, body: AddBody, caller: &Caller) -> Result<Created, Refusal> {
    let (add, place) = body::read_add(body, &context.limits())?;
    let rule = add.selection.clone();
    match context.application.add(add, caller).await {
        Ok(done) => Created::new(context, done),
        Err(CommandError::Refused(Refused::Selection(invalid))) => {
            Err(Refusal::Fields(vec![body::place_of(&rule, &invalid, place.options)]))
        }
        Err(error) => Err(at_its_place(error, place)),
    }
}

/// A torrent file that is not usable, and a profile that is not there, lie where the client put them.
fn at_its_place(error: CommandError, place: Place) -> Refusal {
    match error {
        CommandError::InvalidMetainfo(why) => {
            Refusal::Fields(vec![FieldProblem::at(place.metainfo, codes::INVALID_METAINFO, why)])
        }
        CommandError::Refused(refused @ Refused::UnknownProfile(_)) => {
            let pointer = format!("{}/fsops_profile", place.options);
            Refusal::Fields(vec![FieldProblem::at(pointer, codes::UNKNOWN_PROFILE, refused.to_string())])
        }
        other => other.into(),
    }
}
