//! Which profile a torrent's files go by: what the caller offers, and what the rules take of it.
//!
//! The caller looks the settings up and draws the id of a job; the choice itself is made where the torrent's labels are known
//! for certain, when the command is decided. It is recorded with the fact, so that a fold asks no settings.

use serde::Serialize;

use super::event::FsopsChosen;
use crate::settings::FsopsSettings;
use crate::values::{JobId, Labels};

/// What the settings offer at a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProfileOffer {
    /// The id of the job that would begin.
    pub job: JobId,
    /// The profiles, and the labels that choose each.
    pub profiles: Vec<(String, Vec<String>)>,
    /// The profile of torrents that no label chooses one for.
    pub default_profile: Option<String>,
}

impl ProfileOffer {
    /// What these settings offer.
    pub fn of(settings: &FsopsSettings, job: JobId) -> Self {
        let profiles = settings.profiles.iter().map(|(name, profile)| (name.clone(), profile.labels.clone()));
        Self { job, profiles: profiles.collect(), default_profile: settings.default_profile.clone() }
    }

    /// The profile that is asked for by name, else that of the first label that chooses one, else the default.
    pub fn choose(&self, named: Option<&str>, labels: &Labels) -> Option<String> {
        let of_label =
            |label: &str| self.profiles.iter().find(|(_, chosen_by)| chosen_by.iter().any(|by| by == label));
        named
            .map(str::to_owned)
            .or_else(|| {
                labels.iter().find_map(|label| of_label(label.as_str())).map(|(name, _)| name.clone())
            })
            .or_else(|| self.default_profile.clone())
    }

    /// Whether there is a profile of this name.
    pub fn has(&self, name: &str) -> bool {
        self.profiles.iter().any(|(known, _)| known == name)
    }

    pub(super) fn chosen(&self, named: Option<&str>, labels: &Labels) -> Option<FsopsChosen> {
        self.choose(named, labels).map(|profile| FsopsChosen { job: self.job, profile })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use ulid::Ulid;

    use super::*;

    #[rstest]
    #[case::named_wins(Some("own"), &["films"], Some("own"))]
    #[case::by_label(None, &["films"], Some("cinema"))]
    #[case::first_label_that_chooses_one(None, &["a", "music", "films"], Some("cinema"))]
    #[case::otherwise_the_default(None, &["other"], Some("plain"))]
    fn profile_is_chosen(
        #[case] named: Option<&str>,
        #[case] labels: &[&str],
        #[case] expected: Option<&str>,
    ) {
        let profile = |name: &str, labels: &[&str]| {
            (name.to_owned(), labels.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        let offer = ProfileOffer {
            job: JobId::new(Ulid(1)),
            profiles: vec![profile("cinema", &["films"]), profile("sound", &["music"])],
            default_profile: Some("plain".to_owned()),
        };
        let labels = labels.iter().map(|label| label.parse().expect("a label")).collect();
        assert_eq!(offer.choose(named, &labels).as_deref(), expected);
    }
}
