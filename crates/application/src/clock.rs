//! The only clock of the write side, so that a test can set the time.

use time::OffsetDateTime;
use ulid::Ulid;
use uuid::Uuid;

/// Tells the time and draws ids.
pub trait Clock: Send + Sync {
    /// Now, in UTC.
    fn now(&self) -> OffsetDateTime;

    /// A new ULID: the time of this clock and 74 random bits.
    fn ulid(&self) -> Ulid {
        let milliseconds = self.now().unix_timestamp_nanos() / 1_000_000;
        Ulid::from_parts(u64::try_from(milliseconds).unwrap_or(0), Uuid::new_v4().as_u128())
    }
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }
}
