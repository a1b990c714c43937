//! The only place where facts cause effects, and where what libtorrent does becomes facts.
//!
//! Five loops, none of which knows the others: the reconciler brings the session to what the log says, the observer gives
//! what the session says to the rules, the sampler packs progress, the recorder of counters keeps the totals of each day, the limiter of sharing deals with those that have shared enough. The
//! loop between them closes only through the log.

mod applier;
mod backoff;
mod caps;
mod causes;
mod counters;
mod metrics;
mod observer;
mod reconciler;
mod sampler;
mod sharing;

pub use applier::SettingsApplier;
pub use causes::Causes;
pub use counters::CounterRecorder;
pub use metrics::Metrics;
pub use observer::Observer;
pub use reconciler::{ReconcileAll, Reconciler};
pub use sampler::Sampler;
pub use sharing::ShareLimiter;
