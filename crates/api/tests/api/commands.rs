//! Commands: adds by every way in, repeats, conditions, and what becomes of them in the log.

use poem::http::{Method, StatusCode};
use revaer_domain::torrent::TorrentCommand;
use serde_json::{Value, json};

use crate::world::{World, base64, magnet, metainfo, post, request};

#[tokio::test]
async fn add_by_magnet_is_answered_with_the_torrent_and_its_place() {
    let world = World::new().await;
    let body = json!({
        "magnet": magnet(1), "save_path": "films", "labels": ["b", "a"], "start_paused": true,
        "include": ["**/*.mkv"], "priorities": [{"index": 0, "priority": 7}], "sequential": true,
        "download_bytes_per_second": 1000, "upload_bytes_per_second": null,
        "trackers": ["udp://tracker.example:6969/announce"], "peers": ["127.0.0.1:6881", "[::1]:6881"],
    });
    let added = world.post("/v1/torrents", &body).await;
    assert_eq!(added.status, StatusCode::CREATED, "{}", added.body);
    let id = added.id();
    assert_eq!(added.header("location"), format!("/v1/torrents/{id}"));
    assert_eq!(added.header("etag"), "\"1\"");
    assert_eq!(added.body["position"], added.position());
    assert_eq!(added.body["state"], "paused");
    assert_eq!(added.body["labels"], json!(["a", "b"]));
    assert_eq!(added.body["trackers"], json!(["tracker.example"]));
    assert_eq!(
        added.body["rate_cap"],
        json!({"download_bytes_per_second": 1000, "upload_bytes_per_second": null})
    );
    assert_eq!(added.body["selection"]["priorities"], json!([{"index": 0, "glob": null, "priority": 7}]));

    let shown = world.get(&format!("/v1/torrents/{id}?min_position={}", added.position())).await;
    assert_eq!(shown.body, added.body, "the read model and the fold say the same");
}

#[tokio::test]
async fn torrent_is_found_from_the_moment_its_add_was_answered() {
    let world = World::new().await;
    for number in 1..20 {
        let id = world.add(number).await;
        let shown = world.get(&format!("/v1/torrents/{number:040x}")).await;
        assert_eq!((shown.status, shown.id()), (StatusCode::OK, id));
    }
}

