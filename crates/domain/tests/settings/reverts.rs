//! Taking changes back.

use revaer_domain::settings::{Refused, SettingsCommand};
use serde_json::{Value, json};

use crate::support::Story;

fn two_keys() -> Story {
    Story::default().with(json!({"engine": {"dht": true}, "limits": {"download_bytes_per_second": 7}}))
}

#[test]
fn revert_restores_what_was_before() {
    let mut story = two_keys();
    assert_eq!(story.revert(0), Ok(1));
    assert_eq!(story.settings, Story::default().settings);
    assert_eq!(story.recorded[1].reverts, Some(1));
    assert_eq!(story.revert(0), Ok(0), "it is taken back already");
    assert_eq!(story.revert(1), Ok(1), "a revert is a change like any other");
    assert!(story.settings.engine.dht);
}

#[test]
fn revert_of_what_was_overwritten_is_a_conflict() {
    let mut story = two_keys().with(json!({"limits": {"download_bytes_per_second": 8}}));
    let overwritten = vec!["/limits/download_bytes_per_second".to_owned()];
    assert_eq!(story.revert(0), Err(Refused::Overwritten(overwritten)));
    assert!(story.settings.engine.dht, "nothing is taken back by halves");
}

#[test]
fn revert_that_others_rest_on_is_refused() {
    let mut story = Story::default()
        .with(json!({"fsops": {"profiles": {"films": {"library_root": "/l"}}}}))
        .with(json!({"fsops": {"default_profile": "films"}}));
    let Err(Refused::Unfit(faults)) = story.revert(0) else { panic!("the profile is the default one") };
    assert_eq!(faults[0].pointer, "/fsops/default_profile");
}

#[test]
fn compensation_takes_back_what_still_stands() {
    let mut story = two_keys().with(json!({"limits": {"download_bytes_per_second": 8}}));
    let command = SettingsCommand::Compensate { of: story.reversal(0), reason: "no".to_owned() };
    assert_eq!(story.command(&command), Ok(1));
    let last = story.recorded.last().expect("recorded");
    assert_eq!((last.reverts, last.reason.as_deref()), (Some(1), Some("no")));
    assert_eq!(last.changes.len(), 1);
    assert!(!story.settings.engine.dht);
    assert_eq!(story.settings.document()["limits"]["download_bytes_per_second"], Value::from(8));
    assert_eq!(story.command(&command), Ok(0));
}
