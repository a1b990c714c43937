//! Brings the session to the settings, change by change, and takes back what it refuses.
//!
//! Each change of the log is applied by itself, so that a refusal is of that change: its inverse is appended, with the reason.
//! What cannot be carried out at the start is nobody's change any more; health says so, and the rest holds. The schedule is
//! applied by a timer that ends when a rule begins or ends.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use revaer_application::{Application, Caller, CommandError, SettingsChange, SystemStream};
use revaer_domain::engine::EngineEvent;
use revaer_domain::health::HealthState;
use revaer_domain::settings::{Settings, SettingsEvent};
use revaer_engine::{EngineHandle, IpFilter, Password, Profile, Refusal};
use revaer_event_log::Version;
use revaer_event_schema::{Metadata, encode_engine};
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use crate::backoff::Backoff;
use crate::caps;

/// Changes read at once.
const PAGE: u32 = 100;
/// The clock is looked at again after so long: somebody may have set it.
const CLOCK_TRUSTED_FOR: Duration = Duration::from_hours(1);
/// The part of the service that health knows this as.
const COMPONENT: &str = "engine.settings";
const IP_FILTER_FILE: &str = "/engine/ip_filter_file";
const PROXY_PASSWORD: &str = "/engine/proxy/password";

/// The reactor.
pub struct SettingsApplier {
    application: Application,
    engine: EngineHandle,
    engine_stream: SystemStream,
    /// The document as far as it was applied.
    recorded: Settings,
    version: Version,
    /// The path that the filter in force was read from.
    ip_filter: (Option<String>, Arc<IpFilter>),
    /// What could not be carried out, by its key.
    problems: BTreeMap<&'static str, String>,
    was_ill: bool,
    begun: CancellationToken,
}

/// A profile, and what is missing from it.
struct Made {
    profile: Profile,
    refused: Vec<Refusal>,
    next_change: Option<OffsetDateTime>,
}

impl SettingsApplier {
    /// An applier of these settings to this session, from the settings as they were read at the start. `begun` is cancelled
    /// when they were applied for the first time: nothing should move before.
    pub fn new(application: Application, engine: EngineHandle, begun: CancellationToken) -> Self {
        let now = application.settings().now();
        let engine_stream = SystemStream::new(application.log().clone(), "engine");
        Self {
            engine_stream,
            recorded: now.recorded.clone(),
            version: now.version,
            ip_filter: (None, Arc::default()),
            problems: BTreeMap::new(),
            was_ill: false,
            begun,
            application,
            engine,
        }
    }

