//! The settings: the document, its changes, and its past.

mod answers;
mod document;
mod past;
mod patch;

use std::sync::Arc;

use poem::Request;
use poem_openapi::{OpenApi, Tags};
use revaer_event_log::Position;
use revaer_wire::{RevertRequest, SettingsHistoryPage};

use self::answers::{Changed, Shown};
use crate::body::{JsonBody, MergePatch};
use crate::caller::caller;
use crate::context::Context;
use crate::parameter::{Asked, Given, IdempotencyKey, IfMatch, Moment, PageLimit, Parameters};
use crate::payload::JsonOf;
use crate::rejected::{Reads, Rejected, SettingsChanges};
use crate::request_id::RequestId;

pub(crate) use self::document::{SettingsPatch, describe};

#[derive(Tags)]
enum Tag {
    /// Settings: one document, changed by merge patches, with its whole history.
    Settings,
}

/// The operations.
pub(crate) struct SettingsApi(pub(crate) Arc<Context>);

#[OpenApi(prefix_path = "/v1/settings", tag = "Tag::Settings")]
impl SettingsApi {
    /// Show the settings
    ///
    /// With `at`, as they were then, from the log. Secrets are shown by a fingerprint.
    #[oai(path = "/", method = "get", operation_id = "getSettings")]
    async fn show(
        &self,
        request: &Request,
        /// Wait until the answer reflects this position.
        min_position: Asked<Position>,
        /// A position of the log, or an RFC 3339 time.
        at: Asked<Moment>,
    ) -> Result<Shown, Rejected<Reads>> {
        let mut parameters = Parameters::default();
        let (min_position, at) = (parameters.asked(min_position), parameters.asked(at));
        parameters.finish(request)?;
        Ok(past::show(&self.0, min_position, at).await?)
    }

    /// Change settings
    ///
    /// A JSON merge patch (RFC 7396): what is named is changed, `null` brings the default back, lists are replaced. Every
    /// key that fails is named, and then nothing is changed. `restart_required` names what takes effect at the next start
    /// alone. A secret is given as a text and shown as its fingerprint from then on.
    #[oai(path = "/", method = "patch", operation_id = "patchSettings")]
    async fn patch(
        &self,
        request: &Request,
        request_id: RequestId,
        /// Whether the patch is judged alone, and nothing is changed.
        dry_run: Asked<bool>,
        /// A repeat with the same key and body happens once.
        #[oai(name = "Idempotency-Key")]
        idempotency_key: Given<IdempotencyKey>,
        /// The version that the settings must have, in double quotes.
        #[oai(name = "If-Match")]
        if_match: Given<IfMatch>,
        body: JsonBody<SettingsPatch, MergePatch>,
    ) -> Result<Changed, Rejected<SettingsChanges>> {
        let mut parameters = Parameters::default();
        let dry_run = parameters.asked(dry_run).unwrap_or(false);
        let caller = caller(request, &request_id, &mut parameters, idempotency_key, Some(if_match));
        parameters.finish(request)?;
        Ok(patch::patch(&self.0, &body.bytes, dry_run, &caller).await?)
    }

    /// Read the history of the settings
    ///
    /// Every change, oldest first, in pages: who, when, by which request, from which value to which.
    #[oai(path = "/history", method = "get", operation_id = "readSettingsHistory")]
    async fn history(
        &self,
        request: &Request,
        /// Items of a page, 1 to 1000; 50 if absent.
        limit: Asked<PageLimit>,
        /// `next_cursor` of the page before.
        cursor: Asked<past::Cursor>,
        /// Wait until the answer reflects this position.
        min_position: Asked<Position>,
    ) -> Result<JsonOf<SettingsHistoryPage>, Rejected<Reads>> {
        let mut parameters = Parameters::default();
        let limit = parameters.asked(limit);
        let limit = self.0.page_limit(limit, &mut parameters);
        let (cursor, min_position) = (parameters.asked(cursor), parameters.asked(min_position));
        parameters.finish(request)?;
        Ok(past::history(&self.0, limit, cursor, min_position).await?)
    }

    /// Take a change of settings back
    ///
    /// By the position of the change. Its inverse is a change of its own; where one of its values was overwritten since, or
    /// others rest on it, that is a conflict, and nothing is changed.
    #[oai(path = "/revert", method = "post", operation_id = "revertSettings")]
    async fn revert(
        &self,
        request: &Request,
        request_id: RequestId,
        /// A repeat with the same key and body happens once.
        #[oai(name = "Idempotency-Key")]
        idempotency_key: Given<IdempotencyKey>,
        /// The version that the settings must have, in double quotes.
        #[oai(name = "If-Match")]
        if_match: Given<IfMatch>,
        body: JsonBody<RevertRequest>,
    ) -> Result<Changed, Rejected<SettingsChanges>> {
        let mut parameters = Parameters::default();
        let caller = caller(request, &request_id, &mut parameters, idempotency_key, Some(if_match));
        parameters.finish(request)?;
        Ok(patch::revert(&self.0, &body.bytes, &caller).await?)
    }
}
