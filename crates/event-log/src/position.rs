//! A place in the log.

use std::fmt;
use std::num::{IntErrorKind, ParseIntError};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A place in the log. Positions grow and never repeat; they are not dense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(pub i64);

impl Position {
    /// Before everything.
    pub const ZERO: Self = Self(0);
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Position {
    type Err = ParseIntError;

    /// Digits only. A number beyond the range is a position above every head, not a malformed one.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unsigned = text.strip_prefix('+').map_or(text, |_| "+");
        match unsigned.parse::<u64>() {
            Ok(position) => Ok(Self(i64::try_from(position).unwrap_or(i64::MAX))),
            Err(error) if *error.kind() == IntErrorKind::PosOverflow => Ok(Self(i64::MAX)),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn position_prints_and_parses() {
        for position in [0, 1, 4711, i64::MAX] {
            assert_eq!(Position(position).to_string().parse(), Ok(Position(position)));
        }
        assert_eq!("99999999999999999999999".parse(), Ok(Position(i64::MAX)));
        for malformed in ["", "-1", "+1", " 1", "1.0", "x", "1a"] {
            assert!(malformed.parse::<Position>().is_err(), "{malformed:?}");
        }
    }
}
