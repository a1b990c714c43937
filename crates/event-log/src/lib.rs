//! An append-only log of facts on Postgres, with one total order, and samples beside them.
//!
//! Appends of a process go through one writer, which commits many commands at once under one lock; readers page by position
//! or follow through a ring in memory. A reader that has seen a position never finds a new fact below it, however many
//! processes append, and a position is never given out twice, crashes included. The database itself refuses to change a fact.
//!
//! Payloads are opaque JSON: this crate doesn't know what a torrent is, does not decide and does not project.

mod append;
mod batch;
mod dump;
mod entry;
mod error;
mod followers;
mod keeper;
mod known;
mod link;
mod log;
mod metrics;
mod migrate;
mod options;
mod position;
mod read;
mod replay;
mod ring;
mod statements;
mod stream_id;
mod subscription;
mod tailer;
mod verify;
mod writer;

pub use append::{Append, Appended, CommandOutcome, CommandRecord, NewFact, Repeat};
pub use dump::{Dump, Load, Moment, Rows, Table};
pub use entry::{Body, Entry, Fact, Samples};
pub use error::{AppendError, LoadError, MigrateError, OpenError, ReadError, Unavailable};
pub use log::{EventLog, Runner};
pub use metrics::Metrics;
pub use migrate::{DatabaseVersion, migrate};
pub use options::{Options, Retention, connect};
pub use position::Position;
pub use replay::{Contents, Replay};
pub use stream_id::{InvalidStreamId, StreamId, Version};
pub use subscription::Subscription;
pub use verify::Finding;
