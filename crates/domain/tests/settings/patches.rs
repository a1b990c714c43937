//! Merge patches: what they change, and what is wrong with those that are refused.

use std::collections::BTreeSet;

use revaer_domain::settings::{Change, FaultCode, Patch, SecretRef, SettingsCommand, ShareAction};
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::Story;

#[test]
fn patch_changes_what_it_names_and_nothing_else() {
    let story = Story::default().with(json!({"limits": {"download_bytes_per_second": 5_000_000}}));
    let change = Change {
        path: "/limits/download_bytes_per_second".to_owned(),
        old: Value::Null,
        new: 5_000_000.into(),
    };
    assert_eq!(story.recorded[0].changes, [change]);
    let mut document = story.settings.document();
    document["limits"]["download_bytes_per_second"] = Value::Null;
    assert_eq!(document, Story::default().settings.document());
}

#[test]
fn patch_that_changes_nothing_gives_no_event() {
    let mut story = Story::default().with(json!({"engine": {"dht": true}}));
    assert_eq!(story.patch(json!({"engine": {"dht": true}})), Ok(0));
    assert_eq!(story.patch(json!({})), Ok(0));
    let all = story.settings.document();
    assert_eq!(story.patch(all), Ok(0), "the document is a patch that changes nothing");
}

#[test]
fn null_brings_the_default_back() {
    let mut story = Story::default().with(json!({"engine": {"dht": true, "connections_max": 50}}));
    story.patch(json!({"engine": {"connections_max": null}})).expect("fits");
    assert_eq!((story.settings.engine.connections_max, story.settings.engine.dht), (200, true));
    story.patch(json!({"engine": null})).expect("fits");
    assert_eq!(story.settings, Story::default().settings);
}

#[test]
fn entries_are_merged_one_by_one() {
    let mut story = Story::default().with(json!({"limits": {"labels": {
        "films": {"share_ratio": 2.0, "share_action": "remove"}, "books": {}}}}));
    story.patch(json!({"limits": {"labels": {"films": {"share_ratio": 1.5}, "books": null}}})).expect("fits");
    let labels = &story.settings.limits.labels;
    assert_eq!(labels.len(), 1);
    assert_eq!(labels["films"].share_ratio, Some(1.5));
    assert_eq!(labels["films"].share_action, Some(ShareAction::Remove), "is left as it was");
    let paths: Vec<_> = story.recorded[1].changes.iter().map(|change| change.path.as_str()).collect();
    assert_eq!(paths, ["/limits/labels/books", "/limits/labels/films"]);
}

#[test]
fn every_fault_is_told_at_once() {
    let request = json!({
        "engine": {"dht": "yes", "warp": 9, "progress_hertz": 11},
        "limits": {"labels": {"a/b": {"share_ratio": -1}}},
        "instance": {"id": "01ARZ3NDEKTSV4RRFFQ69G5FAV"},
        "nonsense": 1,
    });
    let faults = Story::default().faults(request);
    let told: BTreeSet<_> = faults.iter().map(|fault| (fault.pointer.as_str(), fault.code as u8)).collect();
    let expected = [
        ("/engine/dht", FaultCode::Invalid),
        ("/engine/warp", FaultCode::Unknown),
        ("/engine/progress_hertz", FaultCode::Invalid),
        ("/limits/labels/a~1b", FaultCode::Invalid),
        ("/limits/labels/a~1b/share_ratio", FaultCode::Invalid),
        ("/instance/id", FaultCode::Immutable),
        ("/nonsense", FaultCode::Unknown),
    ];
    assert_eq!(told, expected.iter().map(|(pointer, code)| (*pointer, *code as u8)).collect());
}

