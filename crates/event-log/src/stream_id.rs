//! The name of a stream, and a place in it.

use std::fmt;

/// A place in a stream: 1 for its first fact; 0 stands for a stream that doesn't exist.
pub type Version = u32;

/// The longest name.
const BYTES_MAX: usize = 64;

/// The name of a stream: 1 to 64 of `A-Z a-z 0-9 - _`, such as `torrent-01JD…` or `settings`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(String);

/// The text is not the name of a stream.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a stream id: 1 to {BYTES_MAX} ASCII letters, digits, `-` or `_`")]
pub struct InvalidStreamId;

impl StreamId {
    /// Parses a name.
    pub fn new(name: &str) -> Result<Self, InvalidStreamId> {
        let fits = (1..=BYTES_MAX).contains(&name.len());
        let clean = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if fits && clean { Ok(Self(name.to_owned())) } else { Err(InvalidStreamId) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A name as the log has it. Only valid ones were ever appended, and what is in the log has to be readable anyhow.
    pub(crate) const fn recorded(name: String) -> Self {
        Self(name)
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stream_id_takes_plain_names_only() {
        for name in ["a", "settings", "torrent-01JD4Z6V7Q8W9X0Y1Z2A3B4C5D", "a_B-9", &"x".repeat(64)] {
            assert_eq!(StreamId::new(name).as_ref().map(StreamId::as_str), Ok(name));
        }
        for name in ["", "a b", "a.b", "a'", "ä", "a\0", &"x".repeat(65)] {
            assert!(StreamId::new(name).is_err(), "{name:?}");
        }
    }
}
