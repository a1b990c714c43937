//! The settings over HTTP: what a patch may, what it is told, and what is remembered of it.

use poem::http::Method;
use rstest::rstest;
use serde_json::{Value, json};

use crate::world::{Answer, World, request};

const URI: &str = "/v1/settings";

async fn patch_with(world: &World, uri: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
    let mut patch = request(Method::PATCH, uri).content_type("application/json");
    for (name, value) in headers {
        patch = patch.header(*name, *value);
    }
    world.ask(patch.body(body.to_string())).await
}

async fn patch(world: &World, body: &Value) -> Answer {
    patch_with(world, URI, &[], body).await
}

#[tokio::test]
async fn patch_changes_the_document_that_is_served() {
    let world = World::new().await;
    let before = world.get(URI).await;
    assert_eq!(
        (before.status.as_u16(), before.body["settings"]["engine"]["dht"].as_bool()),
        (200, Some(false))
    );
    let changed = patch(&world, &json!({"engine": {"dht": true}})).await;
    assert_eq!(changed.status.as_u16(), 200, "{}", changed.body);
    assert_eq!(changed.body["position"], changed.position());
    let after = world.get(&format!("{URI}?min_position={}", changed.position())).await;
    assert_eq!(after.body, changed.body);
    assert_eq!(after.header("etag"), format!("\"{}\"", after.body["version"]));
    assert_eq!(after.body["settings"]["engine"]["dht"], true);
    let then = world.get(&format!("{URI}?at={}", changed.position() - 1)).await;
    assert_eq!(then.body["settings"], before.body["settings"]);
    let same = patch(&world, &json!({"engine": {"dht": true}})).await;
    assert_eq!(same.body, changed.body, "what changes nothing is answered alike");
}

#[rstest]
#[case::as_what_it_is("application/merge-patch+json", 200)]
#[case::with_parameters("Application/Merge-Patch+JSON; charset=utf-8", 200)]
#[case::as_json("application/json", 200)]
#[case::another_kind_of_patch("application/json-patch+json", 415)]
#[tokio::test]
async fn patch_is_read_by_its_content_type(#[case] content_type: &str, #[case] status: u16) {
    let world = World::new().await;
    let patch = request(Method::PATCH, URI).content_type(content_type).body(r#"{"engine": {"dht": true}}"#);
    let answer = world.ask(patch).await;
    assert_eq!(answer.status.as_u16(), status, "{}", answer.body);
    assert_eq!(world.get(URI).await.body["settings"]["engine"]["dht"], status == 200);
    // Nothing else is sent as a patch.
    let add = request(Method::POST, "/v1/torrents").content_type("application/merge-patch+json").body("{}");
    world.ask(add).await.assert_problem(415, "unsupported_media_type");
}

#[tokio::test]
async fn every_bad_key_is_named_with_its_pointer_and_nothing_is_changed() {
    let world = World::new().await;
    let body = json!({"engine": {"dht": "yes", "warp": 9, "lsd": true}, "instance": {"id": "x"},
        "fsops": {"default_profile": "films"}});
    let refused = patch(&world, &body).await;
    refused.assert_problem(422, "invalid");
    let mut faults = refused.faults();
    faults.sort();
    let expected = [("/engine/dht", "invalid"), ("/engine/warp", "unknown_key"), ("/instance/id", "invalid")];
    assert_eq!(faults, expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned())));
    let refused = patch(&world, &json!({"fsops": {"default_profile": "films"}})).await;
    assert_eq!(refused.faults(), [("/fsops/default_profile".to_owned(), "contradiction".to_owned())]);
    assert_eq!(world.get(URI).await.body["settings"]["engine"]["lsd"], false);
}

