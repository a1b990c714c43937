//! What announces nothing when it goes wrong, looked at every few seconds: disks, queues, followers of the log, the clock, and
//! how long the session takes to answer.
//!
//! Each has two marks and recovers by itself. What can tell by itself (the session, the projections) is followed and not asked.

use std::sync::Arc;
use std::time::{Duration, Instant};

use revaer_application::{Application, HealthRegistry, Section};
use revaer_domain::health::HealthState;
use revaer_domain::settings::TelemetrySettings;
use revaer_engine::EngineHandle;
use revaer_projections::Projections;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use super::disks::{Disk, Room, Root};
use super::hysteresis::Hysteresis;
use super::steps::Steps;
use crate::telemetry::{Tide, followers};

/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// A queue is too full at four fifths of its bound, and well again at half.
const QUEUE_ENTER: f64 = 0.8;
const QUEUE_LEAVE: f64 = 0.5;
/// A follower has caught up when it is behind by no more than this part of the mark.
const LAG_LEAVE: f64 = 0.2;

/// How much room each folder has, as it was last seen.
pub(crate) type Rooms = Arc<[(String, Room)]>;

/// What is looked at.
pub(crate) struct Watcher {
    application: Application,
    engine: EngineHandle,
    projections: Projections,
    tide: Tide,
    settings: Section<TelemetrySettings>,
    disks: Vec<Disk>,
    rooms: watch::Sender<Rooms>,
    lag: Hysteresis,
    queues: Hysteresis,
    steps: Steps,
}

impl Watcher {
    /// A watcher of these folders, and of the rest.
    pub(crate) fn new(
        application: Application,
        engine: EngineHandle,
        projections: Projections,
        tide: Tide,
        roots: Vec<Root>,
    ) -> (Self, watch::Receiver<Rooms>) {
        let (rooms, watch_rooms) = watch::channel(Rooms::from([]));
        let watcher = Self {
            settings: application.settings().section(|settings| &settings.telemetry),
            disks: roots.into_iter().map(Disk::new).collect(),
            rooms,
            lag: Hysteresis::default(),
            queues: Hysteresis::default(),
            steps: Steps::new(application.clock().now(), Instant::now()),
            application,
            engine,
            projections,
            tide,
        };
        (watcher, watch_rooms)
    }

    /// Looks until it is dropped; a change of the marks is looked at once.
    pub(crate) async fn run(mut self) {
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                _ = self.settings.changed() => {}
            }
            self.look().await;
        }
    }

    async fn look(&mut self) {
        let registry = self.application.health().clone();
        let marks = self.settings.seen().clone();
        for disk in &mut self.disks {
            let (state, reason) = disk.look(marks.disk_free_bytes_min).await;
            registry.set(&disk.root.component, state, reason);
        }
        let seen = self.disks.iter();
        let rooms = seen.filter_map(|disk| Some((disk.root.component.clone(), disk.room.clone()?)));
        self.rooms.send_replace(rooms.collect());
        self.look_at_followers(&registry, f64::from(marks.follower_lag_seconds_max));
        self.look_at_queues(&registry);
        let told = self.steps.look(self.application.clock().now(), Instant::now());
        tell(&registry, "clock", told);
        if let Ok(latency) = self.engine.ping().await {
            registry.measured("engine", latency);
        }
    }

    /// The one that is furthest behind speaks for all: they follow one log.
    fn look_at_followers(&mut self, registry: &HealthRegistry, mark: f64) {
        let now = Instant::now();
        let behind = followers(self.application.log(), &self.projections)
            .map(|(name, reached)| (self.tide.behind(now, reached), name));
        let (furthest, name) = behind.max().unwrap_or_default();
        let is_behind = self.lag.is_over(furthest.as_secs_f64(), mark, mark * LAG_LEAVE);
        let told = is_behind.then(|| format!("{name} is {} s behind the log", furthest.as_secs()));
        tell(registry, "log.followers", told);
    }

    #[expect(clippy::cast_precision_loss, reason = "a part of a bound")]
    fn look_at_queues(&mut self, registry: &HealthRegistry) {
        let queues = [("the log", self.application.log().queue()), ("the session", self.engine.queue())];
        let fullest = queues
            .into_iter()
            .map(|(name, (depth, max))| (depth as f64 / max.max(1) as f64, name, depth, max));
        let Some((part, name, depth, max)) = fullest.max_by(|one, other| one.0.total_cmp(&other.0)) else {
            return;
        };
        let is_full = self.queues.is_over(part, QUEUE_ENTER, QUEUE_LEAVE);
        let told = is_full.then(|| format!("{depth} of at most {max} wait for {name}"));
        tell(registry, "queues", told);
    }
}

fn tell(registry: &HealthRegistry, component: &str, told: Option<String>) {
    let state = if told.is_some() { HealthState::Degraded } else { HealthState::Well };
    registry.set(component, state, told.unwrap_or_default());
}
