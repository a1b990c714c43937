//! An append-only log of facts on Postgres, with one total order, and samples beside them.
//!
//! Payloads are opaque JSON: this crate does not know what a torrent is. Appends go through one writer for each process,
//! which commits many commands at once; readers page by position or follow through a ring in memory. The database itself
//! refuses to change a fact.

mod append;
mod error;
mod log;
mod migrate;
mod options;
mod read;
mod ring;
mod samples;
mod subscription;
mod tailer;
mod types;
mod writer;

pub use error::{AppendError, MigrateError, OpenError, ReadError};
pub use log::{EventLog, Runner};
pub use migrate::migrate;
pub use options::{Options, connect};
pub use subscription::Subscription;
pub use types::{
    Append, Appended, Body, CommandOutcome, CommandRecord, Entry, Fact, InvalidStreamId, NewFact, Position,
    Samples, StreamId, Version,
};
