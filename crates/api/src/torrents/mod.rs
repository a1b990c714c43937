//! Torrents: the operations as the OpenAPI document names them. What each does is in a file of its own.
//!
//! One `impl` holds all of them because the document gathers the methods of a path from one place.

mod action;
mod add;
mod answers;
mod detail;
mod files;
mod history;
mod list;
mod resolve;
mod select;
mod swarm;

use std::sync::Arc;

use poem::Request;
use poem_openapi::param::Path;
use poem_openapi::{OpenApi, Tags};
use revaer_event_log::Position;
use revaer_wire::{
    ActionRequest, FileList, HistoryPage, PeerList, SelectRequest, SelectionExplanation, TorrentPage,
    TrackerList,
};

use self::answers::{Accepted, Created, Found, Selected};
pub(crate) use self::resolve::resolve;
use crate::body::{AddBody, JsonBody};
use crate::caller::caller;
use crate::context::Context;
use crate::parameter::{Asked, Given, IdempotencyKey, IfMatch, Moment, PageLimit, Parameters};
use crate::payload::JsonOf;
use crate::rejected::{Adds, Commands, Reads, Rejected};
use crate::request_id::RequestId;

#[derive(Tags)]
enum Tag {
    /// Torrents: what they are, and what is done to them.
    Torrents,
}

/// The operations.
pub(crate) struct TorrentsApi(pub(crate) Arc<Context>);

#[OpenApi(prefix_path = "/v1/torrents", tag = "Tag::Torrents")]
impl TorrentsApi {
    /// Add a torrent
    ///
    /// From a magnet URI or a torrent file (`metainfo` in base 64, or multipart with the file in part `torrent` and this JSON
    /// in part `options`). A torrent that is here already is 409 `torrent_exists` with its `id`; a repeat with the same
    /// `Idempotency-Key` gets the first answer again.
    #[oai(path = "/", method = "post", operation_id = "addTorrent")]
    async fn add(
        &self,
        request: &Request,
        request_id: RequestId,
        /// A repeat with the same key and body happens once.
        #[oai(name = "Idempotency-Key")]
        idempotency_key: Given<IdempotencyKey>,
        body: AddBody,
    ) -> Result<Created, Rejected<Adds>> {
        let mut parameters = Parameters::default();
        let caller = caller(request, &request_id, &mut parameters, idempotency_key, None);
        parameters.finish(request)?;
        Ok(add::add(&self.0, body, &caller).await?)
    }

