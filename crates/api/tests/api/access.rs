//! Who may ask: the setup first, then keys with their scopes.

use poem::http::{Method, StatusCode};
use poem::{Request, Response};
use revaer_api::Limits;
use revaer_domain::api_key::{RequestLimit, Scope};
use rstest::rstest;
use serde_json::{Value, json};

use crate::stream::Stream;
use crate::world::{Answer, BOUND, World, bearer, magnet, post, request};

const FORWARDED: [(&str, &str); 2] = [("x-forwarded-for", "127.0.0.1"), ("forwarded", "for=127.0.0.1")];

async fn bare(world: &World, request: Request) -> Answer {
    world.ask_as(None, request).await
}

fn complete(token: &Value) -> String {
    json!({ "token": token, "instance_name": "home", "key_label": "first" }).to_string()
}

#[tokio::test]
async fn setup_comes_before_everything_and_ends_once() {
    let world = World::not_set_up(Limits::default()).await;
    for path in ["/health", "/openapi.json", "/docs", "/health/full"] {
        assert_eq!(bare(&world, request(Method::GET, path).finish()).await.status, StatusCode::OK, "{path}");
    }
    for path in ["/v1/torrents", "/v1/events", "/v1/api-keys", "/elsewhere"] {
        bare(&world, request(Method::GET, path).finish()).await.assert_problem(409, "setup_required");
        world
            .ask_as(Some("rvk_x"), request(Method::GET, path).finish())
            .await
            .assert_problem(409, "setup_required");
    }
    let started = bare(&world, request(Method::POST, "/v1/setup/start").finish()).await;
    assert_eq!(started.status, StatusCode::OK, "{}", started.body);
    let health = bare(&world, request(Method::GET, "/health/full").finish()).await.body;
    assert_eq!(
        (&health["setup"]["phase"], &health["setup"]["token_expires_at"]),
        (&json!("token_issued"), &started.body["expires_at"])
    );
    let body = complete(&started.body["token"]);
    let (one, other) = tokio::join!(
        bare(&world, post("/v1/setup/complete", &[], body.clone())),
        bare(&world, post("/v1/setup/complete", &[], body.clone())),
    );
    let (won, lost) = if one.status.is_success() { (one, other) } else { (other, one) };
    assert_eq!((won.status, &won.body["scope"]), (StatusCode::CREATED, &json!("admin")), "{}", won.body);
    assert_eq!(won.header("cache-control"), "no-store");
    lost.assert_problem(409, "setup_complete");
    bare(&world, post("/v1/setup/complete", &[], body)).await.assert_problem(409, "setup_complete");
    bare(&world, request(Method::POST, "/v1/setup/start").finish())
        .await
        .assert_problem(409, "setup_complete");
    let secret = won.body["secret"].as_str().expect("a secret");
    let keys = world.ask_as(Some(secret), request(Method::GET, "/v1/api-keys").finish()).await;
    assert_eq!((keys.status, &keys.body["items"][0]["id"]), (StatusCode::OK, &won.body["id"]));
    assert!(keys.body["items"][0].get("secret").is_none());
    bare(&world, request(Method::GET, "/health/full").finish()).await.assert_problem(401, "unauthenticated");
}

#[rstest]
#[case::by_the_old_header(FORWARDED[0])]
#[case::by_rfc_7239(FORWARDED[1])]
#[tokio::test]
async fn setup_through_a_proxy_is_refused(#[case] header: (&str, &str)) {
    let world = World::not_set_up(Limits::default()).await;
    let token = bare(&world, request(Method::POST, "/v1/setup/start").finish()).await.body["token"].clone();
    let start = request(Method::POST, "/v1/setup/start").header(header.0, header.1).finish();
    bare(&world, start).await.assert_problem(403, "setup_local_only");
    let through = post("/v1/setup/complete", &[header], complete(&token));
    bare(&world, through).await.assert_problem(403, "setup_local_only");
    let full = request(Method::GET, "/health/full").header(header.0, header.1).finish();
    bare(&world, full).await.assert_problem(409, "setup_required");
    assert!(bare(&world, post("/v1/setup/complete", &[], complete(&token))).await.status.is_success());
}

