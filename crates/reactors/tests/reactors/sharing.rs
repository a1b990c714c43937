//! Limits of sharing between two real sessions, by whomever they are set.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use revaer_application::SystemClock;
use revaer_domain::torrent::{Lifecycle, Torrent, TorrentCommand};
use revaer_domain::values::{Labels, ShareLimits, TorrentId};
use revaer_test_support::TestDatabase;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::service::{PATIENCE, Service, open_log, operator, options};
use crate::world::World;

async fn set(service: &Service, limits: Value) {
    let patch = json!({ "limits": limits });
    service.application.patch_settings(patch, &operator()).await.expect("taken");
}

/// A service that has all of the torrent and shares it.
async fn complete(service: &Service, world: &World, label: Option<&str>) -> TorrentId {
    let peer = world.seeder.addr();
    let labels: Labels = label.iter().map(|label| label.parse().expect("a label")).collect();
    let id = service.add(world.torrent_file(), |add| (add.peers, add.labels) = (vec![peer], labels)).await;
    service.until(id, "complete", Torrent::is_complete).await;
    id
}

/// Another session that fetches all of it, from the service alone; the service's torrent stands still before or after.
async fn fetched_from(service: &Service, world: &World, to: &Path) {
    let database = TestDatabase::create().await;
    let other = Service::start(database.url(), options(to)).await;
    let port = service.engine.listen_port().await.expect("a session");
    let peer = format!("127.0.0.1:{port}").parse().expect("an address");
    let id = other.add(world.torrent_file(), |add| add.peers = vec![peer]).await;
    other.until(id, "complete", Torrent::is_complete).await;
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn torrent_that_sent_what_it_has_once_is_paused_and_the_fact_says_why() {
    let world = World::new(2, 1 << 20);
    let elsewhere = tempfile::tempdir().expect("a folder");
    let database = TestDatabase::create().await;
    let service = Service::start(database.url(), options(&world.downloads)).await;
    set(&service, json!({"share_ratio": 1.0})).await;
    let id = complete(&service, &world, None).await;
    fetched_from(&service, &world, elsewhere.path()).await;
    service.until(id, "paused", |torrent| torrent.paused).await;
    let reached = service.until_fact("torrent.share_limit_reached").await;
    assert_eq!((&reached["limit"], &reached["set_by"]), (&json!({"share_ratio": 1.0}), &json!("settings")));
    assert_eq!(reached["action"], "pause");
    assert!(reached["uploaded_bytes"].as_u64() >= reached["downloaded_bytes"].as_u64(), "{reached}");
    let (torrent, ..) = service.application.torrent(id).await.expect("readable").expect("there");
    let actor = service.application.history(id, 0, 1000).await.expect("readable").pop().expect("facts").meta;
    assert!(actor.contains(r#""actor":"system""#), "{actor}");

    // An operator who resumes it has the last word.
    assert!(torrent.paused);
    service.command(id, TorrentCommand::Resume).await;
    service.until(id, "shares again", |torrent| !torrent.paused).await;
    set(&service, json!({"share_action": "remove"})).await;
    set(&service, json!({"share_ratio": 0.5})).await;
    service.until(id, "removed for another limit", |torrent| torrent.lifecycle == Lifecycle::Removed).await;
    assert_eq!(service.count(id, "torrent.share_limit_reached").await, 2);
    assert!(world.first_file().exists(), "its files stay");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn torrent_with_files_that_nobody_wants_comes_to_its_limits_too() {
    let world = World::new(3, 300_000);
    let unwanted = world.payload.files()[0].path.to_string_lossy().into_owned();
    let database = TestDatabase::create().await;
    let service = Service::start(database.url(), options(&world.downloads)).await;
    set(&service, json!({"seed_time_seconds": 1})).await;
    let peer = world.seeder.addr();
    let id = service
        .add(world.torrent_file(), |add| {
            add.peers = vec![peer];
            add.selection.exclude = vec![format!("**/{unwanted}")];
        })
        .await;
    let torrent = service.until(id, "paused", |torrent| torrent.paused).await;
    assert!(torrent.is_complete() && torrent.wanted_bytes() < torrent.files.map(|files| files.size_bytes));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn time_of_a_label_counts_from_the_completion_and_its_action_is_taken() {
    let world = World::new(2, 100_000);
    let database = TestDatabase::create().await;
    let service = Service::start(database.url(), options(&world.downloads)).await;
    let brief = json!({"brief": {"seed_time_seconds": 1, "share_action": "remove"}});
    set(&service, json!({"seed_time_seconds": 3600, "labels": brief})).await;
    let id = complete(&service, &world, Some("brief")).await;
    service.until(id, "removed", |torrent| torrent.lifecycle == Lifecycle::Removed).await;
    let reached = service.until_fact("torrent.share_limit_reached").await;
    assert_eq!(reached["limit"], json!({"seed_time_seconds": 1}));
    assert_eq!((&reached["set_by"], &reached["action"]), (&json!({"label": "brief"}), &json!("remove")));
    service.stop().await;
}

/// Until the session says that it has seeded for so long.
async fn until_seeded(service: &Service, id: TorrentId, seconds: u64) {
    let wait = async {
        while service.engine.seeding_time(id).await.expect("there").as_secs() < seconds {
            // Nothing tells that a second went by.
            let _ = tokio::time::timeout(Duration::from_millis(100), service.engine.progress_changed()).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("time goes by");
}

#[tokio::test(flavor = "multi_thread")]
async fn seeded_time_is_remembered_across_a_restart_and_own_limits_win() {
    let world = World::new(2, 100_000);
    let database = TestDatabase::create().await;
    let service = Service::start(database.url(), options(&world.downloads)).await;
    set(&service, json!({"seed_time_seconds": 86_400})).await;
    let id = complete(&service, &world, None).await;
    until_seeded(&service, id, 3).await;
    service.stop().await;

    let service = Service::start(database.url(), options(&world.downloads)).await;
    let own = ShareLimits { seed_time_seconds: Some(3), ..ShareLimits::default() };
    service.command(id, TorrentCommand::SetShareLimits(own)).await;
    service.until(id, "paused", |torrent| torrent.paused).await;
    let now = service.engine.seeding_time(id).await.expect("there").as_secs();
    assert!((3..6).contains(&now), "it had seeded for three seconds before, and seeds no more: {now}");
    let reached = service.until_fact("torrent.share_limit_reached").await;
    assert_eq!(reached["set_by"], "torrent");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limit_that_was_set_while_nothing_ran_is_acted_on_at_the_next_start() {
    let world = World::new(2, 100_000);
    let database = TestDatabase::create().await;
    let service = Service::start(database.url(), options(&world.downloads)).await;
    let id = complete(&service, &world, None).await;
    until_seeded(&service, id, 2).await;
    service.stop().await;
    {
        let (application, _log, runner) = open_log(database.url(), Arc::new(SystemClock)).await;
        let ended = CancellationToken::new();
        let running = tokio::spawn(runner.run(ended.clone()));
        let patch = json!({"limits": {"seed_time_seconds": 1}});
        application.patch_settings(patch, &operator()).await.expect("taken");
        ended.cancel();
        running.await.expect("it ends well");
    }
    let service = Service::start(database.url(), options(&world.downloads)).await;
    service.application.refresh_settings().await.expect("readable");
    service.until(id, "paused", |torrent| torrent.paused).await;
    service.stop().await;
}
