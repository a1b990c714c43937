//! `POST /v1/torrents/{id}/select`

use revaer_application::{Caller, CommandError};
use revaer_domain::torrent::{Refused, TorrentCommand};

use super::answers::Accepted;
use super::resolve;
use crate::body;
use crate::context::Context;
use crate::problem::Refusal;

pub(super) async fn select(
    context: &Context,
    id: &str,
    bytes: &[u8],
    caller: &Caller,
) -> Result<Accepted, Refusal> {
    let rule = body::read_select(bytes)?;
    let id = resolve(context, id).await?;
    match context.application.command(id, TorrentCommand::Select(rule.clone()), caller).await {
        Ok(done) => Accepted::new(context, done),
        Err(CommandError::Refused(Refused::Selection(invalid))) => {
            Err(Refusal::Fields(vec![body::place_of(&rule, &invalid, "")]))
        }
        Err(error) => Err(error.into()),
    }
}