#[tokio::test]
async fn token_of_the_file_is_accepted_from_elsewhere() {
    let world = World::not_set_up(Limits::default()).await;
    let token = "0123456789abcdefghijklmnop";
    world.application.accept_setup_token(&revaer_application::SetupToken::read(token).expect("a token"));
    let wrong = post("/v1/setup/complete", &FORWARDED[..1], complete(&json!("wrong")));
    bare(&world, wrong).await.assert_problem(403, "setup_local_only");
    let right = post("/v1/setup/complete", &FORWARDED[..1], complete(&json!(token)));
    assert_eq!(bare(&world, right).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn tokens_that_fail_have_codes_of_their_own_and_five_attempts_a_minute() {
    let world =
        World::not_set_up(Limits { setup_token_validity: std::time::Duration::ZERO, ..Limits::default() })
            .await;
    let start =
        async || bare(&world, request(Method::POST, "/v1/setup/start").finish()).await.body["token"].clone();
    let (first, second) = (start().await, start().await);
    for (token, code) in
        [(&first, "setup_token_used"), (&second, "setup_token_expired"), (&json!("x"), "setup_token_wrong")]
    {
        bare(&world, post("/v1/setup/complete", &[], complete(token))).await.assert_problem(403, code);
    }
    let limited = bare(&world, post("/v1/setup/complete", &[], complete(&second))).await;
    limited.assert_problem(429, "rate_limited");
    assert!((1..=60).contains(&limited.header("retry-after").parse::<u32>().expect("seconds")));
    // Who is elsewhere has attempts of his own to use up.
    let elsewhere = post("/v1/setup/complete", &FORWARDED[..1], complete(&second));
    bare(&world, elsewhere).await.assert_problem(403, "setup_local_only");
    assert_eq!(world.application.setup().failed_attempts, 3);
}

#[tokio::test]
async fn page_that_pretends_to_be_here_cannot_set_up() {
    let world = World::not_set_up(Limits::default()).await;
    for (name, value) in [("host", "rebound.example:7070"), ("origin", "http://a.example")] {
        let start = request(Method::POST, "/v1/setup/start").header(name, value).finish();
        bare(&world, start).await.assert_problem(403, "foreign_origin");
    }
}

/// Every operation that needs a key, as a request that is well-formed enough to be let through to its operation.
fn operations() -> Vec<(Scope, Request)> {
    let id = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    let get = |path: String| (Scope::Read, request(Method::GET, &path).finish());
    let write = |scope, path: &str| (scope, post(path, &[], "{}"));
    vec![
        get("/health/full".to_owned()),
        get("/v1/torrents".to_owned()),
        get(format!("/v1/torrents/{id}")),
        get(format!("/v1/torrents/{id}/files")),
        get(format!("/v1/torrents/{id}/trackers")),
        get(format!("/v1/torrents/{id}/peers")),
        get(format!("/v1/torrents/{id}/history")),
        get("/v1/events?types=nothing".to_owned()),
        write(Scope::Control, "/v1/torrents"),
        write(Scope::Control, &format!("/v1/torrents/{id}/select")),
        write(Scope::Control, &format!("/v1/torrents/{id}/action")),
        write(Scope::Admin, "/v1/api-keys"),
        write(Scope::Admin, &format!("/v1/api-keys/{id}/rotate")),
        (Scope::Admin, request(Method::GET, "/v1/api-keys").finish()),
        (Scope::Admin, request(Method::DELETE, &format!("/v1/api-keys/{id}")).finish()),
    ]
}

async fn status(world: &World, secret: Option<&str>, mut request: Request) -> Response {
    if let Some(secret) = secret {
        request.headers_mut().insert("authorization", bearer(secret));
    }
    world.send_as_it_is(request).await
}

#[tokio::test]
async fn every_operation_asks_for_its_scope() {
    let world = World::new().await;
    for scope in Scope::ALL {
        let key = world.key(scope).await;
        for (needed, request) in operations() {
            let what = format!("{scope} {} {}", request.method(), request.uri());
            let status = status(&world, Some(key.secret.expose()), request).await.status();
            assert_eq!(status == StatusCode::FORBIDDEN, !scope.allows(needed), "{what}: {status}");
            assert_ne!(status, StatusCode::UNAUTHORIZED, "{what}");
        }
    }
    for (_, request) in operations() {
        let answer = bare(&world, request).await;
        answer.assert_problem(401, "unauthenticated");
        assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"revaer\"");
    }
}

#[tokio::test]
async fn without_a_key_no_method_of_any_path_does_anything() {
    let unlimited = RequestLimit::new(1_000_000, 1_000_000).expect("a limit");
    let world = World::with(Limits { anonymous_rate: unlimited, ..Limits::default() }).await;
    let document: Value = serde_json::from_str(&revaer_api::document()).expect("JSON");
    let open = ["/health", "/v1/setup/start", "/v1/setup/complete"];
    for (path, operations) in document["paths"].as_object().expect("paths") {
        let uri = path.replace("{id}", "01ARZ3NDEKTSV4RRFFQ69G5FAV");
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"] {
            if open.contains(&path.as_str()) {
                continue;
            }
            let asked = if method == "HEAD" { "get" } else { &method.to_lowercase() };
            let expected = if operations.get(asked).is_some() { 401 } else { 405 };
            let request = request(method.parse().expect("a method"), &uri).finish();
            let answer = world.send_as_it_is(request).await;
            assert_eq!(answer.status().as_u16(), expected, "{method} {uri}");
        }
    }
}

