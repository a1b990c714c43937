//! Rate limits in bytes per second. `None` means no limit; zero is refused, since to stop is what pause is for.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

/// A limit in bytes per second, 1 to 2,147,483,647 (libtorrent keeps it in a signed 32-bit integer).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct RateLimit(NonZeroU32);

/// The number is not a rate limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a rate limit: 1 to 2147483647 bytes per second, or null for none")]
pub struct InvalidRateLimit;

impl RateLimit {
    /// The limit in bytes per second.
    pub const fn bytes_per_second(self) -> u32 {
        self.0.get()
    }
}

impl TryFrom<u32> for RateLimit {
    type Error = InvalidRateLimit;

    fn try_from(bytes_per_second: u32) -> Result<Self, Self::Error> {
        match NonZeroU32::new(bytes_per_second) {
            Some(limit) if bytes_per_second <= i32::MAX.cast_unsigned() => Ok(Self(limit)),
            _ => Err(InvalidRateLimit),
        }
    }
}

impl TryFrom<u64> for RateLimit {
    type Error = InvalidRateLimit;

    fn try_from(bytes_per_second: u64) -> Result<Self, Self::Error> {
        u32::try_from(bytes_per_second).map_err(|_| InvalidRateLimit)?.try_into()
    }
}

impl From<RateLimit> for u32 {
    fn from(limit: RateLimit) -> Self {
        limit.bytes_per_second()
    }
}

/// The limits of one torrent in both directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RateCap {
    /// `None`: no limit.
    pub download_bytes_per_second: Option<RateLimit>,
    /// `None`: no limit.
    pub upload_bytes_per_second: Option<RateLimit>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_and_more_than_libtorrent_can_hold_are_refused() {
        assert_eq!(RateLimit::try_from(0_u32), Err(InvalidRateLimit));
        assert_eq!(RateLimit::try_from(1_u64 << 31), Err(InvalidRateLimit));
        assert_eq!(RateLimit::try_from((1_u64 << 31) - 1).map(u32::from), Ok(i32::MAX.cast_unsigned()));
    }
}
