//! What all rooms count, gathered, and what is read beside it when somebody looks.
//!
//! A room moves its own collectors where the thing happens and knows nothing of this; here is the one place that knows them all.
//! A scrape costs the same whatever the number of torrents.

mod levels;
mod session;
mod tide;

use async_trait::async_trait;
use revaer_api::Exposition;
use revaer_metrics::{Collectors, exposition};

use self::levels::Levels;
pub(crate) use self::levels::{Sources, followers};
use self::session::SessionCounters;
pub(crate) use self::tide::Tide;

/// The version of the service.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The revision that it was built from; whoever builds a release says it.
pub(crate) const REVISION: &str = match option_env!("REVAER_REVISION") {
    Some(revision) => revision,
    None => "unknown",
};

/// The collectors of every room.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rooms {
    pub(crate) log: revaer_event_log::Metrics,
    pub(crate) application: revaer_application::Metrics,
    pub(crate) projections: revaer_projections::Metrics,
    pub(crate) engine: revaer_engine::Metrics,
    pub(crate) reactors: revaer_reactors::Metrics,
    pub(crate) api: revaer_api::Metrics,
}

/// Everything that can be shown.
pub(crate) struct Telemetry {
    all: Collectors,
    levels: Levels,
    session: SessionCounters,
    sources: Sources,
    /// Those rooms that take their collectors from here.
    pub(crate) rooms: Rooms,
}

impl Telemetry {
    /// Of the rooms behind these sources.
    pub(crate) fn new(sources: Sources) -> Self {
        let rooms = Rooms {
            log: sources.log.metrics().clone(),
            application: sources.application.metrics().clone(),
            projections: sources.projections.metrics().clone(),
            engine: sources.engine.metrics().clone(),
            ..Rooms::default()
        };
        let (all, levels, session) = gathered(&rooms);
        Self { all, levels, session, sources, rooms }
    }

    /// What the log's end is marked in.
    pub(crate) fn tide(&self) -> Tide {
        self.sources.tide.clone()
    }
}

#[async_trait]
impl Exposition for Telemetry {
    async fn text(&self) -> String {
        self.session.read(&self.sources.engine).await;
        self.levels.read(&self.sources);
        exposition(&self.all)
    }
}

/// Everything that can be shown, without anything that it could be read from: for the reference of what there is.
pub(crate) fn everything() -> Collectors {
    gathered(&Rooms::default()).0
}

fn gathered(rooms: &Rooms) -> (Collectors, Levels, SessionCounters) {
    let mut all = Collectors::default();
    for room in [
        rooms.log.collectors(),
        rooms.application.collectors(),
        rooms.projections.collectors(),
        rooms.engine.collectors(),
        rooms.reactors.collectors(),
        rooms.api.collectors(),
    ] {
        all.join(room);
    }
    let levels = Levels::new(&mut all);
    let session = SessionCounters::new(&mut all);
    all.process();
    (all, levels, session)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use revaer_metrics::{Kind, families};

    use super::*;

    #[test]
    fn names_follow_the_conventions_and_no_two_rooms_share_one() {
        let families = families(&everything());
        let names: BTreeSet<_> = families.iter().map(|family| family.name.as_str()).collect();
        assert_eq!(names.len(), families.len(), "a name is given twice");
        for family in &families {
            let name = family.name.as_str();
            let ours = ["revaer_", "libtorrent_", "process_"].iter().any(|prefix| name.starts_with(prefix));
            assert!(ours, "{name} does not say whose it is");
            assert_eq!(name.ends_with("_total"), family.kind == Kind::Counter, "{name}");
            assert!(family.help.ends_with('.'), "{name} is not described in a sentence");
            let is_one_of_us =
                |label: &String| ["torrent", "info_hash", "key", "address", "path"].contains(&label.as_str());
            assert!(!family.labels.iter().any(is_one_of_us), "{name} has a label without a bound");
        }
    }
}
