//! What the rooms count and time of themselves, under names that belong together.
//!
//! Each room has a struct of collectors of its own and moves them where the thing happens: a relaxed addition, with no lock and no
//! look-up where a label can be resolved beforehand. Whoever wires the rooms gathers them all. Labels are bounded by the code,
//! never by what a client or a torrent says.
//!
//! Deliberately not here: a global registry, which two logs in one process would share, and any number that has to be asked
//! for. Queue depths and positions are read from the rooms' handles when somebody looks.

mod collectors;
mod family;
mod reading;

pub use collectors::Collectors;
pub use family::{Family, Kind, exposition, families};
pub use prometheus::{Gauge, GaugeVec, Histogram, HistogramVec, IntCounter, IntCounterVec};
pub use reading::Reading;

/// From half a millisecond, a commit on a quick disk, to ten seconds, more than any request waits.
pub const SECONDS: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Doubling, for what comes in batches of up to some hundreds.
pub const COUNTS: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0];
