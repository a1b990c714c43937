//! Events of the roots of libraries.

use revaer_domain::roots::RootEvent;
use revaer_event_log::NewFact;

use crate::codec::{fact, to_json};
use crate::{DecodeError, Metadata};

pub(crate) const ROOT_MARKED: &str = "root.marked";

/// An event of a root as a fact to append.
pub fn encode_root(event: &RootEvent, metadata: &Metadata) -> NewFact {
    match event {
        RootEvent::Marked(marked) => fact(ROOT_MARKED, to_json(marked), metadata),
    }
}

/// Reads one of these events back.
pub(crate) fn decode_root(data: &str) -> Result<RootEvent, DecodeError> {
    crate::codec::from_json(ROOT_MARKED, data).map(RootEvent::Marked)
}
