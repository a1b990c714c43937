//! Lists: pages, filters, and the place from which to follow.

use std::time::Duration;

use poem::http::StatusCode;
use revaer_api::Limits;
use serde_json::json;

use crate::stream::Stream;
use crate::world::{World, magnet};

async fn names(world: &World, uri: &str) -> Vec<String> {
    let page = world.get(uri).await;
    assert_eq!(page.status, StatusCode::OK, "{uri}: {}", page.body);
    let items = page.body["items"].as_array().expect("a page").clone();
    items.iter().map(|torrent| torrent["name"].as_str().expect("a name").to_owned()).collect()
}

#[tokio::test]
async fn pages_join_in_every_order() {
    let world = World::new().await;
    for number in 1..=7 {
        world.add(number).await;
    }
    let head = world.application.log().head().await.expect("reads");
    for sort in ["added_at", "-added_at", "name", "-name", "size", "progress"] {
        let mut uri = format!("/v1/torrents?limit=3&sort={sort}&min_position={head}");
        let mut seen = Vec::new();
        loop {
            let page = world.get(&uri).await;
            let items = page.body["items"].as_array().expect("a page");
            seen.extend(items.iter().map(|torrent| torrent["name"].as_str().expect("a name").to_owned()));
            let Some(cursor) = page.body["next_cursor"].as_str() else { break };
            uri = format!("/v1/torrents?limit=3&sort={sort}&cursor={cursor}");
        }
        let mut expected: Vec<_> = (1..=7).map(|number| format!("torrent {number}")).collect();
        if sort.starts_with('-') {
            expected.reverse();
        }
        if sort.ends_with("added_at") {
            // Torrents of one moment are in the order of their ids, which are random within it.
            seen.sort_by_key(|name| expected.iter().position(|known| known == name));
        }
        assert_eq!(seen.len(), 7, "{sort}");
        if sort.ends_with("name") {
            assert_eq!(seen, expected, "{sort}");
        }
    }
}

#[tokio::test]
async fn filters_hold_together() {
    let world = World::new().await;
    let add = |number: u64, labels: &[&str], paused: bool, tracker: &str| {
        json!({
            "magnet": magnet(number), "labels": labels, "start_paused": paused,
            "trackers": [format!("http://{tracker}/announce")],
        })
    };
    for body in [
        add(1, &["a"], true, "one.example"),
        add(2, &["a", "b"], false, "two.example"),
        add(3, &["b"], true, "two.example"),
    ] {
        assert_eq!(world.post("/v1/torrents", &body).await.status, StatusCode::CREATED);
    }
    let head = world.application.log().head().await.expect("reads");
    let list = |filter: &str| format!("/v1/torrents?sort=name&min_position={head}&{filter}");
    for (filter, expected) in [
        ("label=a", vec!["torrent 1", "torrent 2"]),
        ("label=b&state=paused", vec!["torrent 3"]),
        ("tracker=TWO.example", vec!["torrent 2", "torrent 3"]),
        ("name=RENT%202", vec!["torrent 2"]),
        ("extension=mkv", vec![]),
        ("name=t&label=a&tracker=two.example&state=metadata", vec!["torrent 2"]),
    ] {
        assert_eq!(names(&world, &list(filter)).await, expected, "{filter}");
    }
}

#[tokio::test]
async fn cursor_of_another_list_is_refused() {
    let world = World::new().await;
    world.add(1).await;
    world.add(2).await;
    let head = world.application.log().head().await.expect("reads");
    let page = world.get(&format!("/v1/torrents?limit=1&sort=name&min_position={head}")).await;
    let cursor = page.body["next_cursor"].as_str().expect("another page");
    let refused = world.get(&format!("/v1/torrents?limit=1&sort=name&label=x&cursor={cursor}")).await;
    refused.assert_problem(400, "malformed");
    assert_eq!(refused.faults(), [("cursor".to_owned(), "malformed".to_owned())]);
}

#[tokio::test]
async fn position_that_is_not_reached_in_time_is_503() {
    let world = World::with(Limits { read_wait: Duration::from_millis(50), ..Limits::default() }).await;
    let id = world.add(1).await;
    for uri in [
        "/v1/torrents?min_position=999999".to_owned(),
        format!("/v1/torrents/{id}?min_position=999999"),
        format!("/v1/torrents/{id}/history?min_position=999999"),
    ] {
        let late = world.get(&uri).await;
        late.assert_problem(503, "not_yet");
        assert_eq!(late.header("retry-after"), "1");
    }
}

/// Adds go on while a client lists and then follows from the position of the list: every torrent is in the one or in the other.
#[tokio::test]
async fn list_and_events_join_without_a_gap() {
    let world = World::new().await;
    for round in 0..5 {
        let adding = async {
            for number in 0..10 {
                world.add(round * 100 + number + 1).await;
            }
        };
        let listing = async {
            let page = world.get("/v1/torrents?limit=1000").await;
            let listed: Vec<_> = page.body["items"]
                .as_array()
                .expect("a page")
                .iter()
                .map(|item| item["id"].clone())
                .collect();
            (listed, page.body["position"].as_i64().expect("a position"))
        };
        let ((), (mut known, position)) = tokio::join!(adding, listing);
        let last = world.add(round * 100 + 99).await;
        let mut stream = Stream::open(&world, &format!("?types=torrent.added&after={position}"), None).await;
        let events = stream.until(|event| event.data["stream"] == last.stream().as_str()).await;
        known.extend(events.iter().map(|event| {
            let stream = event.data["stream"].as_str().expect("a stream");
            json!(stream.trim_start_matches("torrent-"))
        }));
        let all = world.application.live_torrents().await.expect("reads");
        let missing: Vec<_> = all.iter().filter(|id| !known.contains(&json!(id.to_string()))).collect();
        assert!(missing.is_empty(), "neither listed nor followed: {missing:?}");
    }
}
