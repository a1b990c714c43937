//! Whether somebody sets the clock while the service runs: the wall clock against the monotonic one.
//!
//! Order in the log does not depend on any clock; times of facts, the expiry of keys and the schedule of limits do. A machine that
//! slept looks the same, and for these the same holds.

use std::time::{Duration, Instant};

use time::OffsetDateTime;

/// A step that is worth telling. Adjustments of a time service are far smaller from one look to the next.
const STEP_MIN: Duration = Duration::from_secs(2);
/// How long it is told: it is over at once, and whoever looks a moment later should still learn of it.
const TOLD_FOR: Duration = Duration::from_mins(2);

/// The last look, and the last step.
pub(super) struct Steps {
    wall: OffsetDateTime,
    monotonic: Instant,
    step: Option<(Instant, String)>,
}

impl Steps {
    pub(super) const fn new(wall: OffsetDateTime, monotonic: Instant) -> Self {
        Self { wall, monotonic, step: None }
    }

    /// Looks again; what is to be told, if anything is.
    pub(super) fn look(&mut self, wall: OffsetDateTime, monotonic: Instant) -> Option<String> {
        let passed = monotonic.saturating_duration_since(self.monotonic);
        let difference = wall - self.wall - passed;
        if difference.unsigned_abs() >= STEP_MIN {
            let (seconds, direction) = (difference.unsigned_abs().as_secs(), direction(difference));
            let told = format!("the clock went {direction} by {seconds} s at once, to {wall}");
            tracing::warn!(seconds, direction, "the clock was set, or the machine slept");
            self.step = Some((monotonic, told));
        }
        (self.wall, self.monotonic) = (wall, monotonic);
        self.step.take_if(|(at, _)| monotonic.saturating_duration_since(*at) >= TOLD_FOR);
        self.step.as_ref().map(|(_, told)| told.clone())
    }
}

const fn direction(difference: time::Duration) -> &'static str {
    if difference.is_negative() { "back" } else { "forward" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn step_is_told_for_a_while_and_then_forgotten() {
        let (wall, begun) = (OffsetDateTime::UNIX_EPOCH, Instant::now());
        let mut steps = Steps::new(wall, begun);
        let mut look = |monotonic: u64, wall_seconds: i64| {
            let at = wall + time::Duration::seconds(wall_seconds);
            steps.look(at, begun + Duration::from_secs(monotonic))
        };
        assert_eq!(look(5, 5), None);
        assert_eq!(look(10, 11), None, "adjusted by a second");
        let told = look(15, 3600).unwrap();
        assert!(told.starts_with("the clock went forward by 3584 s"), "{told}");
        assert_eq!(look(20, 3605).as_deref(), Some(told.as_str()), "once, and no second step");
        assert_eq!(look(135, 3720), None);
        assert!(look(140, 100).unwrap().contains("went back by 3625 s"));
    }
}
