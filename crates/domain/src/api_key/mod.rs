//! The API key: one aggregate, from the issue to the revocation.
//!
//! A key is known by an id and proves itself by a secret. The rules know fingerprints alone: the secret is drawn, kept as a
//! keyed hash and compared by whoever gives the command, and is in no fact.

mod aggregate;
mod command;
mod decide;
mod error;
mod event;
mod request_limit;
mod scope;
mod state;

pub use aggregate::KeyRules;
pub use command::KeyCommand;
pub use error::KeyRefused;
pub use event::{Issued, KeyEvent, Rotated};
pub use request_limit::{BURST_MAX, InvalidRequestLimit, REQUESTS_PER_SECOND_MAX, RequestLimit};
pub use scope::{InvalidScope, Scope};
pub use state::{ApiKey, Lifecycle, Replaced};
