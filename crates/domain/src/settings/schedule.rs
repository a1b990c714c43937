//! Which limits hold at an instant, and until when.
//!
//! A rule is told by the clock on the wall of its time zone, so its beginning and its end are found by that clock on each day
//! anew: a day has 23 or 25 hours where the clock is put forward or back. A time that the clock leaves out is the one as much
//! later; of a time that comes twice the first counts, for a beginning and for an end alike.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use time::OffsetDateTime;

use super::format::minutes;
use super::{LimitSettings, ScheduleRule, Weekday};
use crate::values::RateCap;

/// A rule may have begun yesterday, and its day comes again within a week.
const DAYS: std::ops::RangeInclusive<i64> = -1..=8;
const MINUTES_OF_A_DAY: u16 = 24 * 60;

/// The limits that hold at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CapsAt {
    /// The limits.
    pub caps: RateCap,
    /// When a rule begins or ends next; `None` without rules.
    pub next_change: Option<OffsetDateTime>,
}

impl LimitSettings {
    /// The session's limits at an instant: those of the first rule that holds, else its own.
    pub fn caps_at(&self, at: OffsetDateTime) -> CapsAt {
        let own = RateCap {
            download_bytes_per_second: self.download_bytes_per_second,
            upload_bytes_per_second: self.upload_bytes_per_second,
        };
        let rules = &self.schedule.rules;
        let placed = timestamp(at).zip(TimeZone::get(&self.schedule.time_zone).ok());
        let Some((now, zone)) = placed.filter(|_| !rules.is_empty()) else {
            return CapsAt { caps: own, next_change: None };
        };
        let today = now.to_zoned(zone.clone()).date();
        let mut caps = None;
        let mut next: Option<Timestamp> = None;
        for rule in rules {
            for (begins, ends) in intervals(rule, today, &zone) {
                if begins <= now && now < ends {
                    caps.get_or_insert(RateCap {
                        download_bytes_per_second: rule.download_bytes_per_second,
                        upload_bytes_per_second: rule.upload_bytes_per_second,
                    });
                }
                let later = [begins, ends].into_iter().filter(|edge| *edge > now);
                next = next.into_iter().chain(later).min();
            }
        }
        let next_change =
            next.and_then(|next| OffsetDateTime::from_unix_timestamp_nanos(next.as_nanosecond()).ok());
        CapsAt { caps: caps.unwrap_or(own), next_change }
    }
}

/// When a rule begins and ends on the days around a day.
fn intervals(
    rule: &ScheduleRule,
    today: Date,
    zone: &TimeZone,
) -> impl Iterator<Item = (Timestamp, Timestamp)> {
    let edges = minutes(&rule.from).zip(minutes(&rule.to));
    DAYS.filter_map(move |offset| {
        let (from, to) = edges?;
        let day = today.checked_add(Span::new().days(offset)).ok()?;
        if !rule.days.contains(&weekday(day)) {
            return None;
        }
        let last = if to > from { day } else { day.tomorrow().ok()? };
        Some((instant(day, from, zone)?, instant(last, to, zone)?))
    })
}

/// The instant at which the clock shows so many minutes after midnight.
fn instant(day: Date, minutes: u16, zone: &TimeZone) -> Option<Timestamp> {
    let day = if minutes == MINUTES_OF_A_DAY { day.tomorrow().ok()? } else { day };
    let minutes = minutes % MINUTES_OF_A_DAY;
    let (hour, minute) = (i8::try_from(minutes / 60).ok()?, i8::try_from(minutes % 60).ok()?);
    zone.to_ambiguous_zoned(day.at(hour, minute, 0, 0)).compatible().ok().map(|zoned| zoned.timestamp())
}

fn weekday(day: Date) -> Weekday {
    Weekday::ALL[usize::from(day.weekday().to_monday_zero_offset().unsigned_abs())]
}

