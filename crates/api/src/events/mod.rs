//! `GET /v1/events`: the log as server-sent events.
//!
//! A client is a cursor in the log and a small queue of chunks. What an event looks like is written once for all clients; who
//! reads too slowly is cut off and resumes by its last id. Nothing here decides or remembers anything.

mod answer;
mod filter;
mod follow;
mod frames;
mod places;
mod resume;
mod tickets;

use std::sync::Arc;

use poem::Request;
use poem_openapi::{ApiResponse, OpenApi, Tags};
use revaer_application::Principal;
use revaer_event_log::Position;
use revaer_wire::StreamTicket;

use self::answer::EventStream;
use self::filter::Filter;
use self::follow::Follower;
use self::places::Places;
use self::resume::{LastEventId, start};
pub(crate) use self::tickets::Tickets;
use crate::context::Context;
use crate::guard::Denied;
use crate::parameter::{Asked, Given, Parameters};
use crate::pattern::Patterns;
use crate::payload::JsonOf;
use crate::problem::Refusal;
use crate::rejected::{self, Rejected, Streams};
use crate::torrents::resolve;

#[derive(Tags)]
enum Tag {
    /// What happens, as it happens and as it happened.
    Events,
}

/// The operation.
pub(crate) struct EventsApi {
    context: Arc<Context>,
    places: Places,
}

impl EventsApi {
    /// An endpoint without clients yet.
    pub(crate) fn new(context: Arc<Context>) -> Self {
        let places = Places::new(&context.metrics.clients);
        Self { context, places }
    }
}

#[OpenApi(prefix_path = "/v1/events", tag = "Tag::Events")]
impl EventsApi {
    /// Follow the events
    ///
    /// Server-sent events: `id: <position>.<log tag>`, `event: <kind>`, and `data` as described. After a `Last-Event-ID` (or
    /// `after`) come all matching facts above it, each once and in order, across restarts; samples as far back as they are
    /// kept, at least once. Without either, what happens from now on. Where samples are missing an event `samples-gap` says
    /// from where to where; a position of another log, or above this one's head, gets an event `reset` with `head` and
    /// `log_id`, and then what comes from now. A client that reads too slowly is disconnected.
    #[oai(path = "/", method = "get", operation_id = "followEvents")]
    #[expect(
        clippy::too_many_arguments,
        reason = "each parameter of the query is documented where it is declared"
    )]
    async fn follow(
        &self,
        request: &Request,
        /// Kinds, separated by commas; `*` stands for any characters, as in `torrent.*`. All if absent.
        types: Asked<Patterns>,
        /// ULID of a torrent, or info hash of a live one: its events alone.
        torrent: Asked<String>,
        /// What a page in a browser asks with instead of a key; see `issueStreamTicket`.
        ticket: Asked<String>,
        /// The position to resume from.
        after: Asked<Position>,
        /// `false` leaves samples out.
        samples: Asked<bool>,
        /// The id of the last event that was received; wins over `after`.
        #[oai(name = "Last-Event-ID")]
        last_event_id: Given<LastEventId>,
    ) -> Result<EventStream, Rejected<Streams>> {
        let mut parameters = Parameters::default();
        let patterns = parameters.asked(types).unwrap_or_default();
        let torrent = parameters.asked(torrent);
        // Whose it is was found out before this is reached.
        parameters.asked(ticket);
        let after = parameters.asked(after);
        let samples = parameters.asked(samples).unwrap_or(true);
        let last_event_id = parameters.given(last_event_id);
        parameters.finish(request)?;
        let Some(place) = self.places.take(self.context.limits().sse_clients_max) else {
            self.context.metrics.clients_refused.inc();
            return Err(Refusal::TooManyClients.into());
        };
        let torrent = match torrent {
            Some(id) => Some(resolve(&self.context, &id).await?),
            None => None,
        };
        let log = self.context.application.log();
        let resume = last_event_id.and_then(|id| id.0).or_else(|| after.map(resume::Resume::at));
        let filter = Filter::new(patterns, torrent, samples);
        let is_resumed = resume.is_some();
        let start = start(log, resume, filter.wants_any_samples()).await?;
        self.context.metrics.stream_opened(start.name(is_resumed));
        Ok(EventStream::new(Follower::new(&self.context, start, filter, place, request.data::<Principal>())))
    }

    /// Get a ticket for a page
    ///
    /// `EventSource` in a browser cannot send a key, and an address is no place for one. A ticket opens one stream, once, as the
    /// parameter `ticket` of `followEvents`, and is worth what its key is worth. A page that lost its stream gets another ticket
    /// and says with `after` where it was.
    #[oai(path = "/tickets", method = "post", operation_id = "issueStreamTicket")]
    #[expect(clippy::unused_async, reason = "the framework takes asynchronous operations alone")]
    async fn ticket(&self, request: &Request) -> Result<Ticketed, Rejected<rejected::Tickets>> {
        Parameters::default().finish(request)?;
        let principal = request.data::<Principal>().ok_or(Denied::Unauthenticated(None))?;
        let now = self.context.application.clock().now();
        let expires_at = now + self.context.limits().ticket_lifetime;
        let ticket = self.context.tickets.issue(principal, now, expires_at);
        let expires_at = crate::present::time(expires_at);
        Ok(Ticketed::Ticket(JsonOf::new(&StreamTicket { ticket, expires_at })))
    }
}

/// A ticket that was issued.
#[derive(ApiResponse)]
enum Ticketed {
    /// The ticket.
    #[oai(status = 201)]
    Ticket(JsonOf<StreamTicket>),
}
