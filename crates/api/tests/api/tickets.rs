//! Tickets: what a page in a browser opens a stream with.

use poem::http::{Method, StatusCode};
use revaer_api::Limits;
use revaer_application::Caller;
use revaer_domain::api_key::Scope;
use serde_json::Value;

use crate::world::{BOUND, World, request};

/// A ticket of a key.
async fn ticket(world: &World, secret: &str) -> String {
    let issued = world.ask_as(Some(secret), request(Method::POST, "/v1/events/tickets").finish()).await;
    assert_eq!(issued.status, StatusCode::CREATED, "{}", issued.body);
    assert_eq!(issued.header("cache-control"), "no-store");
    assert!(issued.body["expires_at"].is_string());
    issued.body["ticket"].as_str().expect("a ticket").to_owned()
}

async fn open(world: &World, ticket: &str) -> poem::Response {
    let uri = format!("/v1/events?after=0&ticket={ticket}");
    world.send_as_it_is(request(Method::GET, &uri).finish()).await
}

#[tokio::test]
async fn ticket_opens_one_stream_once_and_nothing_else() {
    let world = World::new().await;
    let key = world.key(Scope::Read).await;
    let ticket = ticket(&world, key.secret.expose()).await;
    let elsewhere = format!("/v1/torrents?ticket={ticket}");
    let refused = world.ask_as(None, request(Method::GET, &elsewhere).finish()).await;
    refused.assert_problem(401, "unauthenticated");
    let opened = open(&world, &ticket).await;
    assert_eq!(opened.status(), StatusCode::OK);
    assert_eq!(opened.content_type(), Some("text/event-stream"));
    let again = open(&world, &ticket).await;
    assert_eq!(again.status(), StatusCode::UNAUTHORIZED);
    let text = again.into_body().into_string().await.expect("reads");
    assert!(!text.contains(&ticket), "{text}");
}

#[tokio::test]
async fn nobody_gets_a_ticket_without_a_key_and_none_is_made_up() {
    let world = World::new().await;
    let refused = world.ask_as(None, request(Method::POST, "/v1/events/tickets").finish()).await;
    refused.assert_problem(401, "unauthenticated");
    for made_up in ["", "rvt_", "rvt_0123", "%00", "x&ticket=y"] {
        let refused = open(&world, made_up).await;
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED, "{made_up}");
    }
}

#[tokio::test]
async fn ticket_is_worth_nothing_when_its_time_or_its_key_has_ended() {
    let world = World::with(Limits { ticket_lifetime: std::time::Duration::ZERO, ..Limits::default() }).await;
    let key = world.key(Scope::Read).await;
    let late = ticket(&world, key.secret.expose()).await;
    assert_eq!(open(&world, &late).await.status(), StatusCode::UNAUTHORIZED);

    let world = World::new().await;
    let key = world.key(Scope::Read).await;
    let of_revoked = ticket(&world, key.secret.expose()).await;
    let caller = Caller::system("test", "test".to_owned(), None);
    world.application.revoke_key(key.key.id, &caller).await.expect("is revoked");
    assert_eq!(open(&world, &of_revoked).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn stream_of_a_ticket_ends_with_its_key() {
    let world = World::new().await;
    let key = world.key(Scope::Read).await;
    let opened = open(&world, &ticket(&world, key.secret.expose()).await).await;
    assert_eq!(opened.status(), StatusCode::OK);
    let caller = Caller::system("test", "test".to_owned(), None);
    world.application.revoke_key(key.key.id, &caller).await.expect("is revoked");
    let ended = tokio::time::timeout(BOUND, opened.into_body().into_vec()).await;
    ended.expect("the stream ends").expect("and in order");
}

#[tokio::test]
async fn document_says_what_a_ticket_is() {
    let document: Value = serde_json::from_str(&revaer_api::document()).expect("JSON");
    let issue = &document["paths"]["/v1/events/tickets"]["post"];
    assert!(issue["responses"]["201"]["content"]["application/json"].is_object());
}
