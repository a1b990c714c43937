//! Who did what: every command with its caller and its request, found by each filter.

use revaer_domain::torrent::{Failure, TorrentCommand};
use rstest::rstest;
use serde_json::{Value, json};

use crate::world::{World, magnet};

fn kinds(page: &Value) -> Vec<&str> {
    page["items"].as_array().expect("items").iter().filter_map(|item| item["kind"].as_str()).collect()
}

#[tokio::test]
async fn command_is_audited_with_its_request_and_the_service_is_left_out() {
    let world = World::new().await;
    let id = world.add(1).await;
    let pause = json!({ "action": "pause" });
    let path = format!("/v1/torrents/{id}/action");
    let paused = world.post_with(&path, &[("x-request-id", "req-7")], &pause).await;
    let last = world
        .observe(id, TorrentCommand::ObserveFailure(Failure { code: "disk_full".into(), detail: "x".into() }))
        .await;
    let page = world.get(&format!("/v1/audit?min_position={last}")).await.body;
    let whole = [
        "torrent.paused",
        "torrent.added",
        "setup.completed",
        "setup.attempted",
        "api_key.issued",
        "settings.changed",
        "setup.token_issued",
    ];
    assert_eq!(kinds(&page), whole, "newest first");
    assert_eq!(page["next_cursor"], Value::Null);
    let entry = &page["items"][0];
    assert_eq!(entry["position"], paused.position());
    assert_eq!((&entry["request_id"], &entry["subject"]), (&json!("req-7"), &json!(id.stream())));
    assert_eq!(entry["data"], json!({}));
    let service = world.get("/v1/audit?actor=engine").await.body;
    assert_eq!(kinds(&service), ["torrent.failed"]);
}

#[tokio::test]
async fn subject_may_be_named_as_torrents_are_and_pages_join() {
    let world = World::new().await;
    let id = world.add(1).await;
    let last = world.post("/v1/torrents", &json!({ "magnet": magnet(2) })).await.position();
    for subject in [id.to_string(), id.stream(), format!("{:040x}", 1)] {
        let page = world.get(&format!("/v1/audit?subject={subject}&min_position={last}")).await.body;
        assert_eq!(page["items"].as_array().map(Vec::len), Some(1), "{subject}");
        assert_eq!(page["items"][0]["subject"], id.stream());
    }
    let first = world.get("/v1/audit?kind=torrent.*&limit=1").await.body;
    let cursor = first["next_cursor"].as_str().expect("there is more");
    let second = world.get(&format!("/v1/audit?kind=torrent.*&limit=1&cursor={cursor}")).await.body;
    assert_eq!(second["items"][0]["subject"], id.stream());
    assert_eq!(second["next_cursor"], Value::Null);
    assert_eq!(kinds(&world.get("/v1/audit?kind=torrent.*").await.body).len(), 2);
    assert_eq!(kinds(&world.get("/v1/audit?kind=torrent.paused,torrent.added").await.body).len(), 2);
    assert!(kinds(&world.get("/v1/audit?since=2999-01-01T00:00:00Z").await.body).is_empty());
    assert!(kinds(&world.get("/v1/audit?until=2001-01-01T00:00:00Z").await.body).is_empty());
    assert!(kinds(&world.get("/v1/audit?subject=a%00b&actor=%00").await.body).is_empty());
}

#[rstest]
#[case::time("since=yesterday&until=2026", 400, &["since malformed", "until malformed"])]
#[case::cursor("cursor=x", 400, &["cursor malformed"])]
#[case::kind("kind=Torrent.*", 422, &["kind invalid"])]
#[case::no_such_kind("kind=nothing.*", 422, &["kind invalid"])]
#[case::limit("limit=1001&colour=red", 422, &["limit invalid", "colour invalid"])]
#[tokio::test]
async fn every_failed_parameter_is_named(
    #[case] query: &str,
    #[case] status: u16,
    #[case] expected: &[&str],
) {
    let refused = World::new().await.get(&format!("/v1/audit?{query}")).await;
    assert_eq!(refused.status, status);
    let faults: Vec<_> =
        refused.faults().into_iter().map(|(place, code)| format!("{place} {code}")).collect();
    assert_eq!(faults, expected);
}