#[tokio::test]
async fn key_that_is_not_accepted_is_told_apart_from_none() {
    let world = World::new().await;
    let key = world.key(Scope::Read).await;
    let secret = key.secret.expose();
    for wrong in ["nonsense", &secret[..secret.len() - 1], &format!("{secret}x")] {
        let answer = world.ask_as(Some(wrong), request(Method::GET, "/v1/torrents").finish()).await;
        answer.assert_problem(401, "unauthenticated");
        assert!(answer.header("www-authenticate").contains("invalid_token"));
        assert!(!answer.body.to_string().contains(wrong), "no secret is repeated");
    }
    let basic =
        request(Method::GET, "/v1/torrents").header("authorization", format!("Basic {secret}")).finish();
    bare(&world, basic).await.assert_problem(401, "unauthenticated");
}

#[tokio::test]
async fn key_is_issued_listed_rotated_and_revoked() {
    let world = World::new().await;
    let limit = json!({ "requests_per_second": 5, "burst": 7 });
    let ask = json!({ "label": "ops", "scope": "control", "expires_at": "2100-01-02T03:04:05Z", "rate_limit": limit });
    let issued = world.post_with("/v1/api-keys", &[("idempotency-key", "k")], &ask).await;
    assert_eq!(issued.status, StatusCode::CREATED, "{}", issued.body);
    assert!(issued.position() > 0);
    let (id, secret) =
        (issued.body["id"].as_str().expect("an id"), issued.body["secret"].as_str().expect("one"));
    let again = world.post_with("/v1/api-keys", &[("idempotency-key", "k")], &ask).await;
    again.assert_problem(409, "secret_shown");
    assert!(!again.body.to_string().contains(secret));

    let list = || request(Method::GET, "/v1/torrents").finish();
    let used = world.ask_as(Some(secret), list()).await;
    assert_eq!((used.status, used.header("x-ratelimit-limit")), (StatusCode::OK, "7"));
    let keys = world.get("/v1/api-keys?limit=1").await;
    assert_eq!(keys.body["items"].as_array().expect("a list").len(), 1);
    let next = keys.body["next_cursor"].as_str().expect("another page");
    let keys = world.get(&format!("/v1/api-keys?cursor={next}")).await;
    let key = &keys.body["items"][0];
    assert_eq!((&key["id"], &key["label"], &key["rate_limit"]), (&json!(id), &json!("ops"), &limit));
    assert_eq!(
        (&key["expires_at"], &keys.body["next_cursor"]),
        (&json!("2100-01-02T03:04:05Z"), &Value::Null)
    );
    assert!(key["last_used_at"].is_string() && !keys.body.to_string().contains(secret));

    let rotated = world.post(&format!("/v1/api-keys/{id}/rotate"), &json!({ "grace_seconds": 60 })).await;
    assert_eq!(rotated.status, StatusCode::CREATED, "{}", rotated.body);
    let newer = rotated.body["secret"].as_str().expect("a secret");
    for secret in [secret, newer] {
        assert_eq!(world.ask_as(Some(secret), list()).await.status, StatusCode::OK);
    }
    world.post(&format!("/v1/api-keys/{id}/rotate"), &json!({ "grace_seconds": 0 })).await;
    world.ask_as(Some(newer), list()).await.assert_problem(401, "unauthenticated");

    let revoke = || request(Method::DELETE, &format!("/v1/api-keys/{id}")).finish();
    let revoked = world.ask(revoke()).await;
    assert_eq!((revoked.status, revoked.position() > 0), (StatusCode::NO_CONTENT, true));
    assert_eq!(world.ask(revoke()).await.status, StatusCode::NO_CONTENT);
    world.post(&format!("/v1/api-keys/{id}/rotate"), &json!({})).await.assert_problem(404, "not_found");
    world.ask(request(Method::DELETE, "/v1/api-keys/x").finish()).await.assert_problem(404, "not_found");
}

