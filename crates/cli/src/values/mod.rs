//! What arguments are made of, parsed once.
//!
//! Only what the client has to understand itself is judged here; the rest is judged by the service.

mod api_key;
mod event_id;
mod limit;
mod priority;
mod size;
mod torrent_ref;

pub(crate) use api_key::ApiKey;
pub(crate) use event_id::EventId;
pub(crate) use limit::Limit;
pub(crate) use priority::{PriorityRule, priority_word};
pub(crate) use size::parse_size;
pub(crate) use torrent_ref::TorrentRef;
