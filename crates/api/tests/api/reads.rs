//! Reads of one torrent: as it is, as it was, and what the session sees.

use poem::http::StatusCode;
use revaer_domain::torrent::TorrentCommand;
use revaer_wire::HistoryPage;
use serde_json::json;
use ulid::Ulid;

use crate::world::World;

#[tokio::test]
async fn removed_torrent_is_gone_and_its_history_and_its_past_are_not() {
    let world = World::new().await;
    let id = world.add(1).await;
    let alive = world.get(&format!("/v1/torrents/{id}")).await;
    let removing = world.post(&format!("/v1/torrents/{id}/action"), &json!({"action": "remove"})).await;
    let removed =
        world.observe(id, TorrentCommand::ObserveRemoved { data_deleted: false, left: vec![] }).await;
    let uri = format!("/v1/torrents/{id}");
    world.get(&format!("{uri}?min_position={removed}")).await.assert_problem(404, "not_found");
    world.get(&format!("{uri}/files")).await.assert_problem(404, "not_found");
    world.get(&format!("{uri}/peers")).await.assert_problem(404, "not_found");
    world.get(&format!("/v1/torrents/{:040x}", 1)).await.assert_problem(404, "not_found");

    let history = world.get(&format!("{uri}/history")).await;
    let kinds: Vec<_> =
        history.body["items"].as_array().expect("a page").iter().map(|fact| &fact["kind"]).collect();
    assert_eq!(kinds, ["torrent.added", "torrent.remove_requested", "torrent.removed"]);

    let then = world.get(&format!("{uri}?at={}", alive.body["position"])).await;
    assert_eq!((then.status, &then.body["state"]), (StatusCode::OK, &json!("metadata")));
    let later = world.get(&format!("{uri}?at={}", removing.position())).await;
    assert_eq!(later.body["state"], "removing");
    let recorded_at = history.body["items"][1]["recorded_at"].as_str().expect("a time");
    let timed = world.get(&format!("{uri}?at={recorded_at}")).await;
    assert_eq!(timed.body, later.body);
    world.get(&format!("{uri}?at={removed}")).await.assert_problem(404, "not_found");
    world.get(&format!("{uri}?at=0")).await.assert_problem(404, "not_found");

    let again = world.add(1).await;
    assert_ne!(again, id, "another torrent with another history");
}

#[tokio::test]
async fn what_is_not_there_is_404_everywhere() {
    let world = World::new().await;
    let nobody = Ulid(7);
    for id in
        [nobody.to_string(), "aa".repeat(20), "bb".repeat(32), "what%2Fever".to_owned(), "%FF".to_owned()]
    {
        for rest in ["", "/files", "/trackers", "/peers", "/history", "?at=5"] {
            world.get(&format!("/v1/torrents/{id}{rest}")).await.assert_problem(404, "not_found");
        }
        let action = world.post(&format!("/v1/torrents/{id}/action"), &json!({"action": "pause"})).await;
        action.assert_problem(404, "not_found");
        world.post(&format!("/v1/torrents/{id}/select"), &json!({})).await.assert_problem(404, "not_found");
    }
}

#[tokio::test]
async fn history_comes_in_pages_that_join() {
    let world = World::new().await;
    let id = world.add(1).await;
    for round in 0..3 {
        let action = if round % 2 == 0 { "pause" } else { "resume" };
        world.post(&format!("/v1/torrents/{id}/action"), &json!({ "action": action })).await;
    }
    let whole = world.get(&format!("/v1/torrents/{id}/history")).await.body;
    let whole: HistoryPage = serde_json::from_value(whole).expect("the wire's form");
    assert_eq!((whole.items.len(), whole.next_cursor), (4, None));
    let mut uri = format!("/v1/torrents/{id}/history?limit=2");
    let mut versions = Vec::new();
    loop {
        let page = world.get(&uri).await;
        let items = page.body["items"].as_array().expect("a page");
        versions.extend(items.iter().map(|fact| fact["version"].as_u64().expect("a version")));
        let Some(cursor) = page.body["next_cursor"].as_str() else { break };
        uri = format!("/v1/torrents/{id}/history?limit=2&cursor={cursor}");
    }
    assert_eq!(versions, [1, 2, 3, 4]);
}

