//! Which limits of sharing hold for a torrent: its own, else those of its labels, else those of the settings.
//!
//! Each of the three (ratio, time, action) is looked up by itself: a torrent with a ratio of its own still has the time of its
//! label. Of several labels the one that asks for least counts; of several actions that of the first label in order that
//! names one.

use crate::settings::{LabelLimits, LimitSettings, ShareAction};
use crate::torrent::{LimitSource, ReachedLimit, ReachedLimits, ShareLimitReached, Torrent, Totals};
use crate::values::{Label, ShareRatio};

/// What holds for one torrent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharingRule {
    /// How often it sends what it has; `None`: without end.
    pub share_ratio: Option<Held<ShareRatio>>,
    /// How long it seeds; `None`: without end.
    pub seed_time_seconds: Option<Held<u64>>,
    /// What becomes of it then.
    pub action: ShareAction,
}

/// A limit, and who set it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held<T> {
    /// The limit.
    pub value: T,
    /// Who set it.
    pub set_by: LimitSource,
}

impl SharingRule {
    /// The rule for a torrent.
    pub fn of(torrent: &Torrent, settings: &LimitSettings) -> Self {
        let own = &torrent.share_limits;
        let by_label = || {
            let labels = torrent.labels.iter();
            labels.filter_map(|label| Some((label, settings.labels.get(label.as_str())?)))
        };
        let ratio = |ratio: Option<f64>| ratio.and_then(|ratio| ShareRatio::try_from(ratio).ok());
        Self {
            share_ratio: chosen(
                own.share_ratio,
                by_label().filter_map(|(label, limits)| Some((ratio(limits.share_ratio)?, label))),
                ratio(settings.share_ratio),
            ),
            seed_time_seconds: chosen(
                own.seed_time_seconds,
                by_label().filter_map(|(label, limits)| Some((limits.seed_time_seconds?, label))),
                settings.seed_time_seconds,
            ),
            action: own
                .share_action
                .or_else(|| by_label().find_map(|(_, limits): (_, &LabelLimits)| limits.share_action))
                .unwrap_or(settings.share_action),
        }
    }

    /// Without the limits that were dealt with: what an operator asked for since wins over them.
    #[must_use]
    pub fn unless_reached(self, reached: &ReachedLimits) -> Self {
        Self {
            share_ratio: self.share_ratio.filter(|held| reached.share_ratio != Some(held.value)),
            seed_time_seconds: self
                .seed_time_seconds
                .filter(|held| reached.seed_time_seconds != Some(held.value)),
            action: self.action,
        }
    }

    /// Whether anything would ever come of it.
    pub fn can_be_reached(&self) -> bool {
        self.action != ShareAction::Nothing
            && (self.share_ratio.is_some() || self.seed_time_seconds.is_some())
    }

    /// What there is to tell of a torrent that has sent enough. `own_bytes` is what the log knows it to have: one that was there
    /// before it was added received nothing, and what it has is what its ratio is taken of.
    pub fn reached_by_ratio(&self, own_bytes: u64, totals: Totals) -> Option<ShareLimitReached> {
        let own_bytes = own_bytes.max(totals.downloaded_bytes).max(totals.wanted_done_bytes);
        let held = self.share_ratio.as_ref()?;
        let is_reached = held.value.is_reached(totals.uploaded_bytes, own_bytes);
        is_reached.then(|| self.reached(ReachedLimit::ShareRatio(held.value), &held.set_by, totals))
    }

    /// What there is to tell of a torrent that has seeded for so long.
    pub fn reached_by_time(&self, seeded_seconds: u64, totals: Totals) -> Option<ShareLimitReached> {
        let held = self.seed_time_seconds.as_ref()?;
        let is_reached = seeded_seconds >= held.value;
        is_reached.then(|| self.reached(ReachedLimit::SeedTimeSeconds(held.value), &held.set_by, totals))
    }

    fn reached(&self, limit: ReachedLimit, set_by: &LimitSource, totals: Totals) -> ShareLimitReached {
        ShareLimitReached { limit, set_by: Some(set_by.clone()), action: self.action, totals }
    }
}

