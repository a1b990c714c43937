//! Who runs the service sees what is wrong with the machine, what follows from a request, and no secret in the log.

use reqwest::Method;
use revaer_test_support::ServiceProcess;
use serde_json::{Value, json};

use crate::world::{BOUND, REVAERD, World, until_progress, until_state};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

async fn set(service: &ServiceProcess, patch: Value) {
    let (status, body) = service.exchange(Method::PATCH, "/v1/settings", Some(&patch)).await;
    assert!(status.is_success(), "{body}");
}

fn part<'a>(report: &'a Value, name: &str) -> &'a Value {
    let parts = report["components"].as_array().unwrap();
    parts.iter().find(|part| part["component"] == name).unwrap_or(&Value::Null)
}

#[tokio::test(flavor = "multi_thread")]
async fn disk_without_room_is_told_with_advice_and_recovers_by_itself() {
    let world = World::new(1, 1 << 16);
    let service = world.service().await;
    let mut changes = service.events("types=health.changed&after=0", None).await;

    set(&service, json!({ "telemetry": { "disk_free_bytes_min": 1_u64 << 50 } })).await;
    let is_low = |report: &Value| part(report, "disk.downloads")["state"] == "degraded";
    let report = service.wait_until("/health/full", BOUND, is_low).await;
    assert_eq!(report["status"], "degraded");
    let disk = part(&report, "disk.downloads");
    let reason = disk["reason"].as_str().unwrap();
    assert!(reason.contains("downloads has ") && reason.contains("bytes left"), "{reason}");
    assert!(disk["advice"].as_str().unwrap().starts_with("Make room"), "{disk}");
    assert!(report["about"]["libtorrent"].as_str().unwrap().starts_with("2."), "{report}");
    assert!(report["about"]["schema_version"].as_i64().unwrap() >= 15, "{report}");

    set(&service, json!({ "telemetry": { "disk_free_bytes_min": null } })).await;
    let is_well = |report: &Value| part(report, "disk.downloads")["state"] == "well";
    service.wait_until("/health/full", BOUND, is_well).await;
    let mut seen = Vec::new();
    while seen.len() < 2 {
        let event = changes.next_within(BOUND).await;
        if event.data["data"]["component"] == "disk.downloads" {
            seen.push((event.data["data"]["from"].clone(), event.data["data"]["to"].clone()));
        }
    }
    assert_eq!(seen, [(json!("well"), json!("degraded")), (json!("degraded"), json!("well"))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_follows_from_a_request_names_its_trace_also_after_a_restart() {
    let world = World::new(8, 8 << 20);
    let mut service = world.service().await;
    let body = json!({ "magnet": world.seeder.magnet(), "download_bytes_per_second": 2_000_000 });
    let parent = format!("00-{TRACE}-b7ad6b7169203331-01");
    let asked = service.client().post(service.url("/v1/torrents")).header("traceparent", parent).json(&body);
    let added: Value = asked.send().await.unwrap().json().await.unwrap();
    let id = added["id"].as_str().unwrap();
    until_progress(&service, id, 0.2).await;
    service.restart().await;
    until_state(&service, id, "seeding").await;

    let history = service.get_json(&format!("/v1/torrents/{id}/history?limit=1000")).await;
    let facts = history["items"].as_array().unwrap();
    let of_engine: Vec<_> = facts.iter().filter(|fact| fact["actor"] == "engine").collect();
    assert!(of_engine.iter().any(|fact| fact["kind"] == "torrent.completed"), "{history}");
    for fact in facts.iter().filter(|fact| fact["actor"] != "system") {
        assert_eq!(fact["correlation_id"], TRACE, "{fact}");
    }
    for fact in of_engine {
        let cause = fact["causation_id"].as_str().unwrap();
        assert!(cause.starts_with("position:"), "{fact}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn log_is_json_where_that_is_wanted_and_no_secret_is_in_it() {
    let world = World::new(1, 1 << 16);
    let options = world.options().argument("--log-format").argument("json");
    let service = ServiceProcess::start(REVAERD, options).await;
    // A position that no list will reach in time is the service's failure, and is logged with the request's id.
    let ask = service.client().get(service.url("/v1/torrents?min_position=99999999"));
    let answer = ask.header("x-request-id", "rvk_0123456789abcdef").send().await.unwrap();
    assert_eq!(answer.status(), 503);
    let said = service.said();
    let lines: Vec<Value> = said.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let failed = lines.iter().find(|line| line["message"] == "a request failed").expect(&said);
    assert_eq!((&failed["request_id"], &failed["level"]), (&json!("rvk_***"), &json!("WARN")), "{said}");
    assert!(!said.contains("0123456789abcdef"), "{said}");
}