#[tokio::test]
async fn session_that_lacks_a_torrent_shows_nobody_and_one_that_is_away_is_503() {
    let world = World::new().await;
    let id = world.add(1).await;
    for list in ["trackers", "peers"] {
        let uri = format!("/v1/torrents/{id}/{list}");
        assert_eq!(world.get(&uri).await.body, json!({"items": []}));
        world.session.0.lock().expect("not poisoned").known.push(id);
        let items = world.get(&uri).await.body["items"].as_array().expect("a list").len();
        assert_eq!(items, 1);
        world.session.0.lock().expect("not poisoned").away = true;
        let away = world.get(&uri).await;
        away.assert_problem(503, "unavailable");
        assert_eq!(away.header("retry-after"), "1");
        *world.session.0.lock().expect("not poisoned") = crate::world::Seen::default();
    }
}

#[tokio::test]
async fn health_tells_the_worst_part() {
    use revaer_domain::health::HealthState;

    let world = World::new().await;
    assert_eq!(world.get("/health").await.body["status"], "alive");
    let well = world.get("/health/full").await;
    assert_eq!((well.status, &well.body["status"]), (StatusCode::OK, &json!("well")));
    world.application.health().set("engine", HealthState::Degraded, "it starts");
    let degraded = world.get("/health/full").await;
    assert_eq!((degraded.status, &degraded.body["status"]), (StatusCode::OK, &json!("degraded")));
    world.application.health().set("engine", HealthState::Failed, "it is gone");
    let failed = world.get("/health/full").await;
    assert_eq!((failed.status, &failed.body["status"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("failed")));
    let parts: Vec<_> =
        failed.body["components"].as_array().expect("parts").iter().map(|part| &part["component"]).collect();
    assert_eq!(parts, ["database", "engine"]);
}

#[tokio::test]
async fn health_tells_where_the_process_goes_by_other_values_than_the_settings_have() {
    use revaer_application::Override;

    let world = World::new().await;
    world.application.override_settings(vec![Override {
        pointer: "/engine/utp",
        flag: "--utp",
        value: json!(false),
    }]);
    let before = world.get("/health/full").await.body["settings"].clone();
    assert_eq!(before["restart_required"], json!([]));
    assert_eq!(before["overridden"], json!([{"path": "/engine/utp", "flag": "--utp"}]));
    let patch = json!({"http": {"listen": "127.0.0.1:9"}, "engine": {"utp": true, "dht": true}});
    let caller = revaer_application::Caller::system("system", "patch".to_owned(), None);
    let changed = world.application.patch_settings(patch, &caller).await.expect("fits");
    let after = world.get("/health/full").await.body["settings"].clone();
    assert_eq!(after["restart_required"], json!(["/http/listen"]));
    assert_eq!((&after["version"], &after["overridden"]), (&json!(changed.version), &before["overridden"]));
}

#[tokio::test]
async fn service_without_its_database_says_so_and_lives() {
    let world = World::new().await;
    let id = world.add(1).await;
    // An empty list needs no database: it has to have the torrent before it can miss it.
    assert!(
        world.get(&format!("/v1/torrents?min_position={}", world.began.0 + 1)).await.body["items"][0]
            .is_object()
    );
    world.application.log().pool().close().await;
    assert_eq!(world.get("/health").await.status, StatusCode::OK);
    assert_eq!(world.get("/health/full").await.body["status"], "degraded");
    for uri in ["/v1/torrents", &format!("/v1/torrents/{id}/history"), "/v1/events?after=99"] {
        let away = world.get(uri).await;
        away.assert_problem(503, "unavailable");
        assert_eq!(away.header("retry-after"), "1");
    }
}

#[tokio::test]
async fn panic_of_a_handler_is_a_problem_and_the_service_goes_on() {
    let world = World::new().await;
    let id = world.add(1).await;
    world.session.0.lock().expect("not poisoned").panics = true;
    let uri = format!("/v1/torrents/{id}/action");
    world.post(&uri, &json!({"action": "pause"})).await.assert_problem(500, "internal");
    world.session.0.lock().expect("not poisoned").panics = false;
    assert_eq!(world.post(&uri, &json!({"action": "resume"})).await.status, StatusCode::ACCEPTED);
}
