//! The setup: one token, one key, whoever else tries.

use std::time::Duration;

use revaer_application::{
    AccessFollower, Clock, IssuedKey, ServerKey, SetupError, SetupToken, TOKEN_VALIDITY,
};
use revaer_domain::api_key::Scope;
use revaer_domain::setup::{Outcome, Phase};
use rstest::rstest;

use crate::support::{Process, World, operator};

async fn complete(process: &Process, token: &str) -> Result<IssuedKey, SetupError> {
    let (name, label) = ("home".parse().unwrap(), "first".parse().unwrap());
    process.application.complete_setup(token, name, label, &operator(None)).await
}

async fn start(process: &Process) -> String {
    let issued = process.application.start_setup(TOKEN_VALIDITY, &operator(None)).await.unwrap();
    issued.token.expose().to_owned()
}

async fn kinds(world: &World) -> Vec<String> {
    world.facts().await.into_iter().map(|fact| fact.kind).collect()
}

#[tokio::test]
async fn token_is_exchanged_for_a_key_that_may_do_everything() {
    let world = World::new().await;
    let process = world.process().await;
    assert_eq!(process.application.setup().phase, Phase::Required);
    let token = start(&process).await;
    let view = process.application.setup();
    assert_eq!(
        (view.phase, view.token_expires_at),
        (Phase::TokenIssued, Some(world.clock.now() + TOKEN_VALIDITY))
    );
    let issued = complete(&process, &token).await.unwrap();
    let principal = process.application.authenticate(issued.secret.expose(), world.clock.now()).unwrap();
    assert_eq!((&*principal.actor, principal.scope), ("key first", Scope::Admin));
    assert!(process.application.is_set_up());
    let expected =
        ["setup.token_issued", "settings.changed", "api_key.issued", "setup.attempted", "setup.completed"];
    assert_eq!(kinds(&world).await, expected);
    assert_eq!(process.application.settings().now().recorded.instance.name, "home");
    assert!(matches!(complete(&process, &token).await, Err(SetupError::Complete)));
    let again = process.application.start_setup(TOKEN_VALIDITY, &operator(None)).await;
    assert!(matches!(again, Err(SetupError::Complete)));
    let next = world.process().await;
    let _follower = AccessFollower::open(next.application.clone()).await.unwrap();
    assert!(next.application.is_set_up());
}

#[rstest]
#[case::wrong(Outcome::WrongToken)]
#[case::expired(Outcome::ExpiredToken)]
#[case::replaced(Outcome::UsedToken)]
#[tokio::test]
async fn token_that_fails_is_told_apart_and_recorded(#[case] outcome: Outcome) {
    let world = World::new().await;
    let process = world.process().await;
    let token = start(&process).await;
    let token = match outcome {
        Outcome::WrongToken => format!("{token}x"),
        Outcome::ExpiredToken => {
            world.clock.pass(TOKEN_VALIDITY);
            token
        }
        _ => {
            start(&process).await;
            token
        }
    };
    let refused = complete(&process, &token).await;
    assert!(matches!(refused, Err(SetupError::Token(why)) if why == outcome), "{refused:?}");
    assert_eq!(process.application.setup().failed_attempts, 1);
    assert_eq!(kinds(&world).await.last().unwrap(), "setup.attempted");
    assert_eq!(process.application.settings().now().version, 0, "nobody but who has the token names it");
    assert_eq!(process.application.keys(None, 10), []);
}

#[tokio::test]
async fn token_is_used_once_also_by_two_processes_at_the_same_moment() {
    let world = World::new().await;
    let (one, other) = (world.process().await, world.process().await);
    let token = start(&one).await;
    let attempts = tokio::join!(
        complete(&one, &token),
        complete(&other, &token),
        complete(&one, &token),
        complete(&other, &token)
    );
    let attempts = [attempts.0, attempts.1, attempts.2, attempts.3];
    let won: Vec<_> = attempts.iter().flatten().collect();
    assert_eq!(won.len(), 1, "{attempts:?}");
    assert!(attempts.iter().filter_map(|it| it.as_ref().err()).all(|it| matches!(it, SetupError::Complete)));
    let next = world.process().await;
    let _follower = AccessFollower::open(next.application.clone()).await.unwrap();
    let live: Vec<_> = next.application.keys(None, 10).into_iter().map(|key| key.id).collect();
    assert_eq!(live, [won[0].key.id], "whoever lost left no key");
    let completed = kinds(&world).await.into_iter().filter(|kind| kind == "setup.completed").count();
    assert_eq!(completed, 1);
}

#[tokio::test]
async fn token_of_a_file_needs_no_start() {
    let world = World::new().await;
    let process = world.process().await;
    let token = "0123456789abcdefghijklmnop";
    assert!(!process.application.is_token_of_file(token));
    process.application.accept_setup_token(&SetupToken::read(token).unwrap());
    assert!(process.application.is_token_of_file(token));
    assert!(matches!(complete(&process, "else").await, Err(SetupError::Token(Outcome::WrongToken))));
    assert!(complete(&process, token).await.is_ok());
}

#[tokio::test]
async fn token_is_in_no_fact_and_nowhere_in_the_database() {
    let world = World::new().await;
    let process = world.process().await;
    let token = start(&process).await;
    let issued = complete(&process, &token).await.unwrap();
    let dump = world.dump().await;
    for secret in [token.as_str(), issued.secret.expose()] {
        // Its last 43 characters; among them may be the sign that parts it from what is no secret.
        assert!(!dump.contains(&secret[secret.len() - 43..]));
    }
}

#[tokio::test]
async fn another_server_key_accepts_nothing() {
    let mut world = World::new().await;
    let process = world.process().await;
    let issued = complete(&process, &start(&process).await).await.unwrap();
    world.server_key = ServerKey::draw();
    let other = world.process().await;
    let _follower = AccessFollower::open(other.application.clone()).await.unwrap();
    assert!(other.application.authenticate(issued.secret.expose(), world.clock.now()).is_err());
}

#[tokio::test]
async fn validity_is_what_was_asked_for() {
    let world = World::new().await;
    let process = world.process().await;
    let validity = Duration::from_mins(1);
    let issued = process.application.start_setup(validity, &operator(None)).await.unwrap();
    world.clock.pass(validity);
    let refused = complete(&process, issued.token.expose()).await;
    assert!(matches!(refused, Err(SetupError::Token(Outcome::ExpiredToken))));
}