#[tokio::test]
async fn hostile_patches_are_refused_with_short_problems() {
    let world = World::new().await;
    patch(&world, &json!([])).await.assert_problem(422, "invalid");
    let twice = request(Method::PATCH, URI).content_type("application/json");
    world
        .ask(twice.body(r#"{"engine": {"dht": true, "dht": false}}"#))
        .await
        .assert_problem(400, "malformed");
    let long = patch(&world, &json!({"x".repeat(500_000): 1})).await;
    long.assert_problem(422, "invalid");
    assert!(long.body.to_string().len() < 4096);
    let many: serde_json::Map<_, _> = (0..10_000).map(|number| (number.to_string(), json!(1))).collect();
    assert_eq!(patch(&world, &Value::Object(many)).await.faults().len(), 100);
}

#[tokio::test]
async fn stale_version_is_refused_and_a_repeat_happens_once() {
    let world = World::new().await;
    let version = world.get(URI).await.header("etag").to_owned();
    let (first, second) = tokio::join!(
        async { patch_with(&world, URI, &[("if-match", &version)], &json!({"engine": {"dht": true}})).await },
        async { patch_with(&world, URI, &[("if-match", &version)], &json!({"engine": {"lsd": true}})).await },
    );
    let mut statuses = [first.status.as_u16(), second.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412], "one wins");
    let key = [("idempotency-key", "k")];
    let body = json!({"engine": {"upnp": true}});
    let one = patch_with(&world, URI, &key, &body).await;
    patch(&world, &json!({"engine": {"upnp": false}})).await;
    let again = patch_with(&world, URI, &key, &body).await;
    assert_eq!((again.status.as_u16(), &again.body), (200, &one.body));
    patch_with(&world, URI, &key, &json!({})).await.assert_problem(422, "idempotency_key_reused");
}

#[tokio::test]
async fn dry_run_judges_and_records_nothing() {
    let world = World::new().await;
    let before = world.get(URI).await;
    let uri = format!("{URI}?dry_run=true");
    let judged = patch_with(&world, &uri, &[], &json!({"http": {"listen": "127.0.0.1:9"}})).await;
    assert_eq!(judged.body["settings"]["http"]["listen"], "127.0.0.1:9");
    assert_eq!(judged.body["restart_required"], json!(["/http/listen"]));
    patch_with(&world, &uri, &[], &json!({"x": 1})).await.assert_problem(422, "invalid");
    assert_eq!(world.get(URI).await.body, before.body);
}

#[tokio::test]
async fn history_says_who_and_what_and_a_change_is_taken_back() {
    let world = World::new().await;
    let rate = |rate| json!({"limits": {"download_bytes_per_second": rate}});
    let first = patch_with(&world, URI, &[("x-request-id", "r-1")], &rate(5)).await;
    let history = world.get("/v1/settings/history?limit=1000").await;
    let entry = history.body["items"].as_array().and_then(|items| items.last()).expect("an entry");
    assert_eq!(entry["position"], first.position());
    assert_eq!(entry["request_id"], "r-1");
    assert!(entry["actor"].is_string() && entry["recorded_at"].is_string());
    let change = json!({"path": "/limits/download_bytes_per_second", "old": null, "new": 5});
    assert_eq!(entry["changes"], json!([change]));

    let revert = json!({"position": first.position()});
    let reverted = world.post("/v1/settings/revert", &revert).await;
    assert_eq!(reverted.status.as_u16(), 200, "{}", reverted.body);
    assert_eq!(reverted.body["settings"]["limits"]["download_bytes_per_second"], Value::Null);
    patch(&world, &rate(6)).await;
    let refused = world.post("/v1/settings/revert", &revert).await;
    refused.assert_problem(409, "settings_conflict");
    let detail = refused.body["errors"][0]["detail"].as_str().expect("a detail");
    assert!(detail.contains("/limits/download_bytes_per_second"), "{detail}");
    let unknown = world.post("/v1/settings/revert", &json!({"position": first.position() + 1000})).await;
    assert_eq!(unknown.faults(), [("/position".to_owned(), "invalid".to_owned())]);
    world.post("/v1/settings/revert", &json!({})).await.assert_problem(422, "invalid");

    let page = world.get("/v1/settings/history?limit=1").await;
    let cursor = page.body["next_cursor"].as_str().expect("there is more");
    let next = world.get(&format!("/v1/settings/history?limit=1000&cursor={cursor}")).await;
    assert_eq!(next.body["next_cursor"], Value::Null);
    let all =
        world.get("/v1/settings/history?limit=1000").await.body["items"].as_array().expect("items").len();
    assert_eq!(next.body["items"].as_array().expect("items").len() + 1, all);
}

#[tokio::test]
async fn secret_is_shown_by_its_fingerprint_alone() {
    let world = World::new().await;
    let body = json!({"engine": {"proxy": {"username": "me", "password": "open sesame"}}});
    let changed = patch(&world, &body).await;
    let shown = &changed.body["settings"]["engine"]["proxy"]["password"];
    assert!(shown["fingerprint"].is_string(), "{}", changed.body);
    let given_back = patch(&world, &json!({"engine": {"proxy": {"password": shown}}})).await;
    assert_eq!(given_back.body, changed.body);
    let history = world.get("/v1/settings/history?limit=1000").await;
    let refused = patch(&world, &json!({"http": {"tls": {"key": "open sesame"}}})).await;
    refused.assert_problem(422, "invalid");
    for answer in [changed, history, refused] {
        assert!(!answer.body.to_string().contains("sesame"), "{}", answer.body);
    }
}
