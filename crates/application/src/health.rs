//! How well each part of the service is, and every change of it as a fact.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use revaer_domain::health::{HealthChanged, HealthState};
use revaer_event_log::EventLog;
use revaer_event_schema::{Metadata, encode_health};
use time::OffsetDateTime;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{Clock, SystemStream};

/// The most changes that wait for the log: beyond it the oldest are forgotten, the registry itself stays right.
const PENDING_MAX: usize = 1024;

/// One part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComponentHealth {
    /// Its name.
    pub component: String,
    /// How it is.
    pub state: HealthState,
    /// Since when.
    pub since: OffsetDateTime,
    /// Why; empty when it is well.
    pub reason: String,
    /// How long it last took to answer, where it is asked.
    pub latency: Option<Duration>,
}

/// The registry. A cheap clone.
#[derive(Clone)]
pub struct HealthRegistry {
    shared: Arc<Shared>,
}

struct Shared {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    components: BTreeMap<String, ComponentHealth>,
    pending: Vec<HealthChanged>,
}

impl HealthRegistry {
    /// An empty registry.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { shared: Arc::new(Shared { clock, state: Mutex::default(), changed: Notify::new() }) }
    }

    /// Says how a part is. Only a change of its state becomes a fact.
    pub fn set(&self, component: &str, state: HealthState, reason: impl Into<String>) {
        let reason = reason.into();
        let now = self.shared.clock.now();
        let mut shared = self.state();
        let known = shared.components.get_mut(component);
        let from = match known {
            Some(known) if known.state == state => {
                known.reason = reason;
                return;
            }
            Some(known) => {
                let from = known.state;
                (known.state, known.since, known.reason) = (state, now, reason.clone());
                from
            }
            None => {
                let health = ComponentHealth {
                    component: component.to_owned(),
                    state,
                    since: now,
                    reason: reason.clone(),
                    latency: None,
                };
                shared.components.insert(component.to_owned(), health);
                if state == HealthState::Well {
                    return;
                }
                HealthState::Well
            }
        };
        if shared.pending.len() == PENDING_MAX {
            shared.pending.remove(0);
        }
        shared.pending.push(HealthChanged { component: component.to_owned(), from, to: state, reason });
        drop(shared);
        self.shared.changed.notify_one();
    }

    /// Says how long a part that is known took to answer.
    pub fn measured(&self, component: &str, latency: Duration) {
        if let Some(known) = self.state().components.get_mut(component) {
            known.latency = Some(latency);
        }
    }

    /// Every part, by name.
    pub fn snapshot(&self) -> Vec<ComponentHealth> {
        self.state().components.values().cloned().collect()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes the registry's changes into the log; waits while the log is away.
pub struct HealthRecorder {
    registry: HealthRegistry,
    stream: SystemStream,
}

impl HealthRecorder {
    /// A recorder for the stream `health`.
    pub fn new(registry: HealthRegistry, log: EventLog) -> Self {
        Self { registry, stream: SystemStream::new(log, "health") }
    }

    /// Records until shutdown.
    pub async fn run(self, shutdown: CancellationToken) {
        loop {
            tokio::select! {
                () = self.registry.shared.changed.notified() => {}
                () = shutdown.cancelled() => return,
            }
            loop {
                let Some(change) = self.registry.state().pending.first().cloned() else { break };
                let metadata = Metadata::of_system("system", format!("health:{}", change.component));
                if let Err(error) = self.stream.append(encode_health(&change, &metadata)).await {
                    tracing::warn!(%error, "a change of health waits for the log");
                    tokio::select! {
                        () = tokio::time::sleep(Duration::from_secs(1)) => continue,
                        () = shutdown.cancelled() => return,
                    }
                }
                let mut state = self.registry.state();
                if state.pending.first() == Some(&change) {
                    state.pending.remove(0);
                }
            }
        }
    }
}
