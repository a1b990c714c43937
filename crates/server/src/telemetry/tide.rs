//! Where the log's end was at which moment, so that the place of a follower tells for how long it has been behind.
//!
//! A fact's own time is the database's, and comparing it with this process's clock would show their difference. Marks are taken when
//! the end moves, at most once a second, so a lag is right to a second and an idle log costs nothing.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use revaer_event_log::{EventLog, Position};
use tokio_util::sync::CancellationToken;

/// How often a mark is taken at most.
const MARK_EVERY: Duration = Duration::from_secs(1);
/// Ten minutes of a log that never rests; who is further behind is behind for longer than that.
const MARKS_MAX: usize = 600;

/// The marks, oldest first. A cheap clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tide(Arc<Mutex<VecDeque<(Instant, Position)>>>);

impl Tide {
    /// Takes marks until shutdown.
    pub(crate) async fn run(self, log: EventLog, shutdown: CancellationToken) {
        let mut tail = log.watch_tail();
        let marking = async {
            loop {
                self.mark(Instant::now(), *tail.borrow_and_update());
                tokio::time::sleep(MARK_EVERY).await;
                if tail.changed().await.is_err() {
                    return;
                }
            }
        };
        shutdown.run_until_cancelled(marking).await;
    }

    fn mark(&self, now: Instant, tail: Position) {
        let mut marks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if marks.back().is_some_and(|(_, newest)| *newest >= tail) {
            return;
        }
        if marks.len() == MARKS_MAX {
            marks.pop_front();
        }
        marks.push_back((now, tail));
    }

    /// For how long there has been something above a place; nought for one that has everything.
    pub(crate) fn behind(&self, now: Instant, reached: Position) -> Duration {
        let marks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let missed = marks.partition_point(|(_, tail)| *tail <= reached);
        marks.get(missed).map_or(Duration::ZERO, |(since, _)| now.saturating_duration_since(*since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follower_is_behind_since_the_end_first_passed_it() {
        let (tide, begun) = (Tide::default(), Instant::now());
        let at = |seconds| begun + Duration::from_secs(seconds);
        assert_eq!(tide.behind(at(9), Position(0)), Duration::ZERO);
        for (seconds, tail) in [(0, 10), (1, 10), (3, 12), (8, 20)] {
            tide.mark(at(seconds), Position(tail));
        }
        assert_eq!(tide.behind(at(9), Position(20)), Duration::ZERO);
        assert_eq!(tide.behind(at(9), Position(21)), Duration::ZERO);
        assert_eq!(tide.behind(at(9), Position(12)), Duration::from_secs(1));
        assert_eq!(tide.behind(at(9), Position(10)), Duration::from_secs(6));
        assert_eq!(tide.behind(at(9), Position(3)), Duration::from_secs(9));
    }

    #[test]
    fn marks_are_bounded_and_the_oldest_go_first() {
        let (tide, begun) = (Tide::default(), Instant::now());
        for second in 0..2 * MARKS_MAX as u64 {
            let tail = Position(i64::try_from(second).unwrap());
            tide.mark(begun + Duration::from_secs(second), tail);
        }
        let now = begun + Duration::from_secs(2 * MARKS_MAX as u64);
        assert_eq!(tide.behind(now, Position(0)), Duration::from_secs(MARKS_MAX as u64));
    }
}
