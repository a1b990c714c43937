//! What happens before a handler is reached, and around it: routes, methods, content types, sizes, ids. And the shape of each
//! kind of problem.

use poem::http::{Method, StatusCode};
use revaer_api::Limits;
use serde_json::json;

use crate::world::{Answer, World, base64, magnet, post, request};

/// The document alone, without what differs from run to run.
fn shape(answer: &Answer) -> serde_json::Value {
    let mut body = answer.body.clone();
    body["instance"] = "REQUEST".into();
    if body.get("id").is_some() {
        body["id"] = "TORRENT".into();
    }
    body
}

#[tokio::test]
async fn each_kind_of_problem_has_its_shape() {
    let world = World::new().await;
    let id = world.add(1).await;
    let action = format!("/v1/torrents/{id}/action");
    let mut shapes = serde_json::Map::new();
    let mut note = |name: &str, answer: &Answer| {
        assert_eq!(answer.header("content-type"), "application/problem+json", "{name}");
        shapes.insert(name.to_owned(), shape(answer));
    };
    note("no_route", &world.get("/nowhere").await);
    note("no_method", &world.ask(request(Method::DELETE, &action).finish()).await);
    note("no_json", &world.ask(post("/v1/torrents", &[], "{")).await);
    note("fields", &world.post("/v1/torrents", &json!({"magnet": "x", "labels": [1]})).await);
    note("parameters", &world.get("/v1/torrents?limit=0&colour=red").await);
    note("torrent_exists", &world.post("/v1/torrents", &json!({ "magnet": magnet(1) })).await);
    note("stale", &world.post_with(&action, &[("if-match", "\"9\"")], &json!({"action": "pause"})).await);
    note("state", &world.post(&action, &json!({"action": "recheck"})).await);
    note(
        "media_type",
        &world.ask(request(Method::POST, &action).content_type("text/plain").body("{}")).await,
    );
    insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false }, {
        insta::assert_json_snapshot!("problems", shapes);
    });
}

#[tokio::test]
async fn method_that_a_path_lacks_is_405_with_those_that_it_has() {
    let world = World::new().await;
    for (method, uri, allowed) in [
        (Method::DELETE, "/v1/torrents", "GET, POST"),
        (Method::PUT, "/v1/torrents/x", "GET"),
        (Method::GET, "/v1/torrents/x/action", "POST"),
        (Method::POST, "/v1/events", "GET"),
        (Method::POST, "/health", "GET"),
        (Method::POST, "/openapi.json", "GET"),
        (Method::POST, "/docs", "GET"),
    ] {
        let refused = world.ask(request(method, uri).finish()).await;
        refused.assert_problem(405, "method_not_allowed");
        assert_eq!(refused.header("allow"), allowed, "{uri}");
    }
}

#[tokio::test]
async fn content_types_that_are_not_read_are_415() {
    let world = World::new().await;
    for uri in ["/v1/torrents", "/v1/torrents/x/select", "/v1/torrents/x/action"] {
        for kind in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ";", "x"] {
            let refused = world.ask(request(Method::POST, uri).content_type(kind).body("{}")).await;
            refused.assert_problem(415, "unsupported_media_type");
        }
        world.ask(request(Method::POST, uri).body("{}")).await.assert_problem(415, "unsupported_media_type");
    }
    let charset = request(Method::POST, "/v1/torrents").content_type("Application/JSON; charset=utf-8");
    let added = world.ask(charset.body(json!({ "magnet": magnet(1) }).to_string())).await;
    assert_eq!(added.status, StatusCode::CREATED);
}

#[tokio::test]
async fn body_beyond_its_bound_is_413_without_being_read() {
    let limits = Limits { json_bytes_max: 1000, metainfo_bytes_max: 3000, ..Limits::default() };
    let world = World::with(limits).await;
    // A stream that never ends is the proof that nobody reads to its end.
    let endless = || {
        poem::Body::from_bytes_stream(futures::stream::repeat_with(|| {
            Ok::<_, std::io::Error>(bytes::Bytes::from_static(&[b' '; 100]))
        }))
    };
    for uri in ["/v1/torrents", "/v1/torrents/x/select", "/v1/torrents/x/action"] {
        world.ask(post(uri, &[], endless())).await.assert_problem(413, "too_large");
        let claimed = [("content-length", "999999999999")];
        world.ask(post(uri, &claimed, "{}")).await.assert_problem(413, "too_large");
    }
    let parts =
        request(Method::POST, "/v1/torrents").content_type("multipart/form-data; boundary=x").body(endless());
    world.ask(parts).await.assert_problem(413, "too_large");

    let file = base64(&[0; 3001]);
    world.post("/v1/torrents", &json!({ "metainfo": file })).await.assert_problem(413, "too_large");
}

