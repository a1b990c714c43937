//! `POST /v1/torrents/{id}/select`, and `GET /v1/torrents/{id}/selection`: the rule, and what it comes to.

use revaer_application::{Caller, CommandError};
use revaer_domain::selection::{InvalidSelection, SelectionRule};
use revaer_domain::torrent::{Refused, TorrentCommand};
use revaer_domain::values::TorrentId;
use revaer_event_log::Position;
use revaer_wire::SelectionExplanation;

use super::answers::{Accepted, Selected};
use super::resolve;
use super::resolve::resolve_live;
use crate::body;
use crate::context::Context;
use crate::payload::JsonOf;
use crate::present;
use crate::problem::Refusal;

pub(super) async fn select(
    context: &Context,
    id: &str,
    bytes: &[u8],
    dry_run: bool,
    caller: &Caller,
) -> Result<Selected, Refusal> {
    let rule = body::read_select(bytes)?;
    if dry_run {
        let id = resolve_live(context, id).await?;
        let explained = explain(context, id, Some(&rule)).await?;
        return Ok(Selected::Explained(JsonOf::new(&explained)));
    }
    let id = resolve(context, id).await?;
    match context.application.command(id, TorrentCommand::Select(rule.clone()), caller).await {
        Ok(done) => Accepted::new(context, done).map(Selected::from),
        Err(CommandError::Refused(Refused::Selection(invalid))) => Err(misplaced(&rule, &invalid)),
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn selection(
    context: &Context,
    id: &str,
    min_position: Option<Position>,
) -> Result<JsonOf<SelectionExplanation>, Refusal> {
    context.reflect(min_position).await?;
    let id = resolve_live(context, id).await?;
    Ok(JsonOf::new(&explain(context, id, None).await?))
}

/// What a rule comes to, or the one in force. The files are those that the log knows: the read model is waited for.
async fn explain(
    context: &Context,
    id: TorrentId,
    rule: Option<&SelectionRule>,
) -> Result<SelectionExplanation, Refusal> {
    let (torrent, _, position) = context.application.torrent(id).await?.ok_or(Refusal::NotFound)?;
    context.reflect(Some(position)).await?;
    let files = context.projections.files(id).await?;
    let rule = rule.unwrap_or(&torrent.selection);
    let count = torrent.files.as_ref().map(|files| files.file_count);
    count
        .map_or(Ok(()), |count| rule.check_indices(count))
        .and_then(|()| present::explanation(rule.clone(), files))
        .map_err(|invalid| misplaced(rule, &invalid))
}

fn misplaced(rule: &SelectionRule, invalid: &InvalidSelection) -> Refusal {
    Refusal::Fields(vec![body::place_of(rule, invalid, "")])
}
