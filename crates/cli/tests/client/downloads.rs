//! The main job: a torrent is added and waited for.

use std::fs;
use std::path::Path;

use revaer_test_support::{SeederOptions, sha256_tree};

use crate::support::{Service, Source};

#[tokio::test]
async fn magnet_that_is_waited_for_is_there_in_every_byte() {
    let (service, source) = (Service::start().await, Source::start(12, 3_000_000));
    let ended = service.revaer(&["add", source.seeder.magnet(), "--wait", "--label", "films"]).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stdout.contains(source.payload.name()) && ended.stdout.contains("100.0 %"), "{ended:?}");
    let is_last = |line: &str| line.contains("100.0 %  of 3.0 MB  ") && line.ends_with("  seeding");
    assert!(ended.stderr.lines().last().is_some_and(is_last), "{ended:?}");
    assert!(!ended.stderr.contains('\u{1b}'), "no bar where there is no terminal: {ended:?}");
    let fetched = sha256_tree(&service.downloads().join(source.payload.name())).unwrap();
    assert_eq!(fetched, source.payload.sha256().unwrap());

    let list = service.json(&["ls"]).await;
    let id = list["items"][0]["id"].as_str().unwrap();
    assert_eq!(list["items"].as_array().unwrap().len(), 1, "{list}");
    let status = service.json(&["status", id]).await;
    assert_eq!((&status["state"], &status["labels"][0]), (&"seeding".into(), &"films".into()));
    // It is complete already, so following it ends at once.
    assert_eq!(service.json(&["status", "--follow", id]).await["id"], id);
}

#[tokio::test]
async fn waiting_with_json_prints_the_complete_torrent_alone() {
    let (service, source) = (Service::start().await, Source::start(5, 500_000));
    let torrent = service.json(&["add", source.seeder.magnet(), "--wait"]).await;
    assert_eq!((&torrent["state"], &torrent["progress"]), (&"seeding".into(), &1.0.into()));
    let id = torrent["info_hashes"]["v1"].as_str().unwrap();
    assert_eq!(service.json(&["status", id]).await["id"], torrent["id"], "an info hash is as good as the id");
}

#[tokio::test]
async fn torrent_file_with_a_selection_fetches_what_was_selected() {
    let (service, source) = (Service::start().await, Source::start(14, 1_000_000));
    let file = source.dir.path().join("payload.torrent");
    fs::write(&file, source.seeder.metainfo()).unwrap();
    let peer = source.seeder.addr().to_string();
    let arguments = [
        "add",
        file.to_str().unwrap(),
        "--peer",
        &peer,
        "--save-path",
        "some/where",
        "--include",
        "*.txt",
        "--wait",
    ];
    let torrent = service.json(&arguments).await;
    let files = service.json(&["files", torrent["id"].as_str().unwrap()]).await;
    for file in files["items"].as_array().unwrap() {
        let path = file["path"].as_str().unwrap();
        let is_wanted = Path::new(path).extension().is_some_and(|extension| extension == "txt");
        assert_eq!(file["priority"], if is_wanted { 4 } else { 0 }, "{file}");
        assert_eq!(service.downloads().join("some/where").join(path).exists(), is_wanted, "{file}");
    }
}

#[tokio::test]
async fn waiting_outlasts_a_service_that_is_killed() {
    let options = SeederOptions { upload_bytes_per_second: Some(1_000_000), ..SeederOptions::default() };
    let (mut service, source) = (Service::start().await, Source::with(5, 8_000_000, &options));
    let port = service.process.base_url().rsplit_once(':').unwrap().1.to_owned();
    let address = service.address();
    let waiting = crate::support::spawn(&address, &["add", source.seeder.magnet(), "--wait"]);
    service
        .process
        .wait_until("/v1/torrents", crate::support::PATIENCE, |list| {
            list["items"][0]["progress"].as_f64().is_some_and(|progress| progress > 0.05)
        })
        .await;
    service.process.kill9().await;
    service.process.start_again_on(&format!("127.0.0.1:{port}")).await;
    source.seeder.set_upload_rate(None).unwrap();
    let output =
        tokio::time::timeout(crate::support::PATIENCE, waiting.wait_with_output()).await.unwrap().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(told.contains("trying again in"), "{told}");
}

#[tokio::test]
async fn torrent_that_cannot_be_written_fails_the_wait() {
    let (service, source) = (Service::start().await, Source::start(3, 100_000));
    fs::create_dir_all(service.downloads()).unwrap();
    fs::write(service.downloads().join("occupied"), "by a file").unwrap();
    let ended =
        service.revaer(&["add", source.seeder.magnet(), "--wait", "--save-path", "occupied/here"]).await;
    assert_eq!(ended.code, 7, "{ended:?}");
    assert!(ended.stderr.contains("the torrent failed: ") && ended.stderr.contains(" resume"), "{ended:?}");
}

#[tokio::test]
async fn torrent_that_is_removed_ends_the_wait() {
    let options = SeederOptions { upload_bytes_per_second: Some(50_000), ..SeederOptions::default() };
    let (service, source) = (Service::start().await, Source::with(3, 5_000_000, &options));
    let address = service.address();
    let waiting = crate::support::spawn(&address, &["add", source.seeder.magnet(), "--wait"]);
    let has_one = |list: &serde_json::Value| !list["items"].as_array().unwrap().is_empty();
    let list = service.process.wait_until("/v1/torrents", crate::support::PATIENCE, has_one).await;
    let id = list["items"][0]["id"].as_str().unwrap();
    assert_eq!(service.revaer(&["action", id, "remove", "--delete-data"]).await.code, 0);
    let output =
        tokio::time::timeout(crate::support::PATIENCE, waiting.wait_with_output()).await.unwrap().unwrap();
    assert_eq!(output.status.code(), Some(5), "{}", String::from_utf8_lossy(&output.stderr));
    // Its story remains.
    let history = service.json(&["history", id, "--all"]).await;
    let kinds: Vec<_> =
        history["items"].as_array().unwrap().iter().map(|item| item["kind"].as_str().unwrap()).collect();
    assert_eq!((kinds[0], kinds.contains(&"torrent.remove_requested")), ("torrent.added", true), "{kinds:?}");
}
