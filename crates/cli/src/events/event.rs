//! What stands in one frame of the stream: a fact, a sample, or word of the stream itself.
//!
//! The JSON is kept as it came: a service that is newer than this client says more than this client knows.

use revaer_wire::EventFrame;
use serde::Deserialize;

use crate::failure::Failure;
use crate::values::EventId;

/// A fact or a sample.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    /// From where to go on once it is taken; a frame in the middle of a tick carries the id before the tick.
    pub(crate) id: Option<EventId>,
    /// What it says.
    pub(crate) frame: EventFrame,
    /// The same as it came.
    pub(crate) json: String,
}

/// A frame.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Frame {
    /// A fact or a sample.
    Event(Box<Event>),
    /// The id is none of this log's: what follows comes from its head on.
    Reset {
        /// From where to go on.
        id: EventId,
        /// What was said.
        json: String,
    },
    /// Samples between two places are no longer kept.
    SamplesGap {
        /// What was said.
        json: String,
    },
}

#[derive(Deserialize)]
struct Reset {
    head: i64,
}

impl Frame {
    /// Reads a frame of the stream.
    pub(crate) fn read(kind: &str, id: &str, json: String) -> Result<Frame, Failure> {
        let not_understood = |what: String| Failure::Unexpected { status: None, what };
        let id: Option<EventId> = match id {
            "" => None,
            id => Some(id.parse().map_err(|error| not_understood(format!("the event id {id:?}: {error}")))?),
        };
        match kind {
            "samples-gap" => Ok(Frame::SamplesGap { json }),
            "reset" => {
                let Reset { head } = serde_json::from_str(&json)
                    .map_err(|error| not_understood(format!("{error} in a reset: {json}")))?;
                // Without an id of its own, the last one that was seen is shown, which is the other log's.
                let id = id.filter(|id| id.position() == head).unwrap_or(EventId::of_position(head));
                Ok(Frame::Reset { id, json })
            }
            _ => {
                let frame = serde_json::from_str(&json)
                    .map_err(|error| not_understood(format!("{error} in an event: {json}")))?;
                Ok(Frame::Event(Box::new(Event { id, frame, json })))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_keeps_what_this_client_does_not_know() {
        let json = r#"{"position":7,"kind":"a.b","stream":"s","version":1,"recorded_at":"t","actor":null,"data":{},"new":1}"#;
        let Frame::Event(event) = Frame::read("a.b", "7.x", json.to_owned()).unwrap() else {
            panic!("an event")
        };
        assert_eq!((event.frame.position, event.json.as_str()), (7, json));
        assert_eq!(event.id, Some("7.x".parse().unwrap()));
    }

    #[test]
    fn reset_goes_on_from_the_head_of_the_new_log() {
        let json = r#"{"head":5,"log_id":"l"}"#.to_owned();
        let expected = |id: &str| Frame::Reset { id: id.parse().unwrap(), json: json.clone() };
        assert_eq!(Frame::read("reset", "5.new", json.clone()).unwrap(), expected("5.new"));
        assert_eq!(Frame::read("reset", "99.old", json.clone()).unwrap(), expected("5"));
        assert_eq!(Frame::read("reset", "", json.clone()).unwrap(), expected("5"));
    }

    #[test]
    fn frame_of_somebody_else_is_not_understood() {
        assert!(Frame::read("message", "", "hello".to_owned()).is_err());
        assert!(Frame::read("message", "x y", "{}".to_owned()).is_err());
        assert!(Frame::read("reset", "", "{}".to_owned()).is_err());
    }
}
