//! The HTTP API: REST, the event stream, health, and the OpenAPI document that is generated from all of it.
//!
//! A handler parses, asks the application or a read model, and presents; it decides nothing. Statuses are decided in `problem`
//! alone, bodies are read in `body` alone, and what the wire carries is made in `present` alone. The API does not know
//! libtorrent, and it never waits for it: a command is answered when the log has it.

mod access;
mod advice;
mod allow;
mod audit;
mod body;
mod caller;
mod client_address;
mod context;
mod cors;
mod edge;
mod events;
mod guard;
mod headers;
mod health;
mod keys;
mod limits;
mod metrics;
mod origin;
mod parameter;
mod pattern;
mod payload;
mod present;
mod problem;
mod rejected;
mod request_id;
mod schemas;
mod serve;
mod service;
mod settings;
mod setup;
mod torrents;

pub use access::Access;
pub use limits::Limits;
pub use metrics::{Exposition, Metrics};
pub use serve::{BadCertificate, Certificate, Server, Tls};
#[cfg(feature = "bench")]
pub use service::service_without_guard;
pub use service::{About, Parts, document, service};
