//! `engine.rate_cap_applied`: which limit is in force, what it was, and how long that took.

use revaer_domain::engine::{Direction, RateCapApplied};
use revaer_domain::values::{RateCap, TorrentId};
use time::OffsetDateTime;

/// What is told of new limits: a fact for each way in which they differ. `asked_at` is when they were asked for and `since`
/// when they came into force, on clocks that may be two.
pub(crate) fn applied(
    torrent: Option<TorrentId>,
    (from, to): (RateCap, RateCap),
    asked_at: OffsetDateTime,
    since: OffsetDateTime,
) -> Vec<RateCapApplied> {
    let delay_ms = u64::try_from((since - asked_at).whole_milliseconds()).unwrap_or(0);
    let way = |direction, old, new| RateCapApplied { torrent, direction, old, new, delay_ms };
    let ways = [
        way(Direction::Download, from.download_bytes_per_second, to.download_bytes_per_second),
        way(Direction::Upload, from.upload_bytes_per_second, to.upload_bytes_per_second),
    ];
    ways.into_iter().filter(|applied| applied.old != applied.new).collect()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const ASKED: OffsetDateTime = datetime!(2026-11-24 12:00 UTC);

    fn cap(download: Option<u32>, upload: Option<u32>) -> RateCap {
        let limit = |limit: Option<u32>| limit.and_then(|limit| limit.try_into().ok());
        RateCap { download_bytes_per_second: limit(download), upload_bytes_per_second: limit(upload) }
    }

    #[test]
    fn way_that_stays_as_it_was_is_not_told() {
        let told =
            applied(None, (cap(Some(5), Some(7)), cap(Some(5), None)), ASKED, ASKED + time::Duration::SECOND);
        let [only] = told.as_slice() else { panic!("{told:?}") };
        assert_eq!((only.direction, only.old, only.new), (Direction::Upload, 7_u32.try_into().ok(), None));
        assert_eq!(only.delay_ms, 1000);
    }

    #[test]
    fn clock_that_is_behind_gives_no_delay_and_no_panic() {
        let told =
            applied(None, (cap(None, None), cap(Some(1), Some(1))), ASKED, ASKED - time::Duration::DAY);
        assert_eq!(told.iter().map(|applied| applied.delay_ms).collect::<Vec<_>>(), [0, 0]);
    }
}
