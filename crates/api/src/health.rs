//! `GET /health` and `GET /health/full`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use poem_openapi::{ApiResponse, OpenApi, Tags};
use revaer_application::ComponentHealth as Recorded;
use revaer_domain::health::HealthState;
use revaer_projections::ProjectionHealth;
use revaer_wire::{ComponentHealth, Health, HealthReport};
use time::OffsetDateTime;

use crate::context::Context;
use crate::payload::JsonOf;
use crate::present;

/// The version of the service.
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// How long the database may take to answer before it counts as away.
const DATABASE_TIMEOUT: Duration = Duration::from_secs(2);

#[derive(Tags)]
enum Tag {
    /// How the service is.
    Health,
}

/// The operations.
pub(crate) struct HealthApi {
    context: Arc<Context>,
    /// Since when each part that is asked is as it is, as far as questions told.
    seen: Mutex<BTreeMap<String, (HealthState, OffsetDateTime)>>,
}

impl HealthApi {
    pub(crate) fn new(context: Arc<Context>) -> Self {
        Self { context, seen: Mutex::default() }
    }

    /// Since when a part is as it is now.
    fn since(&self, component: &str, state: HealthState) -> OffsetDateTime {
        let now = self.context.application.clock().now();
        // Entries are whole or absent; a panic elsewhere does not spoil them.
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let known = seen.entry(component.to_owned()).or_insert((state, now));
        if known.0 != state {
            *known = (state, now);
        }
        known.1
    }
}

/// How a part that was asked is.
struct Answer {
    component: String,
    state: HealthState,
    reason: String,
    latency_ms: Option<u64>,
    position: Option<i64>,
}

/// A report; its status tells a probe what it needs.
#[derive(ApiResponse)]
enum Reported {
    /// Well, or degraded: it does its work.
    #[oai(status = 200)]
    Works(JsonOf<HealthReport>),
    /// A part has failed.
    #[oai(status = 503)]
    Failed(JsonOf<HealthReport>),
}

#[OpenApi(tag = "Tag::Health")]
impl HealthApi {
    /// Tell whether the service is alive
    ///
    /// Also while the database is away.
    #[oai(path = "/health", method = "get", operation_id = "health")]
    #[expect(clippy::unused_async, reason = "the framework takes asynchronous operations alone")]
    async fn alive(&self) -> JsonOf<Health> {
        JsonOf::new(&Health { status: "alive".to_owned(), version: VERSION.to_owned() })
    }

    /// Tell how each part is
    #[oai(path = "/health/full", method = "get", operation_id = "healthFull")]
    async fn full(&self) -> Reported {
        let components = self.components().await;
        let worst = components.iter().map(|(state, _)| *state).max().unwrap_or(HealthState::Well);
        let report = JsonOf::new(&HealthReport {
            status: name(worst).to_owned(),
            version: VERSION.to_owned(),
            components: components.into_iter().map(|(_, component)| component).collect(),
        });
        match worst {
            HealthState::Well | HealthState::Degraded => Reported::Works(report),
            HealthState::Failed => Reported::Failed(report),
        }
    }
}

impl HealthApi {
    /// What was recorded, and what only a question tells: whether the database answers, and how the read models are. A part
    /// that was asked is not taken from the record.
    async fn components(&self) -> Vec<(HealthState, ComponentHealth)> {
        let mut asked = vec![database(&self.context).await];
        asked.extend(read_models(&self.context));
        let mut recorded = self.context.application.health().snapshot();
        recorded.retain(|recorded| asked.iter().all(|asked| asked.component != recorded.component));
        let asked = asked.into_iter().map(|answer| self.of_answer(answer));
        let mut all: Vec<_> = recorded.into_iter().map(of_record).chain(asked).collect();
        all.sort_by(|(_, one), (_, other)| one.component.cmp(&other.component));
        all
    }

    fn of_answer(&self, answer: Answer) -> (HealthState, ComponentHealth) {
        let component = ComponentHealth {
            state: name(answer.state).to_owned(),
            since: present::time(self.since(&answer.component, answer.state)),
            component: answer.component,
            reason: answer.reason,
            latency_ms: answer.latency_ms,
            position: answer.position,
        };
        (answer.state, component)
    }
}

fn of_record(recorded: Recorded) -> (HealthState, ComponentHealth) {
    let component = ComponentHealth {
        component: recorded.component,
        state: name(recorded.state).to_owned(),
        since: present::time(recorded.since),
        reason: recorded.reason,
        latency_ms: None,
        position: None,
    };
    (recorded.state, component)
}

async fn database(context: &Context) -> Answer {
    let asked = Instant::now();
    let head = tokio::time::timeout(DATABASE_TIMEOUT, context.application.log().head()).await;
    let latency_ms = u64::try_from(asked.elapsed().as_millis()).ok();
    let (state, reason, position) = match head {
        Ok(Ok(head)) => (HealthState::Well, String::new(), Some(head.0)),
        Ok(Err(_)) | Err(_) => (HealthState::Failed, "the database does not answer".to_owned(), None),
    };
    Answer { component: "database".to_owned(), state, reason, latency_ms, position }
}

fn read_models(context: &Context) -> Vec<Answer> {
    let position = Some(context.projections.position().0);
    let health = context.projections.health().borrow().clone();
    let each = health.0.into_iter().map(|(projection, health)| {
        let (state, reason) = match health {
            ProjectionHealth::Well => (HealthState::Well, String::new()),
            ProjectionHealth::Degraded { reason } => (HealthState::Degraded, reason),
            // The old rows are served on.
            ProjectionHealth::Halted { position, reason } => {
                (HealthState::Degraded, format!("halted before position {position}: {reason}"))
            }
        };
        Answer { component: format!("projection:{projection}"), state, reason, latency_ms: None, position }
    });
    each.collect()
}

const fn name(state: HealthState) -> &'static str {
    match state {
        HealthState::Well => "well",
        HealthState::Degraded => "degraded",
        HealthState::Failed => "failed",
    }
}
