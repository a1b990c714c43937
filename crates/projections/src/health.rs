//! How well the projections are, for whoever reports it.

use std::collections::BTreeMap;

use revaer_event_log::Position;

/// How one projection is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProjectionHealth {
    /// It follows the log, or stands by for the process that does.
    Well,
    /// It tries again; the rows that are there are served meanwhile.
    Degraded {
        /// What went wrong last.
        reason: String,
    },
    /// It met a fact that it does not understand and stands before it; the old rows are served.
    Halted {
        /// Where the fact lies.
        position: Position,
        /// What is wrong with it.
        reason: String,
    },
}

/// How all projections of this process are, by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProjectorHealth(pub BTreeMap<&'static str, ProjectionHealth>);

impl ProjectorHealth {
    /// The first projection that is not well, if there is one; a halted one before a degraded one.
    pub fn worst(&self) -> Option<(&'static str, &ProjectionHealth)> {
        let rank = |health: &ProjectionHealth| match health {
            ProjectionHealth::Halted { .. } => 0,
            ProjectionHealth::Degraded { .. } => 1,
            ProjectionHealth::Well => 2,
        };
        let (name, health) = self.0.iter().min_by_key(|(_, health)| rank(health))?;
        (*health != ProjectionHealth::Well).then_some((*name, health))
    }
}
