//! How the parts are, told to the one registry.
//!
//! The session and the projections announce their changes. A database announces nothing when it goes away, so it is asked; so are
//! disks, queues and the clock, by the watcher.

mod disks;
mod hysteresis;
mod steps;
mod watcher;

use std::time::Duration;

use revaer_application::{Application, HealthRegistry};
use revaer_domain::health::HealthState;
use revaer_engine::{EngineHandle, EngineHealth};
use revaer_projections::{ProjectionHealth, Projections};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

pub(crate) use self::disks::Root;
pub(crate) use self::watcher::{Rooms, Watcher};

/// How often the database is asked.
const ASK_EVERY: Duration = Duration::from_secs(5);

/// Follows and asks until shutdown.
pub(crate) async fn run(
    application: Application,
    engine: EngineHandle,
    projections: Projections,
    watcher: Watcher,
    shutdown: CancellationToken,
) {
    let registry = application.health().clone();
    let all = async {
        tokio::join!(
            follow_engine(&registry, &engine),
            follow_projections(&registry, &projections),
            ask_database(&registry, &application),
            watcher.run(),
        )
    };
    shutdown.run_until_cancelled(all).await;
}

async fn follow_engine(registry: &HealthRegistry, engine: &EngineHandle) {
    let mut health = engine.health();
    loop {
        match health.borrow_and_update().clone() {
            EngineHealth::Well => registry.set("engine", HealthState::Well, ""),
            EngineHealth::Degraded { reason } => registry.set("engine", HealthState::Degraded, reason),
            EngineHealth::Failed { reason } => registry.set("engine", HealthState::Failed, reason),
        }
        if health.changed().await.is_err() {
            return;
        }
    }
}

async fn follow_projections(registry: &HealthRegistry, projections: &Projections) {
    let mut health = projections.health();
    loop {
        let all = health.borrow_and_update().0.clone();
        for (name, health) in all {
            let component = format!("projection.{name}");
            match health {
                ProjectionHealth::Well => registry.set(&component, HealthState::Well, ""),
                // The old rows of one that halted are served, so the service as a whole has not failed.
                ProjectionHealth::Degraded { reason } | ProjectionHealth::Halted { reason, .. } => {
                    registry.set(&component, HealthState::Degraded, reason);
                }
            }
        }
        if health.changed().await.is_err() {
            return;
        }
    }
}

async fn ask_database(registry: &HealthRegistry, application: &Application) {
    let mut ticks = tokio::time::interval(ASK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match application.log().head().await {
            Ok(_) => registry.set("database", HealthState::Well, ""),
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
                registry.set("database", HealthState::Degraded, format!("{error}: {cause}"));
            }
        }
    }
}
