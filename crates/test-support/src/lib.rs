//! What the tests of several crates share.
//!
//! Nothing here is a stand-in: a [`TestDatabase`] is a database of a real PostgreSQL, a [`CrashableCluster`] a whole one to be
//! killed. Tests use it as a dev-dependency only; nothing that ships knows it.

mod crashable;
mod database;
mod shared;

pub use crashable::CrashableCluster;
pub use database::TestDatabase;
pub use shared::{DATABASE_URL_VARIABLE, disposable_cluster};
