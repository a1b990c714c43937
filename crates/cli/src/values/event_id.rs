//! A place in a log, as the stream names it: `<position>` or `<position>.<log tag>`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The id of an event. The tag tells a restored or another log from the one that was read before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct EventId {
    text: String,
    position: i64,
}

impl EventId {
    /// The place of a position, in whichever log is served.
    pub(crate) fn of_position(position: i64) -> EventId {
        EventId { text: position.to_string(), position }
    }

    /// The position.
    pub(crate) fn position(&self) -> i64 {
        self.position
    }

    /// As it is sent.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for EventId {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "expected a position, such as 4711, or an event's id, such as 4711.k3f9";
        let (position, tag) = text.split_once('.').unwrap_or((text, "x"));
        let is_number = !position.is_empty() && position.bytes().all(|byte| byte.is_ascii_digit());
        let is_tag = !tag.is_empty() && tag.bytes().all(|byte| byte.is_ascii_alphanumeric());
        match position.parse() {
            Ok(position) if is_number && is_tag => Ok(EventId { text: text.to_owned(), position }),
            _ => Err(EXPECTED),
        }
    }
}

impl TryFrom<String> for EventId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<EventId> for String {
    fn from(id: EventId) -> String {
        id.text
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::position("4711", Some(4711))]
    #[case::zero("0", Some(0))]
    #[case::tagged("4711.k3f9", Some(4711))]
    #[case::empty("", None)]
    #[case::negative("-1", None)]
    #[case::plus("+1", None)]
    #[case::no_tag("1.", None)]
    #[case::no_position(".a", None)]
    #[case::line_break("1.a\n", None)]
    #[case::too_large("99999999999999999999", None)]
    fn id_is_a_position_with_or_without_a_tag(#[case] text: &str, #[case] position: Option<i64>) {
        let parsed = text.parse::<EventId>();
        assert_eq!(parsed.as_ref().ok().map(EventId::position), position);
        assert!(parsed.is_err() || parsed.unwrap().as_str() == text);
    }
}