#[tokio::test]
async fn headers_beyond_their_bound_are_431() {
    let world = World::new().await;
    let large = request(Method::GET, "/health").header("x-large", "x".repeat(16 << 10)).finish();
    world.ask(large).await.assert_problem(431, "too_large");
}

#[tokio::test]
async fn page_of_another_origin_may_neither_command_nor_read() {
    let world = World::new().await;
    let foreign = ("origin", "https://example.org");
    let add = json!({ "magnet": magnet(1) });
    let refused = world.post_with("/v1/torrents", &[foreign], &add).await;
    assert_eq!((refused.status, &refused.body["code"]), (StatusCode::FORBIDDEN, &json!("foreign_origin")));
    let refused = world.ask(request(Method::GET, "/v1/torrents").header(foreign.0, foreign.1).finish()).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(world.get("/v1/torrents").await.body["items"], json!([]));
}

/// A page whose name was made to point here has no key to show; who has one may call the service by any name.
#[tokio::test]
async fn service_may_be_called_by_any_name() {
    let world = World::new().await;
    let by_name = || request(Method::GET, "/v1/torrents").header("host", "nas.example:7070").finish();
    assert_eq!(world.ask(by_name()).await.status, StatusCode::OK);
    world.ask_as(None, by_name()).await.assert_problem(401, "unauthenticated");
}

#[tokio::test]
async fn multipart_that_does_not_parse_is_400() {
    let world = World::new().await;
    for (kind, body) in [
        ("multipart/form-data", "--x\r\n"),
        (
            "multipart/form-data; boundary=x",
            "--x\r\ncontent-disposition: form-data; name=\"torrent\"\r\n\r\ncut",
        ),
        ("multipart/form-data; boundary=x", "no parts"),
    ] {
        let refused = world.ask(request(Method::POST, "/v1/torrents").content_type(kind).body(body)).await;
        refused.assert_problem(400, "malformed");
    }
}

#[tokio::test]
async fn parts_beyond_their_bound_are_refused_with_what_is_wrong_so_far() {
    let world = World::new().await;
    let part = |name: usize| format!("--x\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n1\r\n");
    let body = (0..10_000).map(part).collect::<String>() + "--x--\r\n";
    let add =
        request(Method::POST, "/v1/torrents").content_type("multipart/form-data; boundary=x").body(body);
    let refused = world.ask(add).await;
    refused.assert_problem(422, "invalid");
    let places: Vec<_> = refused.faults().into_iter().map(|(place, _)| place).collect();
    assert_eq!(places, ["/0", "/1", "/2", "/3", "/4", "/5", "/6", "/7", ""]);
}

#[tokio::test]
async fn long_name_of_a_field_is_not_repeated() {
    let world = World::new().await;
    let (long, twice) = (format!("{{\"{}\": 1}}", "x".repeat(500_000)), "y".repeat(400_000));
    for body in [long, format!("{{\"{twice}\": 1, \"{twice}\": 2}}")] {
        let refused = world.ask(post("/v1/torrents", &[], body)).await;
        assert!(refused.status.is_client_error());
        assert!(refused.body.to_string().len() < 2000);
    }
}

#[tokio::test]
async fn request_id_is_the_clients_where_it_is_sane() {
    let world = World::new().await;
    let ask = |id: &str| request(Method::GET, "/health").header("x-request-id", id).finish();
    assert_eq!(world.ask(ask("abc-1.2:3_4")).await.header("x-request-id"), "abc-1.2:3_4");
    for id in ["a b", "\"quoted\"", &"x".repeat(129), ""] {
        let drawn = world.ask(ask(id)).await;
        assert!(drawn.header("x-request-id").parse::<ulid::Ulid>().is_ok(), "{id:?}");
    }
}
