//! Rules of selection: what they come to before and after they are in force.

use poem::http::StatusCode;
use serde_json::{Value, json};

use crate::world::{World, base64, magnet, metainfo};

const FILES: [(&str, usize); 4] =
    [("film.mkv", 40_000), ("film.nfo", 100), ("keep.nfo", 200), ("b.srt", 300)];

/// Adds the files with a rule; gives the path of the torrent.
async fn added(world: &World, fields: Value) -> String {
    let mut body = json!({ "metainfo": base64(&metainfo("F", &FILES)), "start_paused": true });
    for (name, value) in fields.as_object().expect("fields") {
        body[name] = value.clone();
    }
    let added = world.post("/v1/torrents", &body).await;
    assert_eq!(added.status, StatusCode::CREATED, "{}", added.body);
    format!("/v1/torrents/{}", added.id())
}

/// For each file by its name what decides, with the glob and the kind, and the priority that follows.
fn decisions(explained: &Value) -> Vec<(String, Value)> {
    let items = explained["items"].as_array().expect("files").iter();
    let mut decisions: Vec<_> = items
        .map(|file| {
            let said = [&file["decided_by"], &file["glob"], &file["fluff"], &file["priority"]];
            (file["path"].as_str().expect("a path").to_owned(), json!(said))
        })
        .collect();
    decisions.sort_by(|one, other| one.0.cmp(&other.0));
    decisions
}

#[tokio::test]
async fn rule_in_force_is_explained_file_by_file() {
    let world = World::new().await;
    let keep = json!([{"glob": "*keep*", "priority": 1}]);
    let rule =
        json!({"skip_fluff": true, "include": ["*.mkv"], "priorities": keep, "first_last_piece_first": true});
    let uri = added(&world, rule).await;
    let explained = world.get(&format!("{uri}/selection")).await;
    assert_eq!(explained.status, StatusCode::OK, "{}", explained.body);
    assert_eq!(
        decisions(&explained.body),
        [
            ("F/b.srt".to_owned(), json!(["include", null, null, 0])),
            ("F/film.mkv".to_owned(), json!(["include", "*.mkv", null, 4])),
            ("F/film.nfo".to_owned(), json!(["skip_fluff", "*.nfo", "notes", 0])),
            ("F/keep.nfo".to_owned(), json!(["priorities", "*keep*", null, 1])),
        ]
    );
    assert_eq!(explained.body["wanted_bytes"], 40_200);
    let torrent = world.get(&uri).await;
    assert_eq!(explained.body["selection"], torrent.body["selection"]);
    assert_eq!(torrent.body["selection"]["skip_fluff"], true);
    assert_eq!(torrent.body["selection"]["first_last_piece_first"], true);
}

#[tokio::test]
async fn dry_run_explains_another_rule_and_changes_nothing() {
    let world = World::new().await;
    let uri = added(&world, json!({})).await;
    let tried = world.post(&format!("{uri}/select?dry_run=true"), &json!({"exclude": ["F/film.*"]})).await;
    assert_eq!(tried.status, StatusCode::OK, "{}", tried.body);
    assert_eq!(tried.body["wanted_bytes"], 500);
    assert_eq!(decisions(&tried.body)[0].1, json!([null, null, null, 4]));
    let torrent = world.get(&uri).await;
    assert_eq!(torrent.body["selection"]["exclude"], json!([]));
    let beyond = json!({"priorities": [{"index": 0, "priority": 0}, {"index": 4, "priority": 0}]});
    let refused = world.post(&format!("{uri}/select?dry_run=true"), &beyond).await;
    refused.assert_problem(422, "invalid");
    assert_eq!(refused.faults(), [("/priorities/1/index".to_owned(), "invalid".to_owned())]);
    let taken = world.post(&format!("{uri}/select"), &json!({"skip_fluff": true})).await;
    assert_eq!((taken.status, &taken.body["selection"]["skip_fluff"]), (StatusCode::ACCEPTED, &json!(true)));
}

#[tokio::test]
async fn rule_of_a_magnet_has_no_files_to_be_explained_with() {
    let world = World::new().await;
    let added = world.post("/v1/torrents", &json!({"magnet": magnet(1), "skip_fluff": true})).await;
    let explained = world.get(&format!("/v1/torrents/{}/selection", added.id())).await;
    assert_eq!((explained.status, &explained.body["items"]), (StatusCode::OK, &json!([])));
    assert_eq!(explained.body["selection"]["skip_fluff"], true);
    world.get("/v1/torrents/x/selection").await.assert_problem(404, "not_found");
    let nobody = world.post(&format!("/v1/torrents/{:040x}/select?dry_run=true", 9), &json!({})).await;
    nobody.assert_problem(404, "not_found");
}
