//! Which limits of sharing hold for a torrent: its own, else those of its labels, else those of the settings.
//!
//! Each of the three (ratio, time, action) is looked up by itself: a torrent with a ratio of its own still has the time of its
//! label. Of several labels the one that asks for least counts; of several actions that of the first label in order that
//! names one.

use crate::settings::{LabelLimits, LimitSettings, ShareAction};
use crate::torrent::{ReachedLimit, Torrent};
use crate::values::ShareRatio;

/// What holds for one torrent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SharingRule {
    /// How often it sends what it has; `None`: without end.
    pub share_ratio: Option<ShareRatio>,
    /// How long it seeds; `None`: without end.
    pub seed_time_seconds: Option<u64>,
    /// What becomes of it then.
    pub action: ShareAction,
}

impl SharingRule {
    /// The rule for a torrent.
    pub fn of(torrent: &Torrent, settings: &LimitSettings) -> Self {
        let own = &torrent.share_limits;
        let by_label = || torrent.labels.iter().filter_map(|label| settings.labels.get(label.as_str()));
        let ratio = |ratio: Option<f64>| ratio.and_then(|ratio| ShareRatio::try_from(ratio).ok());
        let action = |limits: &LabelLimits| limits.share_action;
        Self {
            share_ratio: own
                .share_ratio
                .or_else(|| by_label().filter_map(|limits| ratio(limits.share_ratio)).min())
                .or_else(|| ratio(settings.share_ratio)),
            seed_time_seconds: own
                .seed_time_seconds
                .or_else(|| by_label().filter_map(|limits| limits.seed_time_seconds).min())
                .or(settings.seed_time_seconds),
            action: own.share_action.or_else(|| by_label().find_map(action)).unwrap_or(settings.share_action),
        }
    }

    /// The limit that a torrent reaches with what it has sent. A torrent that was there before it was added received
    /// nothing: what it has is what its ratio is taken of.
    pub fn reached_by_ratio(&self, torrent: &Torrent, uploaded_bytes: u64) -> Option<ReachedLimit> {
        let own_bytes = torrent.totals.downloaded_bytes.max(torrent.totals.wanted_done_bytes);
        self.share_ratio
            .filter(|ratio| ratio.is_reached(uploaded_bytes, own_bytes))
            .map(ReachedLimit::ShareRatio)
    }

    /// The limit that a torrent reaches with the time that it has seeded.
    pub fn reached_by_time(&self, seeded_seconds: u64) -> Option<ReachedLimit> {
        self.seed_time_seconds.filter(|limit| seeded_seconds >= *limit).map(ReachedLimit::SeedTimeSeconds)
    }
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
        let expected =
            SharingRule { share_ratio: ratio(wanted_ratio), seed_time_seconds: Some(seconds), action };
        assert_eq!(SharingRule::of(&torrent, &settings()), expected);
    }

    #[test]
    fn torrent_that_was_there_before_is_measured_by_what_it_has() {
        let mut torrent = Torrent::default();
        torrent.totals.wanted_done_bytes = 1000;
        let rule = SharingRule::of(&torrent, &settings());
        assert_eq!(rule.reached_by_ratio(&torrent, 1999), None);
        assert_eq!(rule.reached_by_ratio(&torrent, 2000), ratio(2.0).map(ReachedLimit::ShareRatio));
    }
}
