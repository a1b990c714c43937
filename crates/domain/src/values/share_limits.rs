//! How much a complete torrent shares before something is done about it.

use serde::{Deserialize, Serialize};

use crate::settings::ShareAction;

/// The largest share ratio that can be asked for.
const RATIO_MAX: f64 = 10_000.0;
const THOUSANDTHS: f64 = 1000.0;

/// Uploaded bytes divided by downloaded bytes, 0 to 10,000, kept in thousandths: two that are written alike are alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct ShareRatio(u32);

/// The number is not a share ratio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a share ratio: 0 to {RATIO_MAX}")]
pub struct InvalidShareRatio;

/// The limits of one torrent. What is `None` is as its labels say, and else as the settings do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ShareLimits {
    /// How often it sends what it has.
    pub share_ratio: Option<ShareRatio>,
    /// How long it seeds.
    pub seed_time_seconds: Option<u64>,
    /// What becomes of it then.
    pub share_action: Option<ShareAction>,
}

impl ShareAction {
    /// Every action.
    pub const ALL: [Self; 3] = [Self::Pause, Self::Remove, Self::Nothing];

    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Remove => "remove",
            Self::Nothing => "nothing",
        }
    }
}

impl ShareRatio {
    /// Whether a torrent that has sent so much of what it has reaches it. Multiplied out, so that nothing is rounded.
    pub fn is_reached(self, uploaded_bytes: u64, own_bytes: u64) -> bool {
        u128::from(uploaded_bytes) * 1000 >= u128::from(own_bytes) * u128::from(self.0)
    }
}

impl ShareLimits {
    /// Whether nothing is asked for.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl TryFrom<f64> for ShareRatio {
    type Error = InvalidShareRatio;

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range was looked at: seven digits at most"
    )]
    fn try_from(ratio: f64) -> Result<Self, Self::Error> {
        if (0.0..=RATIO_MAX).contains(&ratio) {
            Ok(Self((ratio * THOUSANDTHS).round() as u32))
        } else {
            Err(InvalidShareRatio)
        }
    }
}

impl From<ShareRatio> for f64 {
    fn from(ratio: ShareRatio) -> Self {
        Self::from(ratio.0) / THOUSANDTHS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn ratio(ratio: f64) -> ShareRatio {
        ratio.try_into().expect("a ratio")
    }

    #[rstest]
    #[case(-0.001)]
    #[case(10_000.1)]
    #[case(f64::NAN)]
    #[case(f64::INFINITY)]
    fn number_that_is_no_ratio_is_refused(#[case] number: f64) {
        assert_eq!(ShareRatio::try_from(number), Err(InvalidShareRatio));
    }

    #[rstest]
    #[case::below(1.5, 1_499, 1_000, false)]
    #[case::reached(1.5, 1_500, 1_000, true)]
    #[case::nothing_asked_for(0.0, 0, 1_000, true)]
    #[case::nothing_to_send(2.0, 0, 0, true)]
    #[case::large(10_000.0, u64::MAX, u64::MAX, false)]
    fn ratio_is_reached_exactly(
        #[case] wanted: f64,
        #[case] up: u64,
        #[case] own: u64,
        #[case] reached: bool,
    ) {
        assert_eq!(ratio(wanted).is_reached(up, own), reached);
    }

    #[test]
    fn words_of_actions_are_those_of_the_settings() {
        assert_eq!(ShareAction::ALL.map(ShareAction::name), ShareAction::WORDS);
    }

    proptest! {
        #[test]
        fn ratio_is_read_back_as_it_was_written(thousandths in 0..=10_000_000_u32) {
            let written = serde_json::to_string(&ShareRatio(thousandths)).expect("plain");
            prop_assert_eq!(serde_json::from_str::<ShareRatio>(&written).expect("a ratio"), ShareRatio(thousandths));
        }
    }
}
