//! Commands that change a torrent, and what they show.

use crate::support::{PATIENCE, Service, Source};

async fn paused(service: &Service, source: &Source) -> String {
    let file = source.dir.path().join("payload.torrent");
    std::fs::write(&file, source.seeder.metainfo()).expect("the directory is ours");
    let ended = service.revaer(&["--quiet", "add", file.to_str().expect("a path of ours"), "--paused"]).await;
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{ended:?}");
    let id = ended.stdout.trim_end().to_owned();
    assert_eq!(id.len(), 26, "if quiet, the id alone: {ended:?}");
    id
}

#[tokio::test]
async fn every_action_is_done_and_shown() {
    let (service, source) = (Service::start().await, Source::start(6, 200_000));
    let id = &paused(&service, &source).await;
    let act = async |arguments: &[&str]| service.json(&[&["action", id], arguments].concat()).await;
    assert_eq!(act(&["label", "b", "a"]).await["labels"].as_array().unwrap().len(), 2);
    assert_eq!(act(&["label"]).await["labels"], serde_json::json!([]));
    assert_eq!(act(&["sequential", "on"]).await["sequential"], true);
    assert_eq!(act(&["sequential", "off"]).await["sequential"], false);
    assert_eq!(act(&["recheck"]).await["id"], **id);
    assert_eq!(act(&["reannounce"]).await["id"], **id);
    assert_ne!(act(&["resume"]).await["state"], "paused");
    let ended = service.revaer(&["action", id, "pause"]).await;
    assert!(ended.code == 0 && ended.stdout.starts_with(&format!("{id}  ")), "{ended:?}");
    let ended = service.revaer(&["--quiet", "action", id, "remove"]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (0, ""), "{ended:?}");
}

#[tokio::test]
async fn limit_that_is_not_given_stays() {
    let (service, source) = (Service::start().await, Source::start(2, 100_000));
    let id = &paused(&service, &source).await;
    let cap = async |arguments: &[&str]| {
        let torrent = service.json(&[&["action", id, "rate-cap"], arguments].concat()).await;
        let limit = |name: &str| torrent["rate_cap"][name].as_u64();
        (limit("download_bytes_per_second"), limit("upload_bytes_per_second"))
    };
    assert_eq!(cap(&["--download", "1.5M"]).await, (Some(1_500_000), None));
    assert_eq!(cap(&["--upload", "64Ki"]).await, (Some(1_500_000), Some(65_536)));
    assert_eq!(cap(&["--download", "none"]).await, (None, Some(65_536)));
    assert_eq!(cap(&["--download", "2k", "--upload", "none"]).await, (Some(2_000), None));
}

#[tokio::test]
async fn selection_is_replaced_and_shown_by_files() {
    let (service, source) = (Service::start().await, Source::start(8, 200_000));
    let id = &paused(&service, &source).await;
    let rule = service.json(&["select", id, "--exclude", "*", "--priority", "1=high"]).await;
    assert_eq!(rule["selection"]["exclude"], serde_json::json!(["*"]));
    let path = format!("/v1/torrents/{id}/files");
    let of = |files: &serde_json::Value, index: usize| files["items"][index]["priority"].as_u64();
    let applied = |files: &serde_json::Value| (of(files, 0), of(files, 1)) == (Some(0), Some(7));
    service.process.wait_until(&path, PATIENCE, applied).await;
    let ended = service.revaer(&["files", id]).await;
    assert!(ended.stdout.lines().nth(2).is_some_and(|line| line.contains("1  high")), "{ended:?}");
    assert_eq!(service.json(&["select", id, "--all"]).await["selection"]["exclude"], serde_json::json!([]));
}

#[tokio::test]
async fn rule_is_explained_before_it_is_given() {
    let (service, source) = (Service::start().await, Source::start(3, 100_000));
    let id = &paused(&service, &source).await;
    let tried = service.json(&["select", id, "--exclude", "*", "--explain"]).await;
    assert_eq!((&tried["wanted_bytes"], &tried["items"][1]["glob"]), (&0.into(), &"*".into()));
    let now = service.json(&["select", id, "--explain"]).await;
    assert_eq!(now["items"][1]["priority"], 4, "nothing was changed by that");
    let torrent = service.json(&["select", id, "--skip-fluff", "--first-last-piece-first"]).await;
    let rule = &torrent["selection"];
    assert_eq!((&rule["skip_fluff"], &rule["first_last_piece_first"]), (&true.into(), &true.into()));
    let ended = service.revaer(&["select", id, "--explain"]).await;
    assert!(ended.code == 0 && ended.stdout.contains("DECIDED BY"), "{ended:?}");
}

