//! Health of the parts of the service, in the stream `health`.

use serde::{Deserialize, Serialize};

/// How well a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HealthState {
    /// It does its work.
    Well,
    /// It works with limits, or is about to come back.
    Degraded,
    /// It does not work.
    Failed,
}

/// `health.changed`: a part went from one state to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthChanged {
    /// The part, for instance `engine`.
    pub component: String,
    /// Its state before.
    pub from: HealthState,
    /// Its state now.
    pub to: HealthState,
    /// Why, in a sentence; empty when it is well.
    pub reason: String,
}
