//! What the handlers share.

use std::sync::Arc;

use revaer_application::Application;
use revaer_event_log::Position;
use revaer_projections::Projections;
use revaer_wire::codes;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::events::Tickets;
use crate::metrics::Metrics;
use crate::parameter::{PageLimit, Parameters};
use crate::problem::Refusal;
use crate::{About, Limits};

/// Items of a page when the client does not say.
const PAGE_DEFAULT: u32 = 50;

/// The parts, as handlers use them.
pub(crate) struct Context {
    pub(crate) application: Application,
    pub(crate) projections: Projections,
    pub(crate) limits: watch::Receiver<Arc<Limits>>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) tickets: Tickets,
    pub(crate) metrics: Metrics,
    pub(crate) about: About,
}

impl Context {
    /// The bounds of this moment.
    pub(crate) fn limits(&self) -> Arc<Limits> {
        Arc::clone(&self.limits.borrow())
    }

    /// Waits until the read models reflect a position.
    pub(crate) async fn reflect(&self, min_position: Option<Position>) -> Result<(), Refusal> {
        let Some(position) = min_position else { return Ok(()) };
        if self.projections.wait_for(position, self.limits().read_wait).await {
            Ok(())
        } else {
            Err(Refusal::NotYet(position.0))
        }
    }

    /// The same for what is read from the log itself: it has everything that it will ever have up to its head.
    pub(crate) async fn reflect_log(&self, min_position: Option<Position>) -> Result<(), Refusal> {
        let Some(position) = min_position else { return Ok(()) };
        if self.application.log().head().await? >= position {
            Ok(())
        } else {
            Err(Refusal::NotYet(position.0))
        }
    }

    /// The length of a page, within its bounds.
    pub(crate) fn page_limit(&self, asked: Option<PageLimit>, parameters: &mut Parameters) -> u32 {
        let max = self.limits().page_max;
        let limit = asked.map_or(PAGE_DEFAULT.min(max), |limit| limit.0);
        if !(1..=max).contains(&limit) {
            parameters.fault("limit", (codes::INVALID, format!("is not 1 to {max}")));
        }
        limit
    }
}
