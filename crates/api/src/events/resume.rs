//! Where a stream begins, and what has to be said first.

use poem_openapi::registry::MetaSchema;
use revaer_event_log::{EventLog, Position, ReadError};
use revaer_wire::codes;

use crate::parameter::{Fault, Value};

/// The longest tag of a log that is read.
const TAG_BYTES_MAX: usize = 64;

/// A position that a client wants to resume from, and the log that it believes to follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resume {
    position: Position,
    tag: Option<String>,
}

impl Resume {
    /// A bare position, of whichever log.
    pub(super) const fn at(position: Position) -> Self {
        Self { position, tag: None }
    }
}

/// The header `Last-Event-ID`; an empty one says nothing.
pub(super) struct LastEventId(pub(super) Option<Resume>);

impl Value for LastEventId {
    fn read(text: &str) -> Result<Self, Fault> {
        if text.is_empty() {
            return Ok(Self(None));
        }
        let (position, tag) =
            text.split_once('.').map_or((text, None), |(position, tag)| (position, Some(tag)));
        let clean = |tag: &str| {
            (1..=TAG_BYTES_MAX).contains(&tag.len()) && tag.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        match position.parse() {
            Ok(position) if tag.is_none_or(clean) => {
                Ok(Self(Some(Resume { position, tag: tag.map(str::to_owned) })))
            }
            _ => Err((codes::MALFORMED, "is neither `<position>` nor `<position>.<log tag>`".to_owned())),
        }
    }

    fn schema() -> MetaSchema {
        MetaSchema { example: Some("4711.0a1b2c".into()), ..MetaSchema::new("string") }
    }
}

/// Where a stream begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Start {
    /// Everything above comes.
    pub(super) after: Position,
    /// The client's position is not one of this log.
    pub(super) reset: bool,
    /// Samples up to here are no longer kept, though the client wants them.
    pub(super) samples_gap_to: Option<Position>,
}

impl Start {
    /// Its name among the beginnings that are counted.
    pub(super) const fn name(&self, is_resumed: bool) -> &'static str {
        match self {
            Self { reset: true, .. } => "reset",
            Self { samples_gap_to: Some(_), .. } => "samples_gap",
            _ if is_resumed => "resumed",
            _ => "now",
        }
    }
}

/// Finds out where a stream begins.
pub(super) async fn start(
    log: &EventLog,
    resume: Option<Resume>,
    wants_samples: bool,
) -> Result<Start, ReadError> {
    let now = |head| Start { after: head, reset: false, samples_gap_to: None };
    let Some(resume) = resume else { return Ok(now(log.head().await?)) };
    // Followers in memory may trail a position that was just answered: the database is asked before a client is told that its
    // position is from nowhere.
    let foreign = resume.tag.is_some_and(|tag| tag != log.log_tag());
    let beyond = resume.position > log.tail_position();
    if foreign || beyond {
        let head = log.head().await?;
        if foreign || resume.position > head {
            return Ok(Start { reset: true, ..now(head) });
        }
    }
    let floor = if wants_samples { log.samples_floor().await? } else { Position::ZERO };
    let samples_gap_to = (resume.position < floor).then_some(floor);
    Ok(Start { after: resume.position, reset: false, samples_gap_to })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::with_tag("12.0a1b2c", Some((12, Some("0a1b2c"))))]
    #[case::bare("12", Some((12, None)))]
    #[case::beyond_every_head("99999999999999999999999999", Some((i64::MAX, None)))]
    #[case::empty("", None)]
    fn id_that_was_given_is_read_back(#[case] text: &str, #[case] expected: Option<(i64, Option<&str>)>) {
        let read = LastEventId::read(text).expect("reads").0;
        let expected = expected
            .map(|(position, tag)| Resume { position: Position(position), tag: tag.map(str::to_owned) });
        assert_eq!(read, expected);
    }

    #[rstest]
    #[case("x")]
    #[case("-1")]
    #[case("+1")]
    #[case("1.")]
    #[case("1.a b")]
    #[case(".0a1b2c")]
    #[case("1.2.3")]
    #[case("1 ")]
    fn unreadable_id_is_malformed(#[case] text: &str) {
        assert!(matches!(LastEventId::read(text), Err((codes::MALFORMED, _))));
    }
}
