//! `SIGKILL` of the service in the pipeline: after each step, and before the first.
//!
//! Each round tells the log of a new attempt: the result of the round before is taken back, the job is asked for again and the
//! service is killed when a fact is seen. What is in the library afterwards is the same each time.

use revaer_test_support::sha256_tree;
use serde_json::{Value, json};

use crate::library::{
    assert_fetched_once, assert_only_results, library, until_fsops, wanted, world_with_archive,
};
use crate::story::Story;
use crate::world::{BOUND, act, add, until_kind};

/// The kill comes with this fact; a step's name stands for its end.
const MOMENTS: [&str; 10] = [
    "fsops.started",
    "verify",
    "extract",
    "flatten",
    "transfer",
    "permissions",
    "checksum",
    "place",
    "metadata",
    "cleanup",
];

#[tokio::test(flavor = "multi_thread")]
async fn job_that_is_killed_at_any_step_leaves_the_same_library() {
    let world = world_with_archive();
    let mut service = world.service().await;
    let library = library(&service, &world, json!({ "extract": true, "checksum": "blake3" })).await;
    let result = library.join(world.payload.name());
    let wanted = wanted(&world);
    let mut story = Story::default();
    story.follow(&service).await;
    let id = add(&service, &world.seeder, json!({})).await;
    until_fsops(&service, &id, "completed").await;

    for moment in MOMENTS {
        act(&service, &id, json!({ "action": "undo_fsops" })).await;
        until_fsops(&service, &id, "undone").await;
        assert_only_results(&library, 0);
        let asked = act(&service, &id, json!({ "action": "retry_fsops" })).await;
        let after = asked["position"].as_i64().unwrap();
        story
            .until(BOUND, |event| {
                let is_later = event.data["position"].as_i64().is_some_and(|position| position > after);
                is_later && (event.event == moment || event.data["data"]["step"] == moment)
            })
            .await;
        service.kill9().await;
        service.start_again().await;
        story.follow(&service).await;

        until_fsops(&service, &id, "completed").await;
        assert_eq!(sha256_tree(&result).unwrap(), wanted, "after the kill at {moment}");
        assert_only_results(&library, 1);
        let history = service.get_json(&format!("/v1/torrents/{id}/history?limit=1000")).await;
        let of_attempt = history["items"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|fact| fact["position"].as_i64() > Some(after));
        let steps: Vec<_> = of_attempt
            .filter(|fact| fact["kind"] == "fsops.step_finished")
            .map(|fact| fact["data"]["step"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(steps, MOMENTS[1..], "each step once and in order, whatever happened at {moment}");
    }
    story.until(BOUND, |event| event.event == "fsops.completed").await;
    story.assert_whole();
    let torrent: Value = service.get_json(&format!("/v1/torrents/{id}")).await;
    assert_eq!(torrent["state"], "seeding");
    until_kind(&service, &id, "torrent.completed", 1).await;
    assert_fetched_once(&world, &torrent);
}
