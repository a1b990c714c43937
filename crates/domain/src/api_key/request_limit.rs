//! How often a key may ask: a bucket of tokens that fills at a steady rate.

use serde::{Deserialize, Serialize};

/// The most requests a second that can be asked for.
pub const REQUESTS_PER_SECOND_MAX: u32 = 1_000_000;
/// The largest bucket.
pub const BURST_MAX: u32 = 1_000_000;

/// A limit that a key has of its own, in place of the one in the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct RequestLimit {
    requests_per_second: u32,
    burst: u32,
}

/// Why two numbers are no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRequestLimit {
    /// The rate is out of its range.
    #[error("requests_per_second is 1 to {REQUESTS_PER_SECOND_MAX}")]
    Rate,
    /// The bucket is out of its range.
    #[error("burst is 1 to {BURST_MAX}")]
    Burst,
}

#[derive(Deserialize)]
struct Unchecked {
    requests_per_second: u32,
    burst: u32,
}

impl RequestLimit {
    /// A limit of so many requests a second, and so many at once after a quiet time.
    pub fn new(requests_per_second: u32, burst: u32) -> Result<Self, InvalidRequestLimit> {
        if !(1..=REQUESTS_PER_SECOND_MAX).contains(&requests_per_second) {
            return Err(InvalidRequestLimit::Rate);
        }
        if !(1..=BURST_MAX).contains(&burst) {
            return Err(InvalidRequestLimit::Burst);
        }
        Ok(Self { requests_per_second, burst })
    }

    /// Requests a second in the long run.
    pub const fn requests_per_second(self) -> u32 {
        self.requests_per_second
    }

    /// Requests at once after a quiet time.
    pub const fn burst(self) -> u32 {
        self.burst
    }
}

impl TryFrom<Unchecked> for RequestLimit {
    type Error = InvalidRequestLimit;

    fn try_from(limit: Unchecked) -> Result<Self, Self::Error> {
        Self::new(limit.requests_per_second, limit.burst)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::right(1, 1, Ok((1, 1)))]
    #[case::largest(REQUESTS_PER_SECOND_MAX, BURST_MAX, Ok((REQUESTS_PER_SECOND_MAX, BURST_MAX)))]
    #[case::never(0, 1, Err(InvalidRequestLimit::Rate))]
    #[case::empty(1, 0, Err(InvalidRequestLimit::Burst))]
    #[case::beyond(REQUESTS_PER_SECOND_MAX + 1, 1, Err(InvalidRequestLimit::Rate))]
    fn limit_is_at_least_one_and_bounded(
        #[case] rate: u32,
        #[case] burst: u32,
        #[case] expected: Result<(u32, u32), InvalidRequestLimit>,
    ) {
        let limit = RequestLimit::new(rate, burst);
        assert_eq!(limit.map(|limit| (limit.requests_per_second(), limit.burst())), expected);
    }
}
