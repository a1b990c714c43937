//! A database that is not there: at the start, and in the middle of a download.

use std::time::{Duration, Instant};

use reqwest::Method;
use revaer_test_support::{CrashableCluster, ServiceProcess};
use serde_json::json;

use crate::start::run_to_end;
use crate::world::{BOUND, REVAERD, World, add, files_of, until_progress, until_state};

/// Longer than libtorrent is given to answer a ping, than a request waits for a connection and than a queue lasts.
const AWAY: Duration = Duration::from_secs(13);

#[tokio::test(flavor = "multi_thread")]
async fn database_that_stays_away_ends_the_start_with_a_code_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let (code, said) = run_to_end(&[
        "--data-dir",
        folder.path().to_str().unwrap(),
        "--database-url",
        "postgres://nobody@127.0.0.1:1/nothing",
        "--database-wait-seconds",
        "1",
        "--listen",
        "127.0.0.1:0",
    ])
    .await;
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains("the database cannot be reached within 1 s"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn download_goes_on_without_its_database_and_the_log_catches_up() {
    let world = World::new(20, 24 << 20);
    let mut cluster = CrashableCluster::start().await;
    let service = ServiceProcess::start(REVAERD, world.options().database_url(cluster.url())).await;
    // All of it takes about as long as the database is away.
    let id = add(&service, &world.seeder, json!({ "download_bytes_per_second": 1_700_000 })).await;
    until_progress(&service, &id, 0.02).await;

    cluster.kill9().await;
    let since = Instant::now();
    let pause = json!({ "action": "pause" });
    let answer = service.request(Method::POST, &format!("/v1/torrents/{id}/action"), Some(&pause)).await;
    assert_eq!(answer.status(), 503);
    assert!(answer.headers().contains_key("retry-after"), "{:?}", answer.headers());
    assert_eq!(answer.json::<serde_json::Value>().await.unwrap()["code"], "unavailable");
    let wanted = world.payload.sha256().unwrap();
    let whole = async {
        // The disk announces nothing.
        while files_of(&world.downloaded()) != wanted || since.elapsed() < AWAY {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(BOUND, whole).await.expect("the download goes on");
    let health = service.get_json("/health").await;
    assert_eq!(health["status"], "alive");

    cluster.restart().await;
    let torrent = until_state(&service, &id, "seeding").await;
    assert_eq!(torrent["progress"], 1.0);
    let report = service.wait_until("/health/full", BOUND, |report| report["status"] == "well").await;
    assert!(report["components"].as_array().unwrap().iter().all(|part| part["state"] == "well"), "{report}");
}
