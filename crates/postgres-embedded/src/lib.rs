//! A private PostgreSQL that belongs to one data directory.
//!
//! Revaer's memory is a Postgres log, and nobody should have to run a database server to try it. [`Cluster`] finds the
//! installed server, makes a cluster in `<data_dir>/postgres`, starts it on a unix socket only, takes over what a crash
//! left behind, restarts it when it dies and stops it last.
//!
//! The crate knows nothing of SQL: it opens no connection, holds no schema, and creates one empty database through the
//! server's own single-user mode. It binds no TCP port, ever. It never touches a cluster that another process supervises.

mod account;
mod address;
mod binaries;
mod cluster;
mod error;
mod initialise;
mod layout;
mod lock;
mod options;
mod postmaster;
mod server_log;
mod stale;

pub use address::Address;
pub use cluster::Cluster;
pub use error::Error;
pub use lock::DataDirLock;
pub use options::{Lifetime, Options};
