//! Patterns of kinds, as a client names those that it wants.

use poem_openapi::registry::MetaSchema;
use revaer_wire::codes;

use crate::parameter::{Fault, Value};

/// The most patterns, and the longest one.
const PATTERNS_MAX: usize = 64;
const PATTERN_BYTES_MAX: usize = 128;

/// Patterns of kinds; none wants everything.
#[derive(Debug, Clone, Default)]
pub(crate) struct Patterns(Vec<String>);

impl Patterns {
    /// Whether a kind matches one of them.
    pub(crate) fn match_kind(&self, kind: &str) -> bool {
        self.0.is_empty() || self.0.iter().any(|pattern| matches(pattern, kind))
    }
}

impl Value for Patterns {
    fn read(text: &str) -> Result<Self, Fault> {
        let patterns: Vec<_> = text.split(',').map(str::to_owned).collect();
        let clean = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'_' | b'-' | b'*')
        };
        let sound =
            |pattern: &String| (1..=PATTERN_BYTES_MAX).contains(&pattern.len()) && pattern.bytes().all(clean);
        if patterns.len() <= PATTERNS_MAX && patterns.iter().all(sound) {
            Ok(Self(patterns))
        } else {
            let detail =
                format!("is not 1 to {PATTERNS_MAX} kinds, such as `torrent.*`, separated by commas");
            Err((codes::INVALID, detail))
        }
    }

    fn schema() -> MetaSchema {
        MetaSchema { example: Some("torrent.*,health.changed".into()), ..MetaSchema::new("string") }
    }
}

/// Whether a pattern, in which `*` stands for any characters, matches a whole text. Linear but for the last star.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(head) else { return false };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return text.ends_with(part);
        }
        // The first place is as good as any later one: whatever follows has the more to match.
        let Some(place) = text.find(part) else { return false };
        text = &text[place + part.len()..];
    }
    true
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("torrent.*", "torrent.added", true)]
    #[case("torrent.*", "torrent.", true)]
    #[case("torrent.*", "engine.started", false)]
    #[case("*", "anything", true)]
    #[case("torrent.added", "torrent.added", true)]
    #[case("torrent.added", "torrent.addedx", false)]
    #[case("*.re*ed", "torrent.recovered", true)]
    #[case("*.re*ed", "torrent.recover", false)]
    #[case("*_requested", "torrent.move_requested", true)]
    #[case("a*a", "a", false)]
    #[case("a**b", "axb", true)]
    #[case("*a*b*c", "xaxbxbc", true)]
    fn star_stands_for_any_characters(#[case] pattern: &str, #[case] kind: &str, #[case] expected: bool) {
        assert_eq!(matches(pattern, kind), expected);
    }

    #[test]
    fn patterns_that_are_none_are_invalid_and_never_malformed() {
        for text in ["", "a,,b", "Torrent.*", "a b", &"x,".repeat(100)] {
            assert!(matches!(Patterns::read(text), Err((codes::INVALID, _))), "{text:?}");
        }
    }
}