#[rstest]
#[case::no_object(json!([]), "")]
#[case::no_section(json!({"engine": 1}), "/engine")]
#[case::zero_rate(json!({"limits": {"upload_bytes_per_second": 0}}), "/limits/upload_bytes_per_second")]
#[case::fraction(json!({"engine": {"connections_max": 2.5}}), "/engine/connections_max")]
#[case::relative_path(json!({"engine": {"download_root": "downloads"}}), "/engine/download_root")]
#[case::unknown_zone(json!({"limits": {"schedule": {"time_zone": "Mars"}}}), "/limits/schedule/time_zone")]
#[case::item_of_a_list(json!({"limits": {"schedule": {"rules": [{}, {"from": "7"}]}}}), "/limits/schedule/rules/1/from")]
#[case::unknown_member_of_an_item(json!({"limits": {"schedule": {"rules": [{"x": 1}]}}}), "/limits/schedule/rules/0/x")]
#[case::nothing_left_of_a_day(json!({"limits": {"schedule": {"rules": [{"days": []}]}}}), "/limits/schedule/rules/0/days")]
#[case::profile_without_a_library(json!({"fsops": {"profiles": {"films": {}}}}), "/fsops/profiles/films")]
#[case::any_origin(json!({"http": {"cors_origins": ["*"]}}), "/http/cors_origins/0")]
#[case::plain_secret(json!({"engine": {"proxy": {"password": "x"}}}), "/engine/proxy/password")]
fn fault_points_into_the_request(#[case] request: Value, #[case] pointer: &str) {
    let faults = Story::default().faults(request.clone());
    assert_eq!(faults.iter().map(|fault| fault.pointer.as_str()).collect::<Vec<_>>(), [pointer]);
    assert!(request.pointer(pointer).is_some());
}

#[rstest]
#[case::proxy_without_host(json!({"engine": {"proxy": {"kind": "socks5", "port": 1080}}}), "/engine/proxy")]
#[case::key_file_alone(json!({"http": {"tls": {"key_file": "/k.pem"}}}), "/http/tls")]
#[case::unknown_profile(json!({"fsops": {"default_profile": "films"}}), "/fsops/default_profile")]
#[case::more_for_one_than_for_all(
    json!({"engine": {"connections_max": 10, "connections_per_torrent_max": 20}}), "/engine/connections_per_torrent_max")]
#[case::moved_away_and_seeded(
    json!({"fsops": {"profiles": {"f": {"library_root": "/l", "transfer": "move"}}}}), "/fsops/profiles/f")]
#[case::links_to_what_is_removed(
    json!({"fsops": {"profiles": {"f": {"library_root": "/l", "transfer": "symlink", "cleanup": "remove_torrent"}}}}),
    "/fsops/profiles/f/cleanup")]
#[case::library_outside(
    json!({"engine": {"download_root": "/d"}, "fsops": {"profiles": {"f": {"library_root": "/l"}}}}),
    "/fsops/profiles/f/library_root")]
#[case::one_label_for_two(
    json!({"fsops": {"profiles": {"a": {"library_root": "/l", "labels": ["x"]}, "b": {"library_root": "/l", "labels": ["x"]}}}}),
    "/fsops/profiles/b/labels/0")]
fn contradiction_is_refused(#[case] request: Value, #[case] pointer: &str) {
    let faults = Story::default().faults(request);
    let [fault] = &faults[..] else { panic!("one fault: {faults:?}") };
    assert_eq!((fault.pointer.as_str(), fault.code), (pointer, FaultCode::Contradiction), "{}", fault.detail);
}

#[test]
fn fingerprint_that_nobody_put_there_is_refused() {
    let secret = |digit: &str| json!({"fingerprint": digit.repeat(16)});
    let request = json!({"fsops": {"archive_passwords": [secret("a")]}});
    let mut story = Story::default();
    assert_eq!(story.faults(request.clone())[0].pointer, "/fsops/archive_passwords/0");
    let secrets = BTreeSet::from([SecretRef { fingerprint: "a".repeat(16).parse().expect("a fingerprint") }]);
    story
        .command(&SettingsCommand::Patch(Patch { request: request.clone(), secrets }))
        .expect("was put away");
    assert_eq!(story.patch(request), Ok(0), "what the document has may be given back");
    let faults = story.faults(json!({"fsops": {"archive_passwords": [secret("a"), secret("b")]}}));
    assert_eq!(faults[0].pointer, "/fsops/archive_passwords/1");
}

#[test]
fn id_is_given_once() {
    let mut story = Story::default();
    let identify = |id: &str| SettingsCommand::Identify { id: id.to_owned() };
    assert_eq!(story.command(&identify("01ARZ3NDEKTSV4RRFFQ69G5FAV")), Ok(1));
    assert_eq!(story.command(&identify("01BX5ZZKBKACTAV9WEVGEMMVRZ")), Ok(0));
    assert_eq!(story.settings.instance.id.as_deref(), Some("01ARZ3NDEKTSV4RRFFQ69G5FAV"));
    assert!(story.revert(0).is_err());
    let same = json!({"instance": {"id": "01ARZ3NDEKTSV4RRFFQ69G5FAV"}});
    assert_eq!(story.patch(same), Ok(0));
}
