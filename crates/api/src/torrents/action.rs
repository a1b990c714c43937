//! `POST /v1/torrents/{id}/action`

use revaer_application::Caller;

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
    let action = body::read_action(bytes)?;
    let id = resolve(context, id).await?;
    let done = context.application.command(id, action, caller).await?;
    Accepted::new(context, done)
}
