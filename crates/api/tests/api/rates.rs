//! How often may be asked: by a key, and without one.

use poem::Request;
use poem::http::{Method, StatusCode};
use revaer_api::Limits;
use revaer_domain::api_key::{RequestLimit, Scope};

use crate::world::{Answer, World, request};

fn numbers(answer: &Answer) -> [u64; 3] {
    ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"]
        .map(|name| answer.header(name).parse().unwrap_or_else(|_| panic!("no {name}")))
}

fn torrents() -> Request {
    request(Method::GET, "/v1/torrents").finish()
}

fn limit(requests_per_second: u32, burst: u32) -> RequestLimit {
    RequestLimit::new(requests_per_second, burst).expect("a limit")
}

#[tokio::test]
async fn key_is_told_what_is_left_and_when_to_go_on() {
    let world = World::with(Limits { key_rate: limit(1, 3), ..Limits::default() }).await;
    let (one, other) = (world.key(Scope::Read).await, world.key(Scope::Read).await);
    for remaining in [2, 1, 0] {
        let answer = world.ask_as(Some(one.secret.expose()), torrents()).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(numbers(&answer)[..2], [3, remaining]);
    }
    let answer = world.ask_as(Some(one.secret.expose()), torrents()).await;
    answer.assert_problem(429, "rate_limited");
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(numbers(&answer), [3, 0, 3]);
    let answer = world.ask_as(Some(other.secret.expose()), torrents()).await;
    assert_eq!(numbers(&answer)[..2], [3, 2], "each key has a bucket of its own");
}

#[tokio::test]
async fn refusals_count_and_every_answer_says_so() {
    let world = World::new().await;
    let key = world.key(Scope::Read).await;
    let mut left = u64::MAX;
    for (method, path) in [
        (Method::GET, "/v1/torrents"),
        (Method::POST, "/v1/torrents"),
        (Method::GET, "/v1/torrents/x"),
        (Method::POST, "/v1/torrents/x/action"),
        (Method::GET, "/elsewhere"),
        (Method::GET, "/v1/events?types=nothing"),
    ] {
        let asked = request(method, path).header("authorization", format!("Bearer {}", key.secret.expose()));
        let answer = world.send_as_it_is(asked.finish()).await;
        let remaining =
            answer.header("x-ratelimit-remaining").expect("every answer has it").parse().expect("a number");
        assert!(remaining < left || remaining >= 998, "{path}: {remaining} after {left}");
        left = remaining;
    }
}

#[tokio::test]
async fn whoever_tries_keys_gets_slower_and_a_right_key_is_let_in_all_the_same() {
    let world = World::with(Limits { anonymous_rate: limit(1, 3), ..Limits::default() }).await;
    let mut statuses = Vec::new();
    for _ in 0..5 {
        statuses.push(world.ask_as(Some("rvk_guess"), torrents()).await.status.as_u16());
    }
    assert_eq!(statuses, [401, 401, 401, 429, 429]);
    let health = world.ask_as(None, request(Method::GET, "/health").finish()).await;
    health.assert_problem(429, "rate_limited");
    assert_eq!(world.get("/v1/torrents").await.status, StatusCode::OK);
}
