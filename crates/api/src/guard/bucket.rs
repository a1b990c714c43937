//! A bucket of tokens, and what an answer says of it.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use poem::Response;
use poem::http::{HeaderName, HeaderValue};
use revaer_domain::api_key::RequestLimit;

/// What an answer says of the bucket that its request took from, in the order of [`Standing`].
pub(crate) const HEADERS: [(&str, &str); 3] = [
    ("X-RateLimit-Limit", "How many requests may be made at once."),
    ("X-RateLimit-Remaining", "How many of them are left."),
    ("X-RateLimit-Reset", "In how many seconds all of them are there again, if nothing is asked until then."),
];

type Limiter = RateLimiter<NotKeyed, InMemoryState, DefaultClock, StateInformationMiddleware>;

/// A bucket that fills at a steady rate.
pub(super) struct Bucket {
    limit: RequestLimit,
    limiter: Limiter,
}

/// What is left in a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    limit: u32,
    remaining: u32,
    reset_seconds: u64,
    /// When the next request may succeed; 0 when this one did.
    pub(crate) retry_after_seconds: u32,
}

impl Bucket {
    /// A full one.
    pub(super) fn new(limit: RequestLimit) -> Self {
        let at_least_one = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(at_least_one(limit.requests_per_second()))
            .allow_burst(at_least_one(limit.burst()));
        Self { limit, limiter: RateLimiter::direct(quota).with_middleware() }
    }

    /// Its limit.
    pub(super) const fn limit(&self) -> RequestLimit {
        self.limit
    }

    /// Takes a token if there is one.
    pub(super) fn take(&self) -> (Standing, bool) {
        match self.limiter.check() {
            Ok(state) => (self.standing(state.remaining_burst_capacity(), Duration::ZERO), true),
            Err(refused) => {
                let wait = refused.wait_time_from(DefaultClock::default().now());
                // Less than a second is a second: zero would mean that it may be asked at once.
                (self.standing(0, wait.max(Duration::from_millis(1))), false)
            }
        }
    }

    fn standing(&self, remaining: u32, wait: Duration) -> Standing {
        let missing = u64::from(self.limit.burst() - remaining.min(self.limit.burst()));
        Standing {
            limit: self.limit.burst(),
            remaining,
            reset_seconds: missing.div_ceil(u64::from(self.limit.requests_per_second())),
            retry_after_seconds: u32::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u32::MAX),
        }
    }
}

impl Standing {
    /// Says it in an answer.
    pub(crate) fn write(&self, response: &mut Response) {
        let numbers = [u64::from(self.limit), u64::from(self.remaining), self.reset_seconds];
        for ((name, _), number) in HEADERS.iter().zip(numbers) {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("the names above are header names");
            response.headers_mut().insert(name, HeaderValue::from(number));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bucket_counts_down_and_says_when_to_come_back() {
        let bucket = Bucket::new(RequestLimit::new(1, 3).expect("a limit"));
        for (remaining, reset) in [(2, 1), (1, 2), (0, 3)] {
            let (standing, is_within) = bucket.take();
            assert!(is_within);
            assert_eq!((standing.limit, standing.remaining, standing.reset_seconds), (3, remaining, reset));
        }
        let (standing, is_within) = bucket.take();
        assert!(!is_within);
        assert_eq!((standing.remaining, standing.retry_after_seconds), (0, 1));
    }
}