#[tokio::test]
async fn lists_are_filtered_sorted_and_read_to_their_end() {
    let service = Service::start().await;
    let hash = |number: u32| format!("{number:040x}");
    for number in 1..=3_u32 {
        let magnet = format!("magnet:?xt=urn:btih:{}&dn=name%20{number}", hash(number));
        let label = if number == 2 { "even" } else { "odd" };
        assert_eq!(service.revaer(&["add", &magnet, "--paused", "--label", label]).await.code, 0);
    }
    let three = |list: &serde_json::Value| list["items"].as_array().unwrap().len() == 3;
    service.process.wait_until("/v1/torrents", PATIENCE, three).await;
    let names = async |arguments: &[&str]| {
        let list = service.json(&[&["ls"], arguments].concat()).await;
        let items = list["items"].as_array().unwrap();
        items.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&["--sort", "name"]).await, ["name 1", "name 2", "name 3"]);
    assert_eq!(names(&["--sort", "-name", "--label", "odd"]).await, ["name 3", "name 1"]);
    assert_eq!(names(&["--name", "NAME 2", "--all"]).await, ["name 2"]);
    let ended = service.revaer(&["ls", "--limit", "2"]).await;
    assert_eq!(ended.stdout.lines().count(), 3, "a heading and two: {ended:?}");
    assert!(ended.stderr.contains("--all shows all of it"), "{ended:?}");
    let ended = service.revaer(&["ls", "--all", "--quiet"]).await;
    assert_eq!((ended.stdout.lines().count(), ended.stderr.as_str()), (3, ""), "{ended:?}");
}

#[tokio::test]
async fn hostile_name_does_not_reach_the_terminal() {
    let service = Service::start().await;
    // The service takes controls out of a magnet's name and leaves what turns the direction of writing.
    let magnet = format!("magnet:?xt=urn:btih:{:040x}&dn=gpj%e2%80%aeexe", 7);
    let is_dangerous = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
    let torrent = service.json(&["add", &magnet, "--paused"]).await;
    assert!(
        torrent["name"].as_str().unwrap().contains(is_dangerous),
        "else nothing is shown here: {torrent}"
    );
    let any = |list: &serde_json::Value| !list["items"].as_array().unwrap().is_empty();
    service.process.wait_until("/v1/torrents", PATIENCE, any).await;
    for arguments in [
        &["ls"][..],
        &["status", torrent["id"].as_str().unwrap()],
        &["history", torrent["id"].as_str().unwrap()],
        &["tail", "--after", "0", "--types", "torrent.added", "--count", "1"],
    ] {
        for output in ["table", "json"] {
            let ended = service.revaer(&[&["--output", output], arguments].concat()).await;
            assert!(ended.code == 0 && ended.stdout.contains("gpj"), "{arguments:?}: {ended:?}");
            assert!(!ended.stdout.contains(is_dangerous), "{arguments:?}: {ended:?}");
        }
    }
}

#[tokio::test]
async fn healthy_service_is_well() {
    let service = Service::start().await;
    let ended = service.revaer(&["health"]).await;
    assert!(ended.code == 0 && ended.stdout.contains("database"), "{ended:?}");
    assert_eq!(service.json(&["health"]).await["status"], "well");
}

#[tokio::test]
async fn peers_and_trackers_are_those_of_the_session() {
    let (service, source) = (Service::start().await, Source::start(4, 300_000));
    let torrent = service.json(&["add", source.seeder.magnet(), "--wait"]).await;
    let id = torrent["id"].as_str().unwrap();
    assert_eq!(service.json(&["trackers", id]).await["items"], serde_json::json!([]));
    let ended = service.revaer(&["trackers", id]).await;
    assert!(ended.code == 0 && ended.stdout.starts_with("TIER"), "{ended:?}");
    let ended = service.revaer(&["peers", id]).await;
    assert!(ended.code == 0 && ended.stdout.starts_with("ADDRESS"), "{ended:?}");
}

#[tokio::test]
async fn completions_need_no_service() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let ended =
            crate::support::revaer(&crate::support::Address::of_nobody(), &["completions", shell]).await;
        assert!(ended.code == 0 && ended.stdout.contains("revaer"), "{shell}: {}", ended.stderr);
    }
}