    /// Runs until shutdown.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let mut view = self.application.settings();
        let mut deaf = self.engine.deaf();
        let mut next_change = self.apply(None, None).await;
        self.begun.cancel();
        loop {
            self.tell_health(deaf.borrow_and_update().clone());
            let alarm = self.pause_until(next_change);
            tokio::select! {
                _ = view.changed() => match self.catch_up(&shutdown).await {
                    Some(next) => next_change = next.or(next_change),
                    None => return,
                },
                () = tokio::time::sleep(alarm) => next_change = self.apply(None, next_change).await,
                Ok(()) = deaf.changed() => {}
                () = shutdown.cancelled() => return,
            }
        }
    }

    /// Every change since the last, one after another; `None` when shutdown came first.
    async fn catch_up(&mut self, shutdown: &CancellationToken) -> Option<Option<OffsetDateTime>> {
        let mut next_change = None;
        let mut backoff = Backoff::new();
        loop {
            match self.application.settings_history(self.version, PAGE).await {
                Ok(changes) if changes.is_empty() => return Some(next_change),
                Ok(changes) => {
                    for change in changes {
                        self.recorded.apply(&SettingsEvent::Changed(change.changed.clone()));
                        self.version = change.version;
                        next_change = self.apply(Some(&change), Some(change.recorded_at)).await;
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "changes of the settings wait for the log");
                    if !backoff.wait(shutdown).await {
                        return None;
                    }
                }
            }
        }
    }

    /// Applies the settings as they are known here; when the schedule changes next.
    async fn apply(
        &mut self,
        change: Option<&SettingsChange>,
        asked_at: Option<OffsetDateTime>,
    ) -> Option<OffsetDateTime> {
        let Made { profile, mut refused, next_change } = self.make().await;
        let before = self.engine.profile();
        if profile != before || !refused.is_empty() {
            match self.engine.apply(profile).await {
                Ok(more) => refused.extend(more),
                // The next session begins with it.
                Err(error) => tracing::warn!(%error, "the session takes no settings now"),
            }
        }
        let since = self.application.clock().now();
        let caps = (before.rate_cap, self.engine.profile().rate_cap);
        for applied in caps::applied(None, caps, asked_at.unwrap_or(since), since) {
            let event = EngineEvent::RateCapApplied(applied);
            let metadata = Metadata::of_system("engine", "engine");
            if let Err(error) = self.engine_stream.append(encode_engine(&event, &metadata)).await {
                tracing::warn!(%error, "a limit that came into force is not recorded");
            }
        }
        self.problems.clear();
        if let Some(complaint) = self.ip_filter.1.complaint() {
            self.problems.insert(IP_FILTER_FILE, complaint);
        }
        for Refusal { pointer, reason } in &refused {
            self.problems.insert(pointer, reason.clone());
        }
        if let Some(change) = change {
            self.take_back(change, &refused).await;
        }
        next_change
    }

    /// Appends the inverse of a change that the session refused.
    async fn take_back(&self, change: &SettingsChange, refused: &[Refusal]) {
        let is_of_change = |refusal: &&Refusal| {
            let beneath = format!("{}/", refusal.pointer);
            let paths = change.changed.changes.iter();
            paths.map(|change| &change.path).any(|path| path == refusal.pointer || path.starts_with(&beneath))
        };
        // What a compensation brings back was there before: to take that back, too, would go on for ever.
        let is_compensation = change.changed.reason.is_some();
        let reasons: Vec<&str> =
            refused.iter().filter(is_of_change).map(|refusal| refusal.reason.as_str()).collect();
        if reasons.is_empty() || is_compensation {
            return;
        }
        let correlation_id = change.metadata.as_ref().map(|metadata| metadata.correlation_id.clone());
        let causation = format!("position:{}", change.position);
        let caller = Caller::system("system", correlation_id.unwrap_or_default(), Some(causation));
        let reason = reasons.join("; ");
        tracing::warn!(reason, position = %change.position, "a change of settings is taken back");
        for _ in 0..3 {
            match self.application.compensate_settings(change.position, reason.clone(), &caller).await {
                Ok(_) => return,
                Err(revaer_application::SettingsError::Command(
                    CommandError::VersionConflict | CommandError::Unavailable,
                )) => {}
                Err(error) => {
                    tracing::warn!(%error, "a change of settings cannot be taken back");
                    return;
                }
            }
        }
        tracing::warn!(position = %change.position, "a change of settings that was refused still stands");
    }

    /// The profile of the settings at this moment, with what is kept elsewhere.
    async fn make(&mut self) -> Made {
        let overrides = self.application.settings_overrides();
        let values: Vec<_> = overrides.iter().map(|given| (given.pointer, given.value.clone())).collect();
        let settings = self.recorded.overridden(&values);
        let mut refused = Vec::new();
        let file = settings.engine.ip_filter_file.clone();
        if file != self.ip_filter.0 {
            match read_ip_filter(file.clone()).await {
                Ok(filter) => self.ip_filter = (file, Arc::new(filter)),
                Err(reason) => refused.push(Refusal { pointer: IP_FILTER_FILE, reason }),
            }
        }
        let proxy_password = match settings.engine.proxy.password {
            None => None,
            Some(of) => {
                if let Ok(Some(secret)) = self.application.secret(of).await {
                    Some(Password(secret.as_str().to_owned()))
                } else {
                    let reason = "the password of the proxy cannot be read".to_owned();
                    refused.push(Refusal { pointer: PROXY_PASSWORD, reason });
                    self.engine.profile().proxy_password
                }
            }
        };
        let caps = settings.limits.caps_at(self.application.clock().now());
        let profile = Profile {
            rate_cap: caps.caps,
            limits_apply_to_local_peers: settings.limits.apply_to_local_peers,
            proxy_password,
            ip_filter: Arc::clone(&self.ip_filter.1),
            engine: settings.engine,
        };
        Made { profile, refused, next_change: caps.next_change }
    }

    fn pause_until(&self, next_change: Option<OffsetDateTime>) -> Duration {
        let left = next_change.map(|next| next - self.application.clock().now());
        // A moment that has passed is now, and never an endless series of nows.
        left.map_or(CLOCK_TRUSTED_FOR, |left| {
            Duration::try_from(left).unwrap_or_default().clamp(Duration::from_millis(1), CLOCK_TRUSTED_FOR)
        })
    }

    fn tell_health(&mut self, deaf: Option<String>) {
        let deaf = deaf.map(|reason| format!("peers cannot connect: {reason}"));
        let problems = self.problems.iter().map(|(pointer, reason)| format!("{pointer}: {reason}"));
        let reasons: Vec<String> = problems.chain(deaf).collect();
        let registry = self.application.health();
        if !reasons.is_empty() {
            self.was_ill = true;
            registry.set(COMPONENT, HealthState::Degraded, reasons.join("; "));
        } else if std::mem::take(&mut self.was_ill) {
            registry.set(COMPONENT, HealthState::Well, "");
        }
    }
}

async fn read_ip_filter(file: Option<String>) -> Result<IpFilter, String> {
    let Some(file) = file else { return Ok(IpFilter::default()) };
    let path = PathBuf::from(file);
    match tokio::task::spawn_blocking(move || IpFilter::read(&path)).await {
        Ok(read) => read.map_err(|error| error.to_string()),
        Err(panicked) => Err(panicked.to_string()),
    }
}
