//! A limit in bytes per second, or none.

use std::str::FromStr;

use super::parse_size;

/// A limit, or that there shall be none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    /// As fast as it goes.
    None,
    /// Bytes per second; that 0 is refused is the service's rule.
    BytesPerSecond(u64),
}

impl Limit {
    /// As the bodies carry it: null for none.
    pub(crate) fn bytes_per_second(self) -> Option<u64> {
        match self {
            Limit::None => None,
            Limit::BytesPerSecond(bytes) => Some(bytes),
        }
    }
}

impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "none" {
            return Ok(Limit::None);
        }
        parse_size(text).map(Limit::BytesPerSecond).map_err(|error| format!("{error}, or none"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limit_is_a_size_or_none() {
        assert_eq!("none".parse(), Ok(Limit::None));
        assert_eq!("2Mi".parse(), Ok(Limit::BytesPerSecond(2 << 20)));
        assert!("never".parse::<Limit>().unwrap_err().ends_with("or none"));
    }
}
