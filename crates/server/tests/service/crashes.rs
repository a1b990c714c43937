//! `SIGKILL` of the service and of its PostgreSQL, again and again: nothing accepted is lost, nothing verified is fetched again.

use std::fs;
use std::path::Path;

use reqwest::Method;
use revaer_test_support::ServiceProcess;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::story::Story;
use crate::world::{BOUND, REVAERD, World, act, add, until_progress, until_state};

/// The payload of these tests.
const PAYLOAD_BYTES: u64 = 24 << 20;
/// How much may be received between two saves of resume data.
const SAVE_BYTES: u64 = 2 << 20;
/// How often the service is killed on the way.
const KILLS: u32 = 10;
/// What comes beside what may be unsaved: received while a save is under way, and pieces half received. A second's worth.
const UNDER_WAY_BYTES: u64 = 4 << 20;
/// Slow enough that each kill finds the download somewhere else.
const RATE: u64 = 4_000_000;

async fn start(world: &World) -> ServiceProcess {
    let options = world
        .options()
        .argument("--resume-save-interval-seconds")
        .argument("1")
        .argument("--resume-save-bytes")
        .argument(SAVE_BYTES.to_string());
    ServiceProcess::start(REVAERD, options).await
}

fn ids(list: &Value) -> Vec<String> {
    list["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

/// Others that stand still, so that the set of torrents is more than one.
async fn add_magnets(service: &ServiceProcess, count: u32) {
    for number in 0..count {
        let magnet = format!("magnet:?xt=urn:btih:{number:040x}&dn=waits%20{number}");
        service.post_json("/v1/torrents", &json!({ "magnet": magnet, "start_paused": true })).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn download_survives_ten_kills_of_the_service() {
    let world = World::new(40, PAYLOAD_BYTES);
    let mut service = start(&world).await;
    let mut story = Story::default();
    story.follow(&service).await;
    add_magnets(&service, 5).await;
    let id = add(&service, &world.seeder, json!({ "download_bytes_per_second": RATE })).await;
    let torrents = ids(&service.wait_until("/v1/torrents", BOUND, |list| ids(list).len() == 6).await);

    for kill in 1..=KILLS {
        let part = f64::from(kill) / f64::from(KILLS + 1);
        until_progress(&service, &id, part).await;
        // Accepted a moment before the end: it must be there afterwards.
        let label = format!("kill-{kill}");
        let labelled = act(&service, &id, json!({ "action": "label", "labels": [label] })).await;
        let (version, position) = (labelled["version"].as_u64().unwrap(), &labelled["position"]);
        story
            .until(BOUND, |event| {
                event.event == "torrent.labels_changed" && event.data["version"].as_u64() == Some(version)
            })
            .await;
        service.kill9().await;
        service.start_again().await;
        story.follow(&service).await;

        let torrent = service.get_json(&format!("/v1/torrents/{id}?min_position={position}")).await;
        assert_eq!(torrent["labels"], json!([label]), "what was accepted is there");
        assert_eq!(ids(&service.get_json("/v1/torrents").await), torrents, "the set of torrents is the same");
    }
    act(&service, &id, json!({ "action": "rate_cap" })).await;
    until_state(&service, &id, "seeding").await;
    world.assert_downloaded();
    story.until(BOUND, |event| event.event == "torrent.completed").await;
    story.assert_whole();
    assert_eq!(story.count("torrent.added"), 6);
    assert_eq!(story.count("torrent.completed"), 1);
    assert_eq!(story.count("torrent.recheck_requested"), 0);

    let sent = world.seeder.uploaded_bytes().unwrap();
    let allowed = PAYLOAD_BYTES + u64::from(KILLS) * (SAVE_BYTES + UNDER_WAY_BYTES);
    assert!(sent <= allowed, "{sent} bytes were sent for {PAYLOAD_BYTES}, at most {allowed} are allowed");
}

#[tokio::test(flavor = "multi_thread")]
async fn download_survives_two_kills_of_postgres() {
    let world = World::new(20, PAYLOAD_BYTES);
    let service = start(&world).await;
    let mut story = Story::default();
    story.follow(&service).await;
    let id = add(&service, &world.seeder, json!({ "download_bytes_per_second": RATE })).await;
    for part in [0.2, 0.5] {
        until_progress(&service, &id, part).await;
        signal_postgres(&world.data_dir(), Signal::KILL);
        insist(&service, &id, json!({ "action": "label", "labels": [format!("after-{part}")] })).await;
    }
    insist(&service, &id, json!({ "action": "rate_cap" })).await;
    let torrent = until_state(&service, &id, "seeding").await;
    world.assert_downloaded();
    // It may have completed while the database was away, and before the last label was accepted.
    let position = torrent["position"].as_i64();
    story.until(BOUND, |event| event.data["position"].as_i64() >= position).await;
    assert_eq!(story.count("torrent.completed"), 1);
    story.assert_whole();
    assert_eq!(story.count("torrent.labels_changed"), 2);
    let sent = world.seeder.uploaded_bytes().unwrap();
    assert!(sent <= PAYLOAD_BYTES + UNDER_WAY_BYTES, "the session was not disturbed: {sent} bytes");
}

/// The service starts its PostgreSQL again by itself; until then commands are refused, and none is half done.
async fn insist(service: &ServiceProcess, id: &str, body: Value) {
    let path = format!("/v1/torrents/{id}/action");
    let accepted = async {
        loop {
            let (status, answer) = service.exchange(Method::POST, &path, Some(&body)).await;
            if status.is_success() {
                return;
            }
            assert_eq!(status, 503, "{answer}");
        }
    };
    tokio::time::timeout(BOUND, accepted).await.expect("the database comes back");
}

/// Signals the main process of the service's own PostgreSQL.
pub(crate) fn signal_postgres(data_dir: &Path, signal: Signal) {
    let file = fs::read_to_string(data_dir.join("postgres/data/postmaster.pid")).unwrap();
    let pid = Pid::from_raw(file.lines().next().unwrap().trim().parse().unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}
