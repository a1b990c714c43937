//! `GET /v1/audit`: who did what to whom, and when.

mod filter;
mod page;

use std::sync::Arc;

use poem::Request;
use poem_openapi::{OpenApi, Tags};
use revaer_event_log::Position;
use revaer_projections::AuditQuery;
use revaer_wire::AuditPage;

use self::filter::{Cursor, Kinds, Time};
use crate::context::Context;
use crate::parameter::{Asked, PageLimit, Parameters};
use crate::payload::JsonOf;
use crate::rejected::{Reads, Rejected};

#[derive(Tags)]
enum Tag {
    /// Who did what to whom, and when.
    Audit,
}

/// The operation.
pub(crate) struct AuditApi(pub(crate) Arc<Context>);

#[OpenApi(prefix_path = "/v1/audit", tag = "Tag::Audit")]
impl AuditApi {
    /// Read the audit
    ///
    /// What was recorded and by whom, newest first, in pages; every filter that is given must hold. What the service did by
    /// itself is left out unless `actor` asks for it.
    #[oai(path = "/", method = "get", operation_id = "readAudit")]
    #[expect(
        clippy::too_many_arguments,
        reason = "each parameter of the query is documented where it is declared"
    )]
    async fn read(
        &self,
        request: &Request,
        /// To whom it was done: a stream such as `settings`, or a torrent's ULID, or the info hash of a live one.
        subject: Asked<String>,
        /// Who did it, such as `key ops-laptop`; `*` at the end stands for any characters, as in `system*`.
        actor: Asked<String>,
        /// Kinds, separated by commas; `*` stands for any characters, as in `settings.*`.
        kind: Asked<Kinds>,
        /// Not earlier than this, RFC 3339.
        since: Asked<Time>,
        /// Earlier than this, RFC 3339.
        until: Asked<Time>,
        /// `next_cursor` of the page before, with the same filters.
        cursor: Asked<Cursor>,
        /// Items of a page, 1 to 1000; 50 if absent.
        limit: Asked<PageLimit>,
        /// Wait until the answer reflects this position.
        min_position: Asked<Position>,
    ) -> Result<JsonOf<AuditPage>, Rejected<Reads>> {
        let mut parameters = Parameters::default();
        let subject = parameters.asked(subject);
        let query = AuditQuery {
            actor: parameters.asked(actor),
            kinds: parameters.asked(kind).map(|kinds| kinds.0).unwrap_or_default(),
            since: parameters.asked(since).map(|time| time.0),
            until: parameters.asked(until).map(|time| time.0),
            before: parameters.asked(cursor).map(|cursor| cursor.0),
            limit: {
                let limit = parameters.asked(limit);
                self.0.page_limit(limit, &mut parameters)
            },
            subject: None,
        };
        let min_position = parameters.asked(min_position);
        parameters.finish(request)?;
        Ok(page::read(&self.0, subject, query, min_position).await?)
    }
}
