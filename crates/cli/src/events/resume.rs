//! How far a stream was taken, exactly enough to go on without a gap and without telling anything twice.
//!
//! The service sends each fact once after an id, yet the samples of one tick share a position and only the last frame of a
//! tick moves the id: who is cut off in the middle gets some of them again. They are told apart by position and stream.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Event;
use crate::values::EventId;

/// A place in the stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Resume {
    /// What to send as `Last-Event-ID`.
    last_event_id: EventId,
    /// The highest position that was taken.
    position: i64,
    /// Whose events of that position were taken.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    streams: BTreeSet<String>,
}

impl Resume {
    /// Everything up to this place was taken.
    pub(crate) fn after(id: EventId) -> Resume {
        Resume { position: id.position(), last_event_id: id, streams: BTreeSet::new() }
    }

    /// What to send as `Last-Event-ID`.
    pub(crate) fn last_event_id(&self) -> &EventId {
        &self.last_event_id
    }

    /// Takes an event, unless it was taken before.
    pub(crate) fn admit(&mut self, event: &Event) -> bool {
        if let Some(id) = &event.id {
            self.last_event_id.clone_from(id);
        }
        match event.frame.position.cmp(&self.position) {
            Ordering::Less => false,
            Ordering::Equal => self.streams.insert(event.frame.stream.clone()),
            Ordering::Greater => {
                self.position = event.frame.position;
                self.streams.clear();
                self.streams.insert(event.frame.stream.clone())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::events::event::Frame;

    fn event(id: &str, position: i64, stream: &str) -> Event {
        let json = json!({
            "position": position, "kind": "k", "stream": stream, "version": null, "recorded_at": "t", "actor": null, "data": {},
        });
        match Frame::read("k", id, json.to_string()).unwrap() {
            Frame::Event(event) => *event,
            other => panic!("{other:?}"),
        }
    }

    fn taken(resume: &mut Resume, events: &[(&str, i64, &str)]) -> Vec<String> {
        let new = events.iter().filter(|(id, position, stream)| resume.admit(&event(id, *position, stream)));
        new.map(|(_, position, stream)| format!("{position}{stream}")).collect()
    }

    #[rstest]
    #[case::facts(&[("11.x", 11, "a"), ("12.x", 12, "a")], &["11a", "12a"], "12.x")]
    #[case::fact_again(&[("11.x", 11, "a"), ("11.x", 11, "a")], &["11a"], "11.x")]
    #[case::what_lies_before(&[("9.x", 9, "a"), ("11.x", 11, "a")], &["11a"], "11.x")]
    #[case::tick(&[("10.x", 11, "a"), ("10.x", 11, "b"), ("11.x", 11, "c")], &["11a", "11b", "11c"], "11.x")]
    #[case::tick_cut_and_sent_again(
        &[("10.x", 11, "a"), ("10.x", 11, "a"), ("10.x", 11, "b"), ("11.x", 11, "c"), ("12.x", 12, "a")],
        &["11a", "11b", "11c", "12a"],
        "12.x"
    )]
    #[case::no_id_yet(&[("", 11, "a")], &["11a"], "10.x")]
    fn each_event_is_taken_once(
        #[case] events: &[(&str, i64, &str)],
        #[case] expected: &[&str],
        #[case] last_event_id: &str,
    ) {
        let mut resume = Resume::after("10.x".parse().unwrap());
        assert_eq!(taken(&mut resume, events), expected);
        assert_eq!(resume.last_event_id().as_str(), last_event_id);
    }

    #[test]
    fn written_and_read_it_goes_on_in_the_middle_of_a_tick() {
        let mut resume = Resume::after("10.x".parse().unwrap());
        taken(&mut resume, &[("10.x", 11, "a")]);
        let written = serde_json::to_string(&resume).unwrap();
        let mut read: Resume = serde_json::from_str(&written).unwrap();
        assert_eq!(read, resume);
        assert_eq!(taken(&mut read, &[("10.x", 11, "a"), ("11.x", 11, "b")]), ["11b"]);
    }
}
