//! The service's stream of events, followed over lost connections: each fact once and in order.

mod backoff;
mod event;
mod follower;
mod resume;

pub(crate) use backoff::Backoff;
pub(crate) use event::Event;
pub(crate) use follower::{Filter, FirstContact, Followed, follow};
pub(crate) use resume::Resume;