#[rstest]
#[case::nothing(json!({}), &["/label", "/scope"])]
#[case::nonsense(json!({ "label": "a/b", "scope": "root", "expires_at": "soon" }), &["/label", "/scope", "/expires_at"])]
#[case::limit(json!({ "label": "a", "scope": "read", "rate_limit": { "requests_per_second": 0, "burst": 2_000_000 } }), &["/rate_limit/requests_per_second", "/rate_limit/burst"])]
#[case::past(json!({ "label": "a", "scope": "read", "expires_at": "2000-01-01T00:00:00Z" }), &["/expires_at"])]
#[case::unknown(json!({ "label": "a", "scope": "read", "secret": "mine" }), &["/secret"])]
#[tokio::test]
async fn every_failed_field_of_an_issue_is_named(#[case] body: Value, #[case] pointers: &[&str]) {
    let world = World::new().await;
    let answer = world.post("/v1/api-keys", &body).await;
    answer.assert_problem(422, "invalid");
    let named: Vec<_> = answer.faults().into_iter().map(|(pointer, _)| pointer).collect();
    assert_eq!(named, pointers);
}

#[tokio::test]
async fn last_key_that_may_do_everything_is_not_revoked() {
    let world = World::new().await;
    let id = world.get("/v1/api-keys").await.body["items"][0]["id"].as_str().expect("an id").to_owned();
    let revoke = request(Method::DELETE, &format!("/v1/api-keys/{id}")).finish();
    world.ask(revoke).await.assert_problem(409, "last_admin_key");
}

#[tokio::test]
async fn facts_say_which_key_gave_the_command() {
    let world = World::new().await;
    let key = world.key(Scope::Control).await;
    let add = post("/v1/torrents", &[], json!({ "magnet": magnet(1) }).to_string());
    let added = world.ask_as(Some(key.secret.expose()), add).await;
    assert_eq!(added.status, StatusCode::CREATED);
    let history = world.get(&format!("/v1/torrents/{}/history", added.id())).await;
    assert_eq!(history.body["items"][0]["actor"], "key control");
}

#[tokio::test]
async fn stream_of_a_revoked_key_ends_within_two_seconds() {
    let mut world = World::new().await;
    let admin = world.secret.replace(world.key(Scope::Read).await.secret.expose().to_owned());
    let reader =
        world.application.keys(None, 10).into_iter().find(|key| key.label == "read").expect("is there");
    let mut stream = Stream::open(&world, "", None).await;
    stream.frame().await.expect("opens");
    world.secret = admin;
    let mut other = Stream::open(&world, "?types=torrent.*", None).await;
    other.frame().await.expect("opens");
    let revoke = request(Method::DELETE, &format!("/v1/api-keys/{}", reader.id)).finish();
    assert_eq!(world.ask(revoke).await.status, StatusCode::NO_CONTENT);
    let rest = async { while stream.frame().await.is_some() {} };
    tokio::time::timeout(std::time::Duration::from_secs(2), rest).await.expect("the stream ends");
    world.add(1).await;
    let next = tokio::time::timeout(BOUND, other.frame()).await.expect("others go on").expect("an event");
    assert_eq!(next.event.as_deref(), Some("torrent.added"));
}

#[tokio::test]
async fn stream_ends_when_its_key_does() {
    let mut world = World::new().await;
    let soon =
        time::OffsetDateTime::UNIX_EPOCH + std::time::SystemTime::UNIX_EPOCH.elapsed().expect("a time");
    let soon =
        (soon + std::time::Duration::from_secs(1)).format(&time::format_description::well_known::Rfc3339);
    let ask = json!({ "label": "short", "scope": "read", "expires_at": soon.expect("a time") });
    let issued = world.post("/v1/api-keys", &ask).await;
    world.secret = Some(issued.body["secret"].as_str().expect("a secret").to_owned());
    let mut stream = Stream::open(&world, "", None).await;
    let all = async { while stream.frame().await.is_some() {} };
    tokio::time::timeout(BOUND, all).await.expect("the stream ends by itself");
    world.get("/v1/torrents").await.assert_problem(401, "unauthenticated");
}
