//! `GET /health` and `GET /health/full`. The registry says how the parts are; whoever runs them tells it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use poem_openapi::{ApiResponse, OpenApi, Tags};
use revaer_application::ComponentHealth as Recorded;
use revaer_domain::health::HealthState;
use revaer_wire::{
    AboutReport, ComponentHealth, Health, HealthReport, OverriddenSetting, SettingsReport, SetupReport,
};

use crate::advice::advice;
use crate::context::Context;
use crate::payload::JsonOf;
use crate::present;
use crate::rejected::{Plain, Rejected};

/// The version of the service.
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The part that is asked.
const DATABASE: &str = "database";
/// Parts that follow the log are called so, and then their own name.
const PROJECTION_PREFIX: &str = "projection.";
/// How long the database may take to answer before it counts as away.
const DATABASE_TIMEOUT: Duration = Duration::from_secs(2);

#[derive(Tags)]
enum Tag {
    /// How the service is.
    Health,
}

/// The operations.
pub(crate) struct HealthApi(pub(crate) Arc<Context>);

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
    async fn alive(&self) -> Result<JsonOf<Health>, Rejected<Plain>> {
        Ok(JsonOf::new(&Health { status: "alive".to_owned(), version: VERSION.to_owned() }))
    }

    /// Tell how each part is
    ///
    /// And how far the setup is, which settings take effect at the next start alone, and which ones the command line gives.
    /// Until the setup is complete, to whoever is on the machine.
    #[oai(path = "/health/full", method = "get", operation_id = "healthFull")]
    async fn full(&self) -> Result<Reported, Rejected<Plain>> {
        let components = components(&self.0).await;
        let worst = components.iter().map(|(state, _)| *state).max().unwrap_or(HealthState::Well);
        let report = JsonOf::new(&HealthReport {
            status: name(worst).to_owned(),
            version: VERSION.to_owned(),
            about: Some(about(&self.0)),
            components: components.into_iter().map(|(_, component)| component).collect(),
            setup: Some(setup(&self.0)),
            settings: Some(settings(&self.0)),
        });
        match worst {
            HealthState::Well | HealthState::Degraded => Ok(Reported::Works(report)),
            HealthState::Failed => Ok(Reported::Failed(report)),
        }
    }
}

fn about(context: &Context) -> AboutReport {
    let about = &context.about;
    AboutReport {
        revision: about.revision.clone(),
        libtorrent: about.libtorrent.clone(),
        postgres: about.postgres.clone(),
        schema_version: about.schema,
    }
}

fn setup(context: &Context) -> SetupReport {
    let setup = context.application.setup();
    SetupReport {
        phase: setup.phase.as_str().to_owned(),
        token_expires_at: setup.token_expires_at.map(present::time),
        failed_attempts: setup.failed_attempts,
    }
}

fn settings(context: &Context) -> SettingsReport {
    let application = &context.application;
    let now = application.settings().now();
    let overridden = application.settings_overrides().iter();
    SettingsReport {
        version: now.version,
        restart_required: application
            .restart_required(&now.recorded)
            .into_iter()
            .map(str::to_owned)
            .collect(),
        overridden: overridden
            .map(|given| OverriddenSetting { path: given.pointer.to_owned(), flag: given.flag.to_owned() })
            .collect(),
    }
}

/// Every part as it was recorded, and the database as it answers now: its record may be some seconds old.
async fn components(context: &Context) -> Vec<(HealthState, ComponentHealth)> {
    let recorded = context.application.health().snapshot();
    let database = database(context, recorded.iter().find(|part| part.component == DATABASE)).await;
    let others = recorded.into_iter().filter(|part| part.component != DATABASE);
    let mut all: Vec<_> = others.map(|part| of_record(context, part)).chain([database]).collect();
    all.sort_by(|(_, one), (_, other)| one.component.cmp(&other.component));
    all
}

fn of_record(context: &Context, recorded: Recorded) -> (HealthState, ComponentHealth) {
    let follows_the_log = recorded.component.starts_with(PROJECTION_PREFIX);
    let component = ComponentHealth {
        advice: advice(&recorded.component, recorded.state).map(str::to_owned),
        component: recorded.component,
        state: name(recorded.state).to_owned(),
        since: present::time(recorded.since),
        reason: recorded.reason,
        latency_ms: recorded.latency.and_then(|latency| u64::try_from(latency.as_millis()).ok()),
        position: follows_the_log.then(|| context.projections.position().0),
    };
    (recorded.state, component)
}

async fn database(context: &Context, recorded: Option<&Recorded>) -> (HealthState, ComponentHealth) {
    let asked = Instant::now();
    let head = tokio::time::timeout(DATABASE_TIMEOUT, context.application.log().head()).await;
    let latency_ms = u64::try_from(asked.elapsed().as_millis()).ok();
    let (state, reason, position) = match head {
        Ok(Ok(head)) => (HealthState::Well, String::new(), Some(head.0)),
        // What runs in the session goes on without it, and it may come back at any moment: the service has not failed.
        Ok(Err(_)) | Err(_) => (HealthState::Degraded, "the database does not answer".to_owned(), None),
    };
    let known = recorded.filter(|recorded| recorded.state == state).map(|recorded| recorded.since);
    let component = ComponentHealth {
        component: DATABASE.to_owned(),
        advice: advice(DATABASE, state).map(str::to_owned),
        state: name(state).to_owned(),
        since: present::time(known.unwrap_or_else(|| context.application.clock().now())),
        reason,
        latency_ms,
        position,
    };
    (state, component)
}

const fn name(state: HealthState) -> &'static str {
    match state {
        HealthState::Well => "well",
        HealthState::Degraded => "degraded",
        HealthState::Failed => "failed",
    }
}
