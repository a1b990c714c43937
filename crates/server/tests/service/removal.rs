//! Out of the service, with or without the files: nothing goes that is not the torrent's alone.

use std::fs;
use std::sync::Arc;

use revaer_application::{Application, Caller, HealthRegistry, Parts, ServerKey, SystemClock};
use revaer_domain::torrent::TorrentCommand;
use revaer_event_log::EventLog;
use revaer_test_support::{Seeder, SeederOptions, ServiceProcess, TestDatabase};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::world::{REVAERD, World, act, add, files_of, until_kind, until_state};

#[tokio::test(flavor = "multi_thread")]
async fn removal_leaves_the_files_unless_they_are_asked_to_go() {
    let world = World::new(5, 1 << 20);
    let service = world.service().await;
    let id = add(&service, &world.seeder, json!({})).await;
    until_state(&service, &id, "seeding").await;
    act(&service, &id, json!({ "action": "remove" })).await;
    let removed = until_kind(&service, &id, "torrent.removed", 1).await;
    assert_eq!(removed["data"]["data_deleted"], false);
    world.assert_downloaded();
    let (status, _) = service.exchange(reqwest::Method::GET, &format!("/v1/torrents/{id}"), None).await;
    assert_eq!(status, 404, "it is gone, but its history is not");

    let again = add(&service, &world.seeder, json!({})).await;
    assert_ne!(id, again, "it is another torrent");
    until_state(&service, &again, "seeding").await;
    act(&service, &again, json!({ "action": "remove", "delete_data": true })).await;
    let removed = until_kind(&service, &again, "torrent.removed", 1).await;
    assert_eq!(removed["data"], json!({ "data_deleted": true, "left": [] }));
    assert!(!world.downloaded().exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_file_stays_where_a_torrent_was_deleted() {
    let world = World::new(5, 1 << 20);
    let service = world.service().await;
    let id = add(&service, &world.seeder, json!({})).await;
    until_state(&service, &id, "seeding").await;
    let foreign = world.downloaded().join("not the torrent's.txt");
    fs::write(&foreign, "mine").unwrap();
    act(&service, &id, json!({ "action": "remove", "delete_data": true })).await;
    until_kind(&service, &id, "torrent.removed", 1).await;
    assert_eq!(fs::read_to_string(&foreign).unwrap(), "mine");
    assert_eq!(files_of(&world.downloaded()).len(), 1, "the torrent's own files are gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_another_torrent_shares_stay() {
    let world = World::new(5, 1 << 20);
    let v2 = SeederOptions { format: libtorrent_sys::Format::V2, ..SeederOptions::default() };
    let other = Seeder::start(world.payload.root(), &v2).unwrap();
    let service = world.service().await;
    let first = add(&service, &world.seeder, json!({})).await;
    until_state(&service, &first, "seeding").await;
    let second = add(&service, &other, json!({})).await;
    until_state(&service, &second, "seeding").await;
    act(&service, &first, json!({ "action": "remove", "delete_data": true })).await;
    let removed = until_kind(&service, &first, "torrent.removed", 1).await;
    assert_eq!(removed["data"]["data_deleted"], false, "{removed}");
    world.assert_downloaded();
    until_state(&service, &second, "seeding").await;
}

/// The fact is in the log and the process died before it did anything: as if killed between the two.
#[tokio::test(flavor = "multi_thread")]
async fn deletion_that_a_crash_cut_off_is_finished_at_the_next_start() {
    let world = World::new(5, 1 << 20);
    let database = TestDatabase::create().await;
    let options = world.options().database_url(database.url());
    let mut service = ServiceProcess::start(REVAERD, options).await;
    let id = add(&service, &world.seeder, json!({})).await;
    until_state(&service, &id, "seeding").await;
    service.kill9().await;

    request_removal(&database, &id).await;
    world.assert_downloaded();
    service.start_again().await;
    let removed = until_kind(&service, &id, "torrent.removed", 1).await;
    assert_eq!(removed["data"]["data_deleted"], true, "{removed}");
    assert!(!world.downloaded().exists());
}

/// Gives the command to the write side alone: no session runs that could carry it out.
async fn request_removal(database: &TestDatabase, id: &str) {
    let (log, runner) =
        EventLog::open(database.pool().await, revaer_event_log::Options::default()).await.unwrap();
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(runner.run(shutdown.clone()));
    let clock = Arc::new(SystemClock);
    let application = Application::new(Parts {
        log,
        clock: clock.clone(),
        metainfo: Arc::new(NoSession),
        live: Arc::new(NoSession),
        health: HealthRegistry::new(clock),
        server_key: ServerKey::draw(),
    });
    let operator = Caller::system("operator", "test".to_owned(), None);
    let remove = TorrentCommand::Remove { delete_data: true };
    application.command(id.parse().unwrap(), remove, &operator).await.unwrap();
    shutdown.cancel();
    running.await.unwrap();
}

struct NoSession;

impl revaer_application::MetainfoParser for NoSession {
    fn parse(&self, _: &[u8]) -> Result<revaer_application::ParsedMetainfo, String> {
        Err("nothing is parsed here".to_owned())
    }
}

#[async_trait::async_trait]
impl revaer_application::LiveView for NoSession {
    async fn trackers(
        &self,
        _: revaer_domain::values::TorrentId,
    ) -> Result<Vec<revaer_application::LiveTracker>, revaer_application::LiveError> {
        Err(revaer_application::LiveError::NotInSession)
    }
    async fn peers(
        &self,
        _: revaer_domain::values::TorrentId,
    ) -> Result<Vec<revaer_application::LivePeer>, revaer_application::LiveError> {
        Err(revaer_application::LiveError::NotInSession)
    }
    async fn file_progress(
        &self,
        _: revaer_domain::values::TorrentId,
    ) -> Result<Vec<u64>, revaer_application::LiveError> {
        Err(revaer_application::LiveError::NotInSession)
    }
    fn rates(&self, _: revaer_domain::values::TorrentId) -> Option<revaer_application::LiveRates> {
        None
    }
}
