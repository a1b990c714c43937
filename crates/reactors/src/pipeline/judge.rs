//! What only this machine can say of a profile: whether its accounts are known here, and whatever else its parser finds.

use revaer_application::SettingsJudge;
use revaer_domain::settings::{Fault, FaultCode, Settings};
use revaer_fsops::{Profile, ProfileValues};
use serde::Deserialize;

/// Judges the profiles of settings before they are recorded.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProfileJudge;

impl SettingsJudge for ProfileJudge {
    fn judge(&self, before: &Settings, after: &Settings) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (name, profile) in &after.fsops.profiles {
            // What was taken once stays, even if an account has gone since: another change must not fail for it.
            if before.fsops.profiles.get(name) == Some(profile) {
                continue;
            }
            let at = format!("/fsops/profiles/{}", name.replace('~', "~0").replace('/', "~1"));
            let values = serde_json::to_value(profile).expect("a profile is plain values");
            match ProfileValues::deserialize(values) {
                Ok(values) => {
                    let found = Profile::parse(&values).err().unwrap_or_default();
                    faults.extend(found.into_iter().map(|found| {
                        let code = if found.code == "contradiction" {
                            FaultCode::Contradiction
                        } else {
                            FaultCode::Invalid
                        };
                        Fault::new(&format!("{at}{}", found.pointer), code, found.detail)
                    }));
                }
                Err(error) => faults.push(Fault::new(&at, FaultCode::Invalid, error.to_string())),
            }
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use revaer_domain::settings::{FsopsProfile, Transfer};

    use super::*;

    fn settings(profile: FsopsProfile) -> Settings {
        let mut settings = Settings::default();
        settings.fsops.profiles.insert("a/b".to_owned(), profile);
        settings
    }

    #[test]
    fn account_that_nobody_knows_is_named_with_its_place() {
        let profile = FsopsProfile {
            library_root: "/srv".to_owned(),
            owner: Some("nobody-has-this-name".to_owned()),
            ..FsopsProfile::default()
        };
        let judged = ProfileJudge.judge(&Settings::default(), &settings(profile.clone()));
        assert_eq!(
            judged.iter().map(|fault| fault.pointer.as_str()).collect::<Vec<_>>(),
            ["/fsops/profiles/a~1b/owner"]
        );
        assert_eq!(ProfileJudge.judge(&settings(profile.clone()), &settings(profile)), []);
    }

    #[test]
    fn contradiction_is_told_as_one() {
        let profile = FsopsProfile {
            library_root: "/srv".to_owned(),
            transfer: Transfer::Symlink,
            owner: Some("0".to_owned()),
            ..FsopsProfile::default()
        };
        let judged = ProfileJudge.judge(&Settings::default(), &settings(profile));
        assert_eq!(judged.iter().map(|fault| fault.code).collect::<Vec<_>>(), [FaultCode::Contradiction]);
    }
}
