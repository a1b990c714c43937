//! What is asked for when somebody looks: queues, places in the log, connections. Nothing keeps these up to date in between.

use std::sync::Arc;
use std::time::Instant;

use revaer_api::Limits;
use revaer_application::Application;
use revaer_domain::health::HealthState;
use revaer_engine::EngineHandle;
use revaer_event_log::{EventLog, Position};
use revaer_metrics::{Collectors, Gauge, GaugeVec};
use revaer_projections::Projections;
use tokio::sync::watch;

use super::Tide;
use crate::health::Rooms;

/// Where the levels are read.
pub(crate) struct Sources {
    pub(crate) log: EventLog,
    pub(crate) application: Application,
    pub(crate) engine: EngineHandle,
    pub(crate) projections: Projections,
    pub(crate) limits: watch::Receiver<Arc<Limits>>,
    pub(crate) tide: Tide,
    pub(crate) rooms: watch::Receiver<Rooms>,
}

/// The levels, as they were last read.
pub(crate) struct Levels {
    queue_depth: GaugeVec,
    queue_max: GaugeVec,
    log_position: Gauge,
    ring_entries: Gauge,
    ring_bytes: Gauge,
    position: GaugeVec,
    lag_entries: GaugeVec,
    lag_seconds: GaugeVec,
    connections: GaugeVec,
    connections_max: Gauge,
    clients_max: Gauge,
    http_connections_max: Gauge,
    lists_in_memory: Gauge,
    disk_free: GaugeVec,
    disk_size: GaugeVec,
    health: GaugeVec,
    setup_complete: Gauge,
}

impl Levels {
    pub(crate) fn new(all: &mut Collectors) -> Self {
        let build = all.levels(
            "revaer_build_info",
            "Always 1; its labels say what runs.",
            &["version", "revision", "libtorrent"],
        );
        build.with_label_values(&[super::VERSION, super::REVISION, &libtorrent_sys::version()]).set(1.0);
        Self {
            queue_depth: all.levels("revaer_queue_depth", "What waits in a queue.", &["queue"]),
            queue_max: all.levels("revaer_queue_max", "How much may wait in a queue.", &["queue"]),
            log_position: all.level(
                "revaer_log_position",
                "The newest position that the followers of this process can have.",
            ),
            ring_entries: all.level("revaer_log_ring_entries", "Entries kept in memory for followers near the head."),
            ring_bytes: all.level("revaer_log_ring_bytes", "Bytes kept in memory for followers near the head."),
            position: all.levels(
                "revaer_follower_position",
                "The position up to which a projection or a reactor has dealt with the log.",
                &["follower"],
            ),
            lag_entries: all.levels(
                "revaer_follower_lag_positions",
                "Positions between a follower and the newest one: at most so many facts and ticks of samples.",
                &["follower"],
            ),
            lag_seconds: all.levels(
                "revaer_follower_lag_seconds",
                "For how long there has been something that a follower has not dealt with.",
                &["follower"],
            ),
            connections: all.levels(
                "revaer_database_connections",
                "Connections of the pool to the database.",
                &["state"],
            ),
            connections_max: all.level("revaer_database_connections_max", "How many connections the pool may have."),
            clients_max: all.level("revaer_sse_clients_max", "How many clients may follow the events."),
            http_connections_max: all.level("revaer_http_connections_max", "How many connections clients may have."),
            lists_in_memory: all.level(
                "revaer_lists_in_memory",
                "1 when lists are found in memory; 0 while they are read from the database.",
            ),
            disk_free: all.levels(
                "revaer_disk_free_bytes",
                "Room that is left for the service where it writes; as of some seconds ago.",
                &["root"],
            ),
            disk_size: all.levels("revaer_disk_size_bytes", "How large the disk is.", &["root"]),
            health: all.levels(
                "revaer_health",
                "How each part is: 0 well, 1 degraded, 2 failed.",
                &["component"],
            ),
            setup_complete: all.level("revaer_setup_complete", "1 when the setup is complete."),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "the format knows floating point alone")]
    pub(crate) fn read(&self, sources: &Sources) {
        let Sources { log, application, engine, projections, limits, tide, rooms } = sources;
        for (name, (depth, max)) in [("log", log.queue()), ("engine", engine.queue())] {
            self.queue_depth.with_label_values(&[name]).set(depth as f64);
            self.queue_max.with_label_values(&[name]).set(max as f64);
        }
        // Bounded by the torrents, of which there is no greatest number.
        self.queue_depth.with_label_values(&["notices"]).set(engine.notices_waiting() as f64);
        let (entries, bytes) = log.ring();
        self.ring_entries.set(entries as f64);
        self.ring_bytes.set(bytes as f64);
        let (now, tail) = (Instant::now(), log.tail_position());
        self.log_position.set(tail.0 as f64);
        for (follower, reached) in followers(log, projections) {
            let labels = &[follower.as_str()];
            self.position.with_label_values(labels).set(reached.0 as f64);
            self.lag_entries.with_label_values(labels).set((tail.0 - reached.0).max(0) as f64);
            self.lag_seconds.with_label_values(labels).set(tide.behind(now, reached).as_secs_f64());
        }
        let pool = log.pool();
        let idle = pool.num_idle();
        self.connections.with_label_values(&["idle"]).set(idle as f64);
        self.connections.with_label_values(&["used"]).set((pool.size() as usize).saturating_sub(idle) as f64);
        self.connections_max.set(f64::from(pool.options().get_max_connections()));
        let limits = Arc::clone(&limits.borrow());
        self.clients_max.set(limits.sse_clients_max as f64);
        self.http_connections_max.set(limits.connections_max as f64);
        self.lists_in_memory.set(f64::from(u8::from(*projections.lists_in_memory().borrow())));
        for (component, room) in rooms.borrow().iter() {
            let root = component.strip_prefix("disk.").unwrap_or(component);
            self.disk_free.with_label_values(&[root]).set(room.free_bytes as f64);
            self.disk_size.with_label_values(&[root]).set(room.size_bytes as f64);
        }
        for part in application.health().snapshot() {
            self.health.with_label_values(&[part.component.as_str()]).set(rank(part.state));
        }
        self.setup_complete.set(f64::from(u8::from(application.is_set_up())));
    }
}

/// Everybody who follows the log in this process, by name.
pub(crate) fn followers(
    log: &EventLog,
    projections: &Projections,
) -> impl Iterator<Item = (String, Position)> {
    let projected = projections.positions().map(|(name, reached)| (format!("projection.{name}"), reached));
    let named = log.followers().into_iter().map(|(name, reached)| (name.to_owned(), reached));
    projected.collect::<Vec<_>>().into_iter().chain(named)
}

const fn rank(state: HealthState) -> f64 {
    match state {
        HealthState::Well => 0.0,
        HealthState::Degraded => 1.0,
        HealthState::Failed => 2.0,
    }
}
