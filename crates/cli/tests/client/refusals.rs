//! What does not work, and the exit code that says so.

use serde_json::Value;
use tokio::time::timeout;

use crate::support::{Address, PATIENCE, Service, Source, command, revaer};

/// A torrent id that no service has ever given.
const UNKNOWN: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

#[tokio::test]
async fn bad_input_is_shown_with_its_pointers() {
    let service = Service::start().await;
    let bad = ["add", "magnet:?xt=urn:btih:short", "--save-path", "../outside"];
    let ended = service.revaer(&bad).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{ended:?}");
    assert!(ended.stderr.contains("  /magnet: ") && ended.stderr.contains("  /save_path: "), "{ended:?}");

    let ended = service.revaer(&[&["--output", "json"], &bad[..]].concat()).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{ended:?}");
    let problem: Value = serde_json::from_str(&ended.stderr).unwrap();
    assert_eq!(
        (&problem["status"], problem["errors"].as_array().unwrap().len()),
        (&422.into(), 2),
        "{problem}"
    );
}

#[tokio::test]
async fn bad_parameter_is_shown_by_its_name() {
    let service = Service::start().await;
    let ended = service.revaer(&["ls", "--state", "asleep", "--limit", "100000"]).await;
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("  state: ") && ended.stderr.contains("  limit: "), "{ended:?}");
}

#[tokio::test]
async fn torrent_that_nobody_knows_is_not_found() {
    let service = Service::start().await;
    for arguments in [
        &["status", UNKNOWN][..],
        &["status", "--follow", UNKNOWN],
        &["files", UNKNOWN],
        &["peers", UNKNOWN],
        &["trackers", UNKNOWN],
        &["history", UNKNOWN],
        &["history", "--all", UNKNOWN],
        &["action", UNKNOWN, "pause"],
        &["action", UNKNOWN, "rate-cap", "--download", "1k"],
        &["select", UNKNOWN, "--all"],
    ] {
        let ended = service.revaer(arguments).await;
        assert_eq!((ended.code, ended.stdout.as_str()), (5, ""), "{arguments:?}: {ended:?}");
    }
}

#[tokio::test]
async fn torrent_that_is_there_is_a_conflict_unless_the_key_is_the_same() {
    let (service, source) = (Service::start().await, Source::start(2, 100_000));
    let magnet = source.seeder.magnet();
    let with_key = ["add", magnet, "--paused", "--idempotency-key", "one"];
    let torrent = service.json(&with_key).await;
    let id = torrent["id"].as_str().unwrap();
    let ended = service.revaer(&["add", magnet]).await;
    assert_eq!(ended.code, 6, "{ended:?}");
    assert!(ended.stderr.contains(&format!("revaer status {id}")), "{ended:?}");
    assert_eq!(service.json(&with_key).await["id"], id, "a repeat gets the first answer");
    let ended = service.revaer(&["add", magnet, "--idempotency-key", "one"]).await;
    assert_eq!(ended.code, 2, "the key of another command: {ended:?}");
}

#[tokio::test]
async fn nobody_who_answers_is_told_apart_from_a_refusal() {
    for arguments in [&["ls"][..], &["tail"], &["tail", "--after", "0"], &["health"]] {
        let ended = revaer(&Address::of_nobody(), arguments).await;
        assert_eq!((ended.code, ended.stdout.as_str()), (3, ""), "{arguments:?}: {ended:?}");
        assert!(ended.stderr.contains("cannot reach the service at http://127.0.0.1:1"), "{ended:?}");
    }
    let ended = revaer(&Address::of_nobody(), &["--output", "json", "ls"]).await;
    let problem: Value = serde_json::from_str(&ended.stderr).unwrap();
    assert_eq!((ended.code, &problem["code"]), (3, &"unreachable".into()));
}

#[tokio::test]
async fn arguments_that_make_no_sense_never_reach_the_service() {
    for arguments in [
        &["status", "../../health"][..],
        &["explode"],
        &["ls", "--sort", "colour"],
        &["tail", "--after", "x"],
    ] {
        let ended = revaer(&Address::of_nobody(), arguments).await;
        assert_eq!(ended.code, 2, "{arguments:?}: {ended:?}");
    }
}

#[tokio::test]
async fn closed_pipe_is_no_fault() {
    let service = Service::start().await;
    for arguments in
        [&["ls"][..], &["--output", "json", "ls"], &["tail"], &["completions", "bash"], &["--help"]]
    {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = command(&service.address(), arguments);
        let output = timeout(PATIENCE, command.stdout(writer).spawn().unwrap().wait_with_output())
            .await
            .unwrap()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), &*told), (Some(0), ""), "{arguments:?}");
    }
}

#[tokio::test]
async fn output_that_cannot_be_written_is_told() {
    let service = Service::start().await;
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = command(&service.address(), &["ls"]);
    let output =
        timeout(PATIENCE, command.stdout(full).spawn().unwrap().wait_with_output()).await.unwrap().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("No space left"), "{output:?}");
}
