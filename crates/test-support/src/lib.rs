//! What the tests of several crates share.
//!
//! Nothing here is a stand-in: a [`TestDatabase`] is a database of a real PostgreSQL, a [`CrashableCluster`] a whole one to be
//! killed, a `Seeder` a real libtorrent session, a `ServiceProcess` the real program. Tests use it as a dev-dependency only;
//! nothing that ships knows it. A crate that tests no swarm does not build libtorrent for it: what needs more than a
//! database is behind the features `swarm` and `service`.

#[cfg(feature = "swarm")]
mod bare;
mod crashable;
mod database;
mod documents;
#[cfg(feature = "service")]
mod events;
#[cfg(feature = "swarm")]
mod payload;
#[cfg(feature = "service")]
mod said;
#[cfg(feature = "swarm")]
mod seeder;
#[cfg(feature = "service")]
mod service;
mod shared;

#[cfg(feature = "swarm")]
pub use bare::bare_settings;
pub use crashable::CrashableCluster;
pub use database::TestDatabase;
pub use documents::{DocumentedLine, documented_lines};
#[cfg(feature = "service")]
pub use events::{EventReader, ServerEvent};
#[cfg(feature = "swarm")]
pub use payload::{Payload, PayloadFile, sha256_tree};
#[cfg(feature = "swarm")]
pub use seeder::{Seeder, SeederOptions, loopback_settings};
#[cfg(feature = "service")]
pub use service::{ServiceOptions, ServiceProcess};
pub use shared::{DATABASE_URL_VARIABLE, disposable_cluster};
