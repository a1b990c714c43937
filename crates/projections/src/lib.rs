//! Read models: what the lists and details of the API are read from, folded from the log.
//!
//! Each projection follows the log and keeps rows; the rows and the place they reach are written in one transaction, so
//! every fact counts exactly once. A projection whose definition changed is built again beside the one that is read, and
//! takes its place in one transaction. Nothing here decides or appends: rows may trail the log and can be made again at
//! any time, so whoever decides folds the log itself.

mod ahead;
mod audit;
mod batch;
mod checkpoint;
mod cursor;
mod error;
mod files;
mod generation;
mod health;
mod index;
mod list;
mod live;
mod metrics;
mod model;
mod projections;
mod projector;
mod query;
mod rebuild;
mod row;
mod standing;
mod torrents;
mod verify;

pub use audit::{AuditPage, AuditQuery};
pub use error::{Error, QueryError};
pub use health::{ProjectionHealth, ProjectorHealth};
pub use metrics::Metrics;
pub use projections::Projections;
pub use projector::Projector;
pub use query::{Page, Sort, TorrentQuery};
pub use rebuild::rebuild;
pub use row::{FileRow, TorrentRow};
pub use torrents::tracker_hosts;
pub use verify::verify;

/// Every projection, by name.
pub const PROJECTIONS: [&str; 3] = [torrents::NAME, files::NAME, audit::NAME];
