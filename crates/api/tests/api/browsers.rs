//! What a browser is told, and what keeps it from serving a page that it should not serve.

use poem::http::{Method, StatusCode};
use revaer_api::{Access, Limits};
use rstest::rstest;
use serde_json::json;

use crate::world::{Answer, World, magnet, post, request};

const PAGE: &str = "https://panel.example:8443";

async fn world_of_a_page() -> World {
    let access = Access { cors_origins: vec![PAGE.to_owned()], ..Access::default() };
    World::with_access(Limits::default(), access).await
}

fn admits(answer: &Answer) -> bool {
    answer.headers.keys().any(|name| name.as_str().starts_with("access-control-"))
}

#[rstest]
#[case::success("/health", 200)]
#[case::refusal("/v1/torrents?limit=0", 422)]
#[case::nothing_there("/nowhere", 404)]
#[case::document("/openapi.json", 200)]
#[tokio::test]
async fn every_answer_forbids_sniffing_framing_and_keeping(#[case] uri: &str, #[case] status: u16) {
    let world = World::new().await;
    let answer = world.get(uri).await;
    assert_eq!(answer.status, status);
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("x-frame-options"), "DENY");
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
    assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("content-security-policy"), "default-src 'none'; frame-ancestors 'none'");
    assert_eq!(answer.header("strict-transport-security"), "", "there is no TLS to insist on");
}

#[tokio::test]
async fn page_to_try_the_api_loads_nothing_from_elsewhere_and_is_in_no_frame() {
    let page = World::new().await.get("/docs").await;
    let policy = page.header("content-security-policy");
    assert!(policy.contains("default-src 'self'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert_eq!(page.header("x-frame-options"), "DENY");
}

#[tokio::test]
async fn origin_that_is_set_may_ask_and_read_headers() {
    let world = world_of_a_page().await;
    let add = json!({ "magnet": magnet(1) }).to_string();
    let added = world.ask(post("/v1/torrents", &[("host", "127.0.0.1:7070"), ("origin", PAGE)], add)).await;
    assert_eq!(added.status, StatusCode::CREATED);
    assert_eq!(added.header("access-control-allow-origin"), PAGE);
    assert!(added.header("access-control-expose-headers").contains("Revaer-Position"));
    assert_eq!(added.header("access-control-allow-credentials"), "", "a page brings its own key");
    assert_eq!(added.header("vary"), "Origin");
    assert_eq!(added.header("cross-origin-resource-policy"), "cross-origin");
    let refused = world
        .ask(request(Method::GET, "/nowhere").header("origin", PAGE).header("host", "127.0.0.1").finish())
        .await;
    refused.assert_problem(404, "not_found");
    assert_eq!(refused.header("access-control-allow-origin"), PAGE, "a page has to see its mistakes, too");
}

#[tokio::test]
async fn browser_that_asks_beforehand_learns_what_it_may_send() {
    let world = world_of_a_page().await;
    let ask = |origin: &str| {
        let ask = request(Method::OPTIONS, "/v1/torrents")
            .header("host", "127.0.0.1:7070")
            .header("origin", origin);
        ask.header("access-control-request-method", "POST").finish()
    };
    let told = world.ask(ask(PAGE)).await;
    assert_eq!(told.status, StatusCode::NO_CONTENT);
    assert_eq!(told.header("access-control-allow-origin"), PAGE);
    assert_eq!(told.header("access-control-allow-methods"), "GET, POST");
    assert!(told.header("access-control-allow-headers").contains("Authorization"));
    let refused = world.ask(ask("https://panel.example")).await;
    refused.assert_problem(403, "foreign_origin");
    assert!(!admits(&refused));
}

#[rstest]
#[case::another_port("https://panel.example:8444")]
#[case::another_scheme("http://panel.example:8443")]
#[case::longer("https://panel.example:8443.evil.example")]
#[case::beneath("https://sub.panel.example:8443")]
#[case::opaque("null")]
#[tokio::test]
async fn origin_that_only_resembles_one_is_foreign(#[case] origin: &str) {
    let world = world_of_a_page().await;
    let ask = request(Method::GET, "/v1/torrents").header("host", "127.0.0.1:7070").header("origin", origin);
    let refused = world.ask(ask.finish()).await;
    refused.assert_problem(403, "foreign_origin");
    assert!(!admits(&refused));
}

#[tokio::test]
async fn nobody_is_admitted_unless_it_is_set() {
    let world = World::new().await;
    let ask = request(Method::GET, "/health").header("host", "127.0.0.1:7070").header("origin", PAGE);
    let refused = world.ask(ask.finish()).await;
    refused.assert_problem(403, "foreign_origin");
    assert!(!admits(&refused));
    assert!(!admits(&world.get("/health").await));
}