#[tokio::test]
async fn torrent_file_comes_in_base_64_or_as_a_part() {
    let world = World::new().await;
    let one = metainfo("one", &[("a.bin", 10), ("b.bin", 20_000)]);
    let added = world.post("/v1/torrents", &json!({ "metainfo": base64(&one) })).await;
    assert_eq!(added.status, StatusCode::CREATED, "{}", added.body);
    assert_eq!((&added.body["name"], &added.body["size_bytes"]), (&json!("one"), &json!(20_010)));
    assert_eq!(added.body["content_path"], "one");

    let two = metainfo("two", &[("c.bin", 5)]);
    let added = world.ask(multipart(&[("torrent", &two), ("options", br#"{"save_path": "x"}"#)])).await;
    assert_eq!(added.status, StatusCode::CREATED, "{}", added.body);
    assert_eq!(added.body["content_path"], "x/two");
    let files =
        world.get(&format!("/v1/torrents/{}/files?min_position={}", added.id(), added.position())).await;
    let expected =
        json!([{"index": 0, "path": "two/c.bin", "size_bytes": 5, "priority": 4, "progress": 0.0}]);
    assert_eq!(files.body["items"], expected);
}

fn multipart(parts: &[(&str, &[u8])]) -> poem::Request {
    let mut body = Vec::new();
    for (name, content) in parts {
        body.extend(format!("--edge\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n").bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--edge--\r\n");
    request(Method::POST, "/v1/torrents").content_type("multipart/form-data; boundary=edge").body(body)
}

#[tokio::test]
async fn faulty_parts_are_named_where_they_are() {
    let world = World::new().await;
    let options = br#"{"labels": ["/"], "magnet": "x", "shape": 1}"#;
    let refused = world.ask(multipart(&[("options", options), ("other", b"")])).await;
    refused.assert_problem(422, "invalid");
    let places: Vec<_> = refused.faults().into_iter().map(|(place, _)| place).collect();
    assert_eq!(places, ["/other", "/torrent", "/options/magnet", "/options/labels/0", "/options/shape"]);

    let refused = world.ask(multipart(&[("torrent", b"d4:infod")])).await;
    refused.assert_problem(422, "invalid_metainfo");
    assert_eq!(refused.faults(), [("/torrent".to_owned(), "invalid_metainfo".to_owned())]);
}

#[tokio::test]
async fn repeat_with_the_same_key_gets_the_first_answer_again() {
    let world = World::new().await;
    let key = [("idempotency-key", "k1")];
    let body = json!({ "magnet": magnet(1), "labels": ["a"] });
    let first = world.post_with("/v1/torrents", &key, &body).await;
    assert_eq!(first.status, StatusCode::CREATED);
    world.post(&format!("/v1/torrents/{}/action", first.id()), &json!({"action": "pause"})).await;
    // What the session sees by now is not part of the first answer.
    world.session.0.lock().expect("not poisoned").known.push(first.id());
    // The same command in other words: order, white space and an explicit default.
    let spelled = format!(r#"{{ "start_paused":false, "labels":["a"], "magnet":"{}" }}"#, magnet(1));
    let again = world.ask(post("/v1/torrents", &key, spelled)).await;
    assert_eq!((again.status, &again.body), (StatusCode::CREATED, &first.body));
    assert_eq!(again.position(), first.position());

    let other = world.post_with("/v1/torrents", &key, &json!({ "magnet": magnet(2) })).await;
    other.assert_problem(422, "idempotency_key_reused");
}

#[tokio::test]
async fn two_adds_with_one_key_at_once_are_one_torrent() {
    let world = World::new().await;
    let (key, body) = ([("idempotency-key", "k1")], json!({ "magnet": magnet(1) }));
    let add = || world.post_with("/v1/torrents", &key, &body);
    let (one, other) = tokio::join!(add(), add());
    assert_eq!((one.status, &one.body), (StatusCode::CREATED, &other.body));
}

#[tokio::test]
async fn torrent_that_is_here_is_a_conflict_that_names_it() {
    let world = World::new().await;
    let id = world.add(1).await;
    let refused = world.post("/v1/torrents", &json!({ "magnet": magnet(1) })).await;
    refused.assert_problem(409, "torrent_exists");
    assert_eq!(refused.id(), id);
}

#[tokio::test]
async fn condition_that_no_longer_holds_is_412() {
    let world = World::new().await;
    let id = world.add(1).await;
    let uri = format!("/v1/torrents/{id}/action");
    let pause = json!({"action": "pause"});
    let paused = world.post_with(&uri, &[("if-match", "\"1\"")], &pause).await;
    assert_eq!((paused.status, paused.header("etag")), (StatusCode::ACCEPTED, "\"2\""));
    let stale = world.post_with(&uri, &[("if-match", "1")], &json!({"action": "resume"})).await;
    stale.assert_problem(412, "precondition_failed");
    let any = world.post_with(&uri, &[("if-match", "*")], &json!({"action": "resume"})).await;
    assert_eq!(any.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn command_that_changes_nothing_is_accepted_at_the_place_of_the_torrent() {
    let world = World::new().await;
    let id = world.add(1).await;
    let uri = format!("/v1/torrents/{id}/action");
    let paused = world.post(&uri, &json!({"action": "pause"})).await;
    let again = world.post(&uri, &json!({"action": "pause"})).await;
    assert_eq!((again.status, again.position()), (StatusCode::ACCEPTED, paused.position()));
    assert_eq!(again.body, paused.body);
}

#[tokio::test]
async fn every_action_is_a_fact_with_who_and_by_which_request() {
    let world = World::new().await;
    let file = metainfo("one", &[("a.bin", 10)]);
    let id = world.post("/v1/torrents", &json!({ "metainfo": base64(&file) })).await.id();
    let actions = [
        (json!({"action": "pause"}), "torrent.paused"),
        (json!({"action": "resume"}), "torrent.resumed"),
        (json!({"action": "reannounce"}), "torrent.reannounce_requested"),
        (json!({"action": "recheck"}), "torrent.recheck_requested"),
        (json!({"action": "sequential", "enable": true}), "torrent.sequential_changed"),
        (json!({"action": "rate_cap", "upload_bytes_per_second": 5}), "torrent.rate_cap_changed"),
        (json!({"action": "share_limits", "share_ratio": 1.5}), "torrent.share_limits_changed"),
        (json!({"action": "label", "labels": ["x"]}), "torrent.labels_changed"),
        (json!({"action": "move", "save_path": "y"}), "torrent.move_requested"),
        (json!({"action": "remove", "delete_data": true}), "torrent.remove_requested"),
    ];
    for (action, _) in &actions {
        let headers = [("x-request-id", "request-7")];
        let accepted = world.post_with(&format!("/v1/torrents/{id}/action"), &headers, action).await;
        assert_eq!(accepted.status, StatusCode::ACCEPTED, "{action}: {}", accepted.body);
        assert_eq!(accepted.header("x-request-id"), "request-7");
    }
    let history = world.get(&format!("/v1/torrents/{id}/history")).await;
    let items = history.body["items"].as_array().expect("a page");
    let kinds: Vec<_> = items[2..].iter().map(|fact| fact["kind"].as_str().expect("a kind")).collect();
    assert_eq!(kinds, actions.map(|(_, kind)| kind));
    let last = items.last().expect("facts");
    assert_eq!((&last["actor"], &last["request_id"]), (&json!("key test"), &json!("request-7")));
    assert_eq!(last["correlation_id"], "request-7");
    assert_eq!(last["data"], json!({"delete_data": true}));
}

#[tokio::test]
async fn states_refuse_what_they_cannot_carry() {
    let world = World::new().await;
    let id = world.add(1).await;
    let uri = format!("/v1/torrents/{id}/action");
    world.post(&uri, &json!({"action": "recheck"})).await.assert_problem(409, "state_conflict");
    world.post(&uri, &json!({"action": "move", "save_path": "a"})).await;
    world
        .post(&uri, &json!({"action": "move", "save_path": "b"}))
        .await
        .assert_problem(409, "state_conflict");
    let removing = world.post(&uri, &json!({"action": "remove"})).await;
    assert_eq!(removing.body["state"], "removing");
    world.post(&uri, &json!({"action": "pause"})).await.assert_problem(409, "state_conflict");
    let removed = TorrentCommand::ObserveRemoved { data_deleted: false, left: vec![] };
    world.observe(id, removed).await;
    world.post(&uri, &json!({"action": "pause"})).await.assert_problem(404, "not_found");
    let by_hash = format!("/v1/torrents/{:040x}/action", 1);
    world.post(&by_hash, &json!({"action": "pause"})).await.assert_problem(404, "not_found");
}

#[tokio::test]
async fn change_that_no_fact_can_hold_is_refused_with_what_to_do() {
    let world = World::new().await;
    let id = world.add(1).await;
    let uri = format!("/v1/torrents/{id}/select");
    // A control character is one byte here and six in the log, and a change holds the rule before and the rule after.
    let rule = |first: &str| {
        let glob = |number: usize| format!("{first}{number:02}{}", "\u{1}".repeat(1000));
        json!({ "exclude": (0..64).map(glob).collect::<Vec<_>>(),
                "priorities": (0..10_000).map(|index| json!({"index": index, "priority": 1})).collect::<Vec<_>>() })
    };
    let mut answers = Vec::new();
    for first in ["a", "b"] {
        answers.push(world.post(&uri, &rule(first)).await);
    }
    let refused =
        answers.iter().find(|answer| answer.status != StatusCode::ACCEPTED).expect("one is too large");
    refused.assert_problem(422, "too_large");
    assert_eq!(world.post(&uri, &json!({})).await.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn selection_replaces_the_rule_and_names_the_file_that_is_not_there() {
    let world = World::new().await;
    let file = metainfo("one", &[("a.bin", 10), ("b.bin", 10)]);
    let id = world.post("/v1/torrents", &json!({ "metainfo": base64(&file) })).await.id();
    let uri = format!("/v1/torrents/{id}/select");
    let rule = json!({"exclude": ["**/b.*"], "priorities": [{"glob": "**/a.*", "priority": 7}]});
    let selected = world.post(&uri, &rule).await;
    assert_eq!(
        (selected.status, &selected.body["selection"]["exclude"]),
        (StatusCode::ACCEPTED, &json!(["**/b.*"]))
    );
    let cleared = world.post(&uri, &json!({})).await;
    assert_eq!(cleared.body["selection"]["exclude"], json!([]));

    let beyond = json!({"priorities": [{"index": 1, "priority": 0}, {"index": 2, "priority": 0}]});
    let refused = world.post(&uri, &beyond).await;
    refused.assert_problem(422, "invalid");
    assert_eq!(refused.faults(), [("/priorities/1/index".to_owned(), "invalid".to_owned())]);
    let mut add = beyond;
    add["metainfo"] = Value::String(base64(&metainfo("two", &[("c.bin", 1)])));
    let refused = world.post("/v1/torrents", &add).await;
    assert_eq!(refused.faults(), [("/priorities/0/index".to_owned(), "invalid".to_owned())]);
}