/// That of the torrent, else the least of its labels, else that of the settings.
fn chosen<'a, T: Ord + Copy>(
    own: Option<T>,
    by_label: impl Iterator<Item = (T, &'a Label)>,
    of_settings: Option<T>,
) -> Option<Held<T>> {
    let of_label = || {
        let (value, label) = by_label.min_by_key(|(value, _)| *value)?;
        Some(Held { value, set_by: LimitSource::Label(label.clone()) })
    };
    own.map(|value| Held { value, set_by: LimitSource::Torrent })
        .or_else(of_label)
        .or_else(|| of_settings.map(|value| Held { value, set_by: LimitSource::Settings }))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::values::ShareLimits;

    fn ratio(ratio: f64) -> Option<ShareRatio> {
        ratio.try_into().ok()
    }

    fn settings() -> LimitSettings {
        let strict = LabelLimits { share_ratio: Some(1.0), seed_time_seconds: None, share_action: None };
        let lasting = LabelLimits {
            share_ratio: Some(4.0),
            seed_time_seconds: Some(600),
            share_action: Some(ShareAction::Remove),
        };
        let kept = LabelLimits {
            share_ratio: None,
            seed_time_seconds: Some(60),
            share_action: Some(ShareAction::Nothing),
        };
        LimitSettings {
            share_ratio: Some(2.0),
            seed_time_seconds: Some(3600),
            share_action: ShareAction::Pause,
            labels: [("strict", strict), ("lasting", lasting), ("kept", kept)]
                .map(|(name, limits)| (name.to_owned(), limits))
                .into(),
            ..LimitSettings::default()
        }
    }

    #[rstest]
    #[case::of_the_settings(&[], ShareLimits::default(), (2.0, 3600, ShareAction::Pause))]
    #[case::unknown_label(&["other"], ShareLimits::default(), (2.0, 3600, ShareAction::Pause))]
    #[case::of_a_label(&["lasting"], ShareLimits::default(), (4.0, 600, ShareAction::Remove))]
    #[case::what_a_label_leaves_open(&["strict"], ShareLimits::default(), (1.0, 3600, ShareAction::Pause))]
    #[case::of_several_labels(&["kept", "lasting", "strict"], ShareLimits::default(), (1.0, 60, ShareAction::Nothing))]
    #[case::of_the_torrent(&["lasting"],
        ShareLimits { share_ratio: ratio(9.0), ..ShareLimits::default() }, (9.0, 600, ShareAction::Remove))]
    #[case::action_of_the_torrent(&["lasting"],
        ShareLimits { share_action: Some(ShareAction::Nothing), ..ShareLimits::default() },
        (4.0, 600, ShareAction::Nothing))]
    fn torrent_comes_before_label_and_label_before_settings(
        #[case] labels: &[&str],
        #[case] own: ShareLimits,
        #[case] (wanted_ratio, seconds, action): (f64, u64, ShareAction),
    ) {
        let labels = labels.iter().map(|label| label.parse().expect("a label")).collect();
        let torrent = Torrent { labels, share_limits: own, ..Torrent::default() };
        let rule = SharingRule::of(&torrent, &settings());
        assert_eq!(rule.share_ratio.map(|held| held.value), ratio(wanted_ratio));
        assert_eq!(rule.seed_time_seconds.map(|held| held.value), Some(seconds));
        assert_eq!(rule.action, action);
    }

    #[test]
    fn limit_says_who_set_it() {
        let label = |name: &str| LimitSource::Label(name.parse().expect("a label"));
        let labels = ["kept", "lasting"].map(|name| name.parse().expect("a label")).into_iter().collect();
        let torrent = Torrent { labels, ..Torrent::default() };
        let rule = SharingRule::of(&torrent, &settings());
        assert_eq!(rule.share_ratio, ratio(4.0).map(|value| Held { value, set_by: label("lasting") }));
        assert_eq!(rule.seed_time_seconds, Some(Held { value: 60, set_by: label("kept") }));
        let own = ShareLimits { share_ratio: ratio(9.0), ..ShareLimits::default() };
        let rule = SharingRule::of(&Torrent { share_limits: own, ..Torrent::default() }, &settings());
        assert_eq!(rule.share_ratio.map(|held| held.set_by), Some(LimitSource::Torrent));
        assert_eq!(rule.seed_time_seconds.map(|held| held.set_by), Some(LimitSource::Settings));
    }

    #[test]
    fn limit_that_was_dealt_with_is_out_and_the_other_one_stays() {
        let reached = ReachedLimits { share_ratio: ratio(2.0), seed_time_seconds: Some(60) };
        let rule = SharingRule::of(&Torrent::default(), &settings()).unless_reached(&reached);
        assert_eq!(rule.share_ratio, None);
        assert!(rule.seed_time_seconds.is_some() && rule.can_be_reached());
        assert!(!SharingRule { action: ShareAction::Nothing, ..rule }.can_be_reached());
    }

    #[test]
    fn torrent_that_was_there_before_is_measured_by_what_it_has() {
        let rule = SharingRule::of(&Torrent::default(), &settings());
        let sent = |uploaded_bytes| Totals { uploaded_bytes, ..Totals::default() };
        assert_eq!(rule.reached_by_ratio(1000, sent(1999)), None);
        let reached = rule.reached_by_ratio(1000, sent(2000)).expect("twice what it has");
        assert_eq!(Some(reached.limit), ratio(2.0).map(ReachedLimit::ShareRatio));
        assert_eq!((reached.set_by, reached.totals), (Some(LimitSource::Settings), sent(2000)));
    }

    #[test]
    fn time_is_reached_to_the_second() {
        let rule = SharingRule::of(&Torrent::default(), &settings());
        assert_eq!(rule.reached_by_time(3599, Totals::default()), None);
        assert!(rule.reached_by_time(3600, Totals::default()).is_some());
    }
}