fn timestamp(at: OffsetDateTime) -> Option<Timestamp> {
    Timestamp::from_nanosecond(at.unix_timestamp_nanos()).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use time::macros::datetime;

    use super::*;
    use crate::settings::ScheduleSettings;

    const OWN: u32 = 1000;

    fn rule(days: &[Weekday], from: &str, to: &str, limit: u32) -> ScheduleRule {
        ScheduleRule {
            days: days.to_vec(),
            from: from.to_owned(),
            to: to.to_owned(),
            download_bytes_per_second: Some(limit.try_into().expect("a limit")),
            upload_bytes_per_second: None,
        }
    }

    fn limits(time_zone: &str, rules: Vec<ScheduleRule>) -> LimitSettings {
        LimitSettings {
            download_bytes_per_second: Some(OWN.try_into().expect("a limit")),
            schedule: ScheduleSettings { time_zone: time_zone.to_owned(), rules },
            ..LimitSettings::default()
        }
    }

    fn download(caps: CapsAt) -> u32 {
        caps.caps.download_bytes_per_second.expect("a limit").bytes_per_second()
    }

    #[test]
    fn own_limits_hold_for_ever_without_rules() {
        let caps = limits("UTC", Vec::new()).caps_at(datetime!(2026-11-24 12:00 UTC));
        assert_eq!((download(caps), caps.next_change), (OWN, None));
    }

    // 2026-11-24 is a Tuesday.
    #[rstest]
    #[case::before(datetime!(2026-11-24 08:59:59 UTC), OWN, datetime!(2026-11-24 09:00 UTC))]
    #[case::at_the_beginning(datetime!(2026-11-24 09:00 UTC), 1, datetime!(2026-11-24 17:30 UTC))]
    #[case::at_the_end(datetime!(2026-11-24 17:30 UTC), OWN, datetime!(2026-11-26 09:00 UTC))]
    #[case::after_the_last_of_the_week(datetime!(2026-11-26 18:00 UTC), OWN, datetime!(2026-12-01 09:00 UTC))]
    fn rule_holds_from_its_beginning_to_its_end_on_its_days(
        #[case] at: OffsetDateTime,
        #[case] expected: u32,
        #[case] next: OffsetDateTime,
    ) {
        let rules = vec![rule(&[Weekday::Tuesday, Weekday::Thursday], "09:00", "17:30", 1)];
        let caps = limits("UTC", rules).caps_at(at);
        assert_eq!((download(caps), caps.next_change), (expected, Some(next)));
    }

    #[rstest]
    #[case::evening(datetime!(2026-11-24 23:00 UTC), 1, datetime!(2026-11-25 06:00 UTC))]
    #[case::next_morning(datetime!(2026-11-25 05:59 UTC), 1, datetime!(2026-11-25 06:00 UTC))]
    #[case::morning_of_its_day(datetime!(2026-11-24 05:00 UTC), OWN, datetime!(2026-11-24 22:00 UTC))]
    fn night_belongs_to_the_day_on_which_it_begins(
        #[case] at: OffsetDateTime,
        #[case] expected: u32,
        #[case] next: OffsetDateTime,
    ) {
        let caps = limits("UTC", vec![rule(&[Weekday::Tuesday], "22:00", "06:00", 1)]).caps_at(at);
        assert_eq!((download(caps), caps.next_change), (expected, Some(next)));
    }

    #[test]
    fn first_rule_that_holds_wins() {
        let rules = vec![rule(&Weekday::ALL, "12:00", "13:00", 1), rule(&Weekday::ALL, "00:00", "24:00", 2)];
        let limits = limits("UTC", rules);
        assert_eq!(download(limits.caps_at(datetime!(2026-11-24 12:30 UTC))), 1);
        let caps = limits.caps_at(datetime!(2026-11-24 13:00 UTC));
        assert_eq!((download(caps), caps.next_change), (2, Some(datetime!(2026-11-25 00:00 UTC))));
    }

    #[test]
    fn rule_may_take_a_limit_away() {
        let mut none = rule(&Weekday::ALL, "00:00", "24:00", 1);
        none.download_bytes_per_second = None;
        let caps = limits("UTC", vec![none]).caps_at(datetime!(2026-11-24 12:30 UTC));
        assert_eq!(caps.caps, RateCap::default());
    }

    // Berlin: forward at 01:00 UTC on 2026-03-29, back at 01:00 UTC on 2026-10-25; both are Sundays.
    #[rstest]
    #[case::winter(datetime!(2026-01-06 08:30 UTC), 1, datetime!(2026-01-06 09:00 UTC))]
    #[case::summer(datetime!(2026-07-07 07:30 UTC), 1, datetime!(2026-07-07 08:00 UTC))]
    #[case::day_of_23_hours(datetime!(2026-03-29 07:30 UTC), 1, datetime!(2026-03-29 08:00 UTC))]
    #[case::day_of_25_hours(datetime!(2026-10-25 08:30 UTC), 1, datetime!(2026-10-25 09:00 UTC))]
    #[case::across_the_change(datetime!(2026-03-28 09:00 UTC), OWN, datetime!(2026-03-29 07:00 UTC))]
    fn clock_of_the_time_zone_counts(
        #[case] at: OffsetDateTime,
        #[case] expected: u32,
        #[case] next: OffsetDateTime,
    ) {
        let caps = limits("Europe/Berlin", vec![rule(&Weekday::ALL, "09:00", "10:00", 1)]).caps_at(at);
        assert_eq!((download(caps), caps.next_change), (expected, Some(next)));
    }

    #[test]
    fn beginning_that_the_clock_leaves_out_is_as_much_later() {
        let limits = limits("Europe/Berlin", vec![rule(&Weekday::ALL, "02:30", "06:00", 1)]);
        let before = limits.caps_at(datetime!(2026-03-29 00:59 UTC));
        // 02:30 does not come; 03:30 in summer time is 01:30 UTC.
        assert_eq!((download(before), before.next_change), (OWN, Some(datetime!(2026-03-29 01:30 UTC))));
        assert_eq!(download(limits.caps_at(datetime!(2026-03-29 03:59 UTC))), 1);
    }

    #[test]
    fn of_a_time_that_comes_twice_the_first_counts() {
        let limits = limits("Europe/Berlin", vec![rule(&Weekday::ALL, "02:30", "06:00", 1)]);
        let before = limits.caps_at(datetime!(2026-10-25 00:00 UTC));
        assert_eq!(before.next_change, Some(datetime!(2026-10-25 00:30 UTC)));
        let within = limits.caps_at(datetime!(2026-10-25 00:30 UTC));
        assert_eq!((download(within), within.next_change), (1, Some(datetime!(2026-10-25 05:00 UTC))));
    }

    #[test]
    fn whole_day_of_25_hours_is_one_interval() {
        let limits = limits("Europe/Berlin", vec![rule(&[Weekday::Sunday], "00:00", "24:00", 1)]);
        let begun = limits.caps_at(datetime!(2026-10-24 22:00 UTC));
        assert_eq!((download(begun), begun.next_change), (1, Some(datetime!(2026-10-25 23:00 UTC))));
    }

    proptest! {
        /// Whoever sleeps until the next change misses none.
        #[test]
        fn nothing_changes_before_the_next_change(
            seconds in 1_700_000_000_i64..1_900_000_000,
            zone in prop::sample::select(vec!["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]),
            rules in prop::collection::vec((0..1440_u16, 1..1441_u16, prop::sample::subsequence(Weekday::ALL.to_vec(), 1..7)), 1..4),
            part in 0.0..1.0_f64,
        ) {
            let clock = |minutes: u16| format!("{:02}:{:02}", minutes / 60, minutes % 60);
            let rules: Vec<_> = rules
                .iter()
                .zip(1..)
                .filter(|((from, to, _), _)| from != to)
                .map(|((from, to, days), limit)| rule(days, &clock(*from), &clock(*to), limit))
                .collect();
            prop_assume!(!rules.is_empty());
            let limits = limits(zone, rules);
            let at = OffsetDateTime::from_unix_timestamp(seconds).expect("a time");
            let now = limits.caps_at(at);
            let next = now.next_change.expect("it comes again");
            prop_assert!(next > at && next - at <= time::Duration::days(8));
            let between = at + (next - at) * part;
            if between < next {
                let then = limits.caps_at(between);
                prop_assert_eq!((then.caps, then.next_change), (now.caps, now.next_change));
            }
        }
    }
}
