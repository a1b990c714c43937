//! A disk that refuses: the torrent fails with its reason and recovers by `resume`; the service stays up.

use std::fs;
use std::path::Path;

use serde_json::json;

use crate::world::{World, act, add, until_kind, until_state};

#[tokio::test(flavor = "multi_thread")]
async fn torrent_whose_place_is_no_folder_fails_and_recovers_when_it_is() {
    let world = World::new(4, 1 << 20);
    let service = world.service().await;
    // Root may write anywhere, but not into a file as if it were a folder.
    let obstacle = world.downloads().join("shelf");
    fs::write(&obstacle, "in the way").unwrap();
    let id = add(&service, &world.seeder, json!({ "save_path": "shelf" })).await;
    let torrent = until_state(&service, &id, "failed").await;
    assert!(torrent["error"]["code"].is_string(), "{torrent}");
    assert_eq!(service.get_json("/health").await["status"], "alive");
    let failed = until_kind(&service, &id, "torrent.failed", 1).await;
    assert!(!failed["data"]["detail"].as_str().unwrap().is_empty());

    act(&service, &id, json!({ "action": "resume" })).await;
    until_kind(&service, &id, "torrent.failed", 2).await;
    clear(&obstacle);
    act(&service, &id, json!({ "action": "resume" })).await;
    until_state(&service, &id, "seeding").await;
    until_kind(&service, &id, "torrent.recovered", 1).await;
    assert_eq!(fs::read_dir(&obstacle).unwrap().count(), 1);
}

#[expect(clippy::disallowed_methods, reason = "the file in the way is the test's own")]
fn clear(obstacle: &Path) {
    fs::remove_file(obstacle).unwrap();
}