    /// List torrents
    ///
    /// In pages; every filter that is given must hold. `position` is the place in the log from which to follow the events
    /// without a gap; of several pages, the first one's. Pages over `progress` may skip or repeat a torrent.
    #[oai(path = "/", method = "get", operation_id = "listTorrents")]
    #[expect(
        clippy::too_many_arguments,
        reason = "each parameter of the query is documented where it is declared"
    )]
    async fn list(
        &self,
        request: &Request,
        /// Items of a page, 1 to 1000; 50 if absent.
        limit: Asked<PageLimit>,
        /// `next_cursor` of the page before, with the same filters and sort.
        cursor: Asked<String>,
        /// A part of the name, in any case.
        name: Asked<String>,
        /// A state.
        state: Asked<list::State>,
        /// The host of a tracker.
        tracker: Asked<String>,
        /// The extension of any file, without the dot.
        extension: Asked<String>,
        /// A label.
        label: Asked<String>,
        /// `added_at`, `name`, `size` or `progress`; with `-` in front, descending.
        sort: Asked<list::Order>,
        /// Wait until the answer reflects this position.
        min_position: Asked<Position>,
    ) -> Result<JsonOf<TorrentPage>, Rejected<Reads>> {
        let mut parameters = Parameters::default();
        let limit = parameters.asked(limit);
        let order = parameters.asked(sort).unwrap_or_default();
        let query = revaer_projections::TorrentQuery {
            limit: self.0.page_limit(limit, &mut parameters),
            cursor: parameters.asked(cursor),
            name: parameters.asked(name),
            state: parameters.asked(state).map(|state| state.0),
            tracker: parameters.asked(tracker),
            extension: parameters.asked(extension),
            label: parameters.asked(label),
            sort: order.sort,
            descending: order.descending,
        };
        let min_position = parameters.asked(min_position);
        parameters.finish(request)?;
        Ok(list::list(&self.0, &query, min_position).await?)
    }

    /// Show a torrent
    ///
    /// By its ULID, or by the info hash of a live torrent. With `at`, as it was then, from the log; this works for removed
    /// torrents, too.
    #[oai(path = "/:id", method = "get", operation_id = "getTorrent")]
    async fn detail(
        &self,
        request: &Request,
        /// ULID or info hash.
        id: Path<String>,
        /// Wait until the answer reflects this position.
        min_position: Asked<Position>,
        /// A position of the log, or an RFC 3339 time.
        at: Asked<Moment>,
    ) -> Result<Found, Rejected<Reads>> {
        let mut parameters = Parameters::default();
        let (min_position, at) = (parameters.asked(min_position), parameters.asked(at));
        parameters.finish(request)?;
        Ok(detail::detail(&self.0, &id, min_position, at).await?)
    }

    /// List the files of a torrent
    ///
    /// Empty until the metadata is known.
    #[oai(path = "/:id/files", method = "get", operation_id = "listFiles")]
    async fn files(
        &self,
        request: &Request,
        /// ULID or info hash.
        id: Path<String>,
        /// Wait until the answer reflects this position.
        min_position: Asked<Position>,
    ) -> Result<JsonOf<FileList>, Rejected<Reads>> {
        let mut parameters = Parameters::default();
        let min_position = parameters.asked(min_position);
        parameters.finish(request)?;
        Ok(files::files(&self.0, &id, min_position).await?)
    }

    /// List the trackers of a torrent
    ///
    /// As the session sees them now; empty while the session does not have the torrent.
    #[oai(path = "/:id/trackers", method = "get", operation_id = "listTrackers")]
    async fn trackers(
        &self,
        request: &Request,
        /// ULID or info hash.
        id: Path<String>,
        /// Wait until the answer reflects this position.
        min_position: Asked<Position>,
    ) -> Result<JsonOf<TrackerList>, Rejected<Reads>> {
        let mut parameters = Parameters::default();
        let min_position = parameters.asked(min_position);
        parameters.finish(request)?;
        Ok(swarm::trackers(&self.0, &id, min_position).await?)
    }

    /// List the connected peers of a torrent
    ///
    /// As the session sees them now; empty while the session does not have the torrent.
    #[oai(path = "/:id/peers", method = "get", operation_id = "listPeers")]
    async fn peers(
        &self,
        request: &Request,
        /// ULID or info hash.
        id: Path<String>,
        /// Wait until the answer reflects this position.
        min_position: Asked<Position>,
    ) -> Result<JsonOf<PeerList>, Rejected<Reads>> {
        let mut parameters = Parameters::default();
        let min_position = parameters.asked(min_position);
        parameters.finish(request)?;
        Ok(swarm::peers(&self.0, &id, min_position).await?)
    }

    /// Read the history of a torrent
    ///
    /// Every fact, from the add on, in pages; also of a removed torrent, by its ULID.
    #[oai(path = "/:id/history", method = "get", operation_id = "readHistory")]
    async fn history(
        &self,
        request: &Request,
        /// ULID, or info hash of a live torrent.
        id: Path<String>,
        /// Items of a page, 1 to 1000; 50 if absent.
        limit: Asked<PageLimit>,
        /// `next_cursor` of the page before.
        cursor: Asked<history::Cursor>,
        /// Wait until the answer reflects this position.
        min_position: Asked<Position>,
    ) -> Result<JsonOf<HistoryPage>, Rejected<Reads>> {
        let mut parameters = Parameters::default();
        let limit = parameters.asked(limit);
        let limit = self.0.page_limit(limit, &mut parameters);
        let (cursor, min_position) = (parameters.asked(cursor), parameters.asked(min_position));
        parameters.finish(request)?;
        Ok(history::history(&self.0, &id, limit, cursor, min_position).await?)
    }

    /// Explain which files are wanted
    ///
    /// The rule in force, and for each file which part of it decides. Empty until the metadata is known.
    #[oai(path = "/:id/selection", method = "get", operation_id = "explainSelection")]
    async fn selection(
        &self,
        request: &Request,
        /// ULID or info hash.
        id: Path<String>,
        /// Wait until the answer reflects this position.
        min_position: Asked<Position>,
    ) -> Result<JsonOf<SelectionExplanation>, Rejected<Reads>> {
        let mut parameters = Parameters::default();
        let min_position = parameters.asked(min_position);
        parameters.finish(request)?;
        Ok(select::selection(&self.0, &id, min_position).await?)
    }

    /// Choose files
    ///
    /// Replaces the rule. Globs match the path with the top folder, in any case unless `case_sensitive`; `exclude` and
    /// `skip_fluff` beat `include`, `priorities` beats all of them. Answers the torrent as the log now has it; with `dry_run`,
    /// what the rule would come to, file by file, and nothing is changed.
    #[oai(path = "/:id/select", method = "post", operation_id = "selectFiles")]
    #[expect(
        clippy::too_many_arguments,
        reason = "each parameter of the query is documented where it is declared"
    )]
    async fn select(
        &self,
        request: &Request,
        request_id: RequestId,
        /// ULID or info hash.
        id: Path<String>,
        /// Whether the rule is explained alone, and nothing is changed; the headers then count for nothing.
        dry_run: Asked<bool>,
        /// A repeat with the same key and body happens once.
        #[oai(name = "Idempotency-Key")]
        idempotency_key: Given<IdempotencyKey>,
        /// The version that the torrent must have, in double quotes.
        #[oai(name = "If-Match")]
        if_match: Given<IfMatch>,
        body: JsonBody<SelectRequest>,
    ) -> Result<Selected, Rejected<Commands>> {
        let mut parameters = Parameters::default();
        let dry_run = parameters.asked(dry_run).unwrap_or(false);
        let caller = caller(request, &request_id, &mut parameters, idempotency_key, Some(if_match));
        parameters.finish(request)?;
        Ok(select::select(&self.0, &id, &body.bytes, dry_run, &caller).await?)
    }

    /// Act on a torrent
    ///
    /// `pause`, `resume`, `remove`, `reannounce`, `recheck`, `sequential`, `rate_cap`, `share_limits`, `move` or `label`, each with
    /// its own fields. `rate_cap` replaces both limits: null or absent means none. `share_limits` replaces all three: null or
    /// absent means what the labels say, and else the settings. Answers the torrent as the log now has it.
    #[oai(path = "/:id/action", method = "post", operation_id = "actOnTorrent")]
    async fn action(
        &self,
        request: &Request,
        request_id: RequestId,
        /// ULID or info hash.
        id: Path<String>,
        /// A repeat with the same key and body happens once.
        #[oai(name = "Idempotency-Key")]
        idempotency_key: Given<IdempotencyKey>,
        /// The version that the torrent must have, in double quotes.
        #[oai(name = "If-Match")]
        if_match: Given<IfMatch>,
        body: JsonBody<ActionRequest>,
    ) -> Result<Accepted, Rejected<Commands>> {
        let mut parameters = Parameters::default();
        let caller = caller(request, &request_id, &mut parameters, idempotency_key, Some(if_match));
        parameters.finish(request)?;
        Ok(action::act(&self.0, &id, &body.bytes, &caller).await?)
    }
}
