//! Profiles as the settings say them: what is taken, and every fault with its place.

use revaer_fsops::{Profile, ProfileValues, Transfer};
use rstest::rstest;
use serde_json::{Value, json};

fn faults(change: &Value) -> Vec<(String, &'static str)> {
    let mut values = json!({ "library_root": "/library" });
    for (key, value) in change.as_object().expect("an object") {
        values[key] = value.clone();
    }
    let values: ProfileValues = serde_json::from_value(values).expect("right by its types");
    let faults = Profile::parse(&values).err().unwrap_or_default();
    faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect()
}

#[test]
fn defaults_are_safe() {
    let values: ProfileValues = serde_json::from_value(json!({ "library_root": "/library" })).unwrap();
    assert_eq!(values.transfer, Transfer::Hardlink);
    assert_eq!(values.path_template, "{name}");
    assert!(Profile::parse(&values).is_ok());
}

#[rstest]
#[case::relative_root(json!({"library_root": "library"}), &[("/library_root", "invalid_path")])]
#[case::climbing_root(json!({"library_root": "/a/../b"}), &[("/library_root", "invalid_path")])]
#[case::template(json!({"path_template": "{nope}"}), &[("/path_template", "invalid_template")])]
#[case::glob(json!({"exclude": ["*.txt", "a["]}), &[("/exclude/1", "invalid_glob")])]
#[case::not_octal(json!({"file_mode": "0888"}), &[("/file_mode", "invalid_mode")])]
#[case::set_user_id(json!({"file_mode": "4755"}), &[("/file_mode", "invalid_mode")])]
#[case::unreadable(json!({"file_mode": "0000"}), &[("/file_mode", "invalid_mode")])]
#[case::directory_that_nobody_enters(json!({"directory_mode": "0644"}), &[("/directory_mode", "invalid_mode")])]
#[case::unknown_user(json!({"owner": "no-such-user-here"}), &[("/owner", "unknown_account")])]
#[case::user_and_group_by_name(json!({"owner": "root", "group": "0"}), &[])]
#[case::move_and_seed(json!({"transfer": "move"}), &[("/cleanup", "contradiction")])]
#[case::move_and_remove(json!({"transfer": "move", "cleanup": "remove_torrent"}), &[])]
#[case::links_to_nothing(json!({"transfer": "symlink", "cleanup": "remove_torrent"}), &[("/cleanup", "contradiction")])]
#[case::mode_of_links(json!({"transfer": "symlink", "file_mode": "0644"}), &[("/file_mode", "contradiction")])]
#[case::umask_without_effect(
    json!({"umask": "022", "file_mode": "0644", "directory_mode": "0755"}),
    &[("/umask", "contradiction")]
)]
#[case::all_at_once(
    json!({"library_root": "x", "owner": "no-such-user-here", "umask": "9"}),
    &[("/library_root", "invalid_path"), ("/umask", "invalid_mode"), ("/owner", "unknown_account")]
)]
fn faults_are_found_with_their_place(#[case] change: Value, #[case] expected: &[(&str, &'static str)]) {
    let expected: Vec<(String, &str)> =
        expected.iter().map(|(pointer, code)| ((*pointer).to_owned(), *code)).collect();
    assert_eq!(faults(&change), expected);
}

#[rstest]
#[case(json!({"library_root": "/l", "tranfser": "copy"}))]
#[case(json!({"library_root": "/l", "transfer": "teleport"}))]
#[case(json!({"library_root": "/l", "bounds": {"ratio": 1}}))]
fn misspelt_keys_and_words_are_no_profile(#[case] values: Value) {
    assert!(serde_json::from_value::<ProfileValues>(values).is_err());
}
