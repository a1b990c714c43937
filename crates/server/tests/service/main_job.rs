//! From a magnet or a torrent file to verified files: on the disk, in the log and at the API.

use std::fs;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::world::{
    BOUND, World, act, add, assert_same_tree, files_of, kinds, until_kind, until_progress, until_state,
};

#[tokio::test(flavor = "multi_thread")]
async fn magnet_becomes_verified_files_and_every_step_is_in_the_log() {
    let world = World::new(30, 3 << 20);
    let service = world.service().await;
    let id = add(&service, &world.seeder, json!({ "labels": ["books"] })).await;
    let torrent = until_state(&service, &id, "seeding").await;
    assert_eq!(torrent["progress"], 1.0);
    assert_eq!(torrent["size_bytes"], 3 << 20);
    assert_eq!(torrent["labels"], json!(["books"]));
    assert_eq!(torrent["name"], world.payload.name());
    world.assert_downloaded();

    let kinds = kinds(&service, &id).await;
    for kind in
        ["torrent.added", "torrent.files_discovered", "torrent.selection_applied", "torrent.completed"]
    {
        assert_eq!(kinds.iter().filter(|seen| *seen == kind).count(), 1, "{kind} in {kinds:?}");
    }
    let files = service.get_json(&format!("/v1/torrents/{id}/files")).await;
    assert_eq!(files["items"].as_array().unwrap().len(), 30);
    let list = service.get_json("/v1/torrents?label=books&extension=MKV&name=sammlung").await;
    assert_eq!(list["items"][0]["id"], id.as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn torrent_file_is_added_paused_and_begins_when_it_is_resumed() {
    let world = World::new(5, 1 << 20);
    let service = world.service().await;
    let body = json!({
        "metainfo": BASE64_STANDARD.encode(world.seeder.metainfo()),
        "peers": [world.seeder.addr().to_string()],
        "start_paused": true,
        "save_path": "shelf/new",
    });
    let torrent = service.post_json("/v1/torrents", &body).await;
    assert_eq!((&torrent["state"], &torrent["size_bytes"]), (&json!("paused"), &json!(1 << 20)));
    let id = torrent["id"].as_str().unwrap();
    act(&service, id, json!({ "action": "resume" })).await;
    until_state(&service, id, "seeding").await;
    let there = world.downloads().join("shelf/new").join(world.payload.name());
    assert_same_tree(&there, &world.payload.sha256().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_no_glob_wants_never_appear_until_they_are_selected() {
    let world = World::new(21, 2 << 20);
    let service = world.service().await;
    let id = add(&service, &world.seeder, json!({ "include": ["**/*.mkv"], "exclude": ["**/0014*"] })).await;
    until_state(&service, &id, "seeding").await;
    let there = files_of(&world.downloaded());
    let names: Vec<_> = there.keys().map(|path| path.file_name().unwrap().to_string_lossy()).collect();
    assert_eq!(names.len(), 2, "of the three .mkv one is excluded: {names:?}");

    let rule =
        json!({ "priorities": [{ "glob": "**/*.nfo", "priority": 7 }, { "index": 0, "priority": 0 }] });
    service.post_json(&format!("/v1/torrents/{id}/select"), &rule).await;
    until_kind(&service, &id, "torrent.completed", 2).await;
    let files = service.get_json(&format!("/v1/torrents/{id}/files")).await;
    let skipped: Vec<&Value> =
        files["items"].as_array().unwrap().iter().filter(|file| file["priority"] == 0).collect();
    assert_eq!(skipped.len(), 1);
    assert!(files_of(&world.downloaded()).len() >= 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn paused_torrent_stands_still_over_a_restart_and_goes_on_when_resumed() {
    let world = World::new(8, 8 << 20);
    let mut service = world.service().await;
    let id = add(&service, &world.seeder, json!({ "download_bytes_per_second": 2_000_000 })).await;
    until_progress(&service, &id, 0.2).await;
    act(&service, &id, json!({ "action": "pause" })).await;
    until_kind(&service, &id, "torrent.state_changed", 2).await;
    service.restart().await;
    let torrent = until_state(&service, &id, "paused").await;
    assert!(torrent["progress"].as_f64().unwrap() > 0.1, "what was there is there: {torrent}");
    assert_eq!(torrent["rate_cap"]["download_bytes_per_second"], 2_000_000);

    act(&service, &id, json!({ "action": "rate_cap", "download_bytes_per_second": null })).await;
    act(&service, &id, json!({ "action": "resume" })).await;
    until_state(&service, &id, "seeding").await;
    world.assert_downloaded();
}

#[tokio::test(flavor = "multi_thread")]
async fn sequential_torrent_has_its_first_files_before_its_last() {
    let world = World::new(8, 8 << 20);
    let service = world.service().await;
    let id =
        add(&service, &world.seeder, json!({ "download_bytes_per_second": 3_000_000, "sequential": true }))
            .await;
    until_progress(&service, &id, 0.4).await;
    let files = service.get_json(&format!("/v1/torrents/{id}/files")).await;
    let progress: Vec<f64> =
        files["items"].as_array().unwrap().iter().map(|file| file["progress"].as_f64().unwrap()).collect();
    assert!(progress[0] > 0.9 && progress[7] < 0.1, "in order: {progress:?}");
    let torrent = act(&service, &id, json!({ "action": "sequential", "enable": false })).await;
    assert_eq!(torrent["sequential"], false);
    until_kind(&service, &id, "torrent.sequential_changed", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn recheck_finds_a_flipped_byte_and_the_piece_is_fetched_again() {
    let world = World::new(5, 1 << 20);
    let service = world.service().await;
    let id = add(&service, &world.seeder, json!({})).await;
    until_state(&service, &id, "seeding").await;

    let damaged = world.downloaded().join(&world.payload.files()[2].path);
    let mut bytes = fs::read(&damaged).unwrap();
    bytes[0] ^= 0xff;
    fs::write(&damaged, bytes).unwrap();
    act(&service, &id, json!({ "action": "recheck" })).await;
    let rechecked = until_kind(&service, &id, "torrent.rechecked", 1).await;
    assert_eq!(rechecked["data"]["complete"], false, "a flipped byte is found: {rechecked}");
    until_kind(&service, &id, "torrent.completed", 2).await;
    world.assert_downloaded();
}

#[tokio::test(flavor = "multi_thread")]
async fn moved_torrent_seeds_from_its_new_place() {
    let world = World::new(5, 1 << 20);
    let service = world.service().await;
    let id = add(&service, &world.seeder, json!({})).await;
    until_state(&service, &id, "seeding").await;
    act(&service, &id, json!({ "action": "move", "save_path": "archive/2026" })).await;
    let moved = |torrent: &Value| torrent["save_path"] == "archive/2026" && torrent["state"] == "seeding";
    service.wait_until(&format!("/v1/torrents/{id}"), BOUND, moved).await;
    let there = world.downloads().join("archive/2026").join(world.payload.name());
    assert_same_tree(&there, &world.payload.sha256().unwrap());
    assert!(!world.downloaded().exists());
}
