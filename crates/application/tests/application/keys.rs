//! Keys: what authenticates, who notices a change, and what is kept of a secret.

use std::time::Duration;

use revaer_application::{
    AccessFollower, AuthFailure, Clock, CommandError, IssueKey, IssuedKey, KeyError, Principal, UseRecorder,
};
use revaer_domain::api_key::{KeyRefused, Scope};
use revaer_domain::values::KeyId;
use rstest::rstest;
use tokio_util::sync::CancellationToken;

use crate::support::{PATIENCE, Process, World, metadata, operator};

fn ask(scope: Scope) -> IssueKey {
    IssueKey { label: "laptop".parse().unwrap(), scope, expires_at: None, rate_limit: None }
}

async fn issue(process: &Process, scope: Scope) -> IssuedKey {
    process.application.issue_key(ask(scope), &operator(None)).await.unwrap()
}

fn enter(world: &World, process: &Process, secret: &str) -> Result<Principal, AuthFailure> {
    process.application.authenticate(secret, world.clock.now())
}

#[rstest]
#[case::read(Scope::Read)]
#[case::control(Scope::Control)]
#[case::admin(Scope::Admin)]
#[tokio::test]
async fn key_authenticates_with_its_secret_alone(#[case] scope: Scope) {
    let world = World::new().await;
    let process = world.process().await;
    let issued = issue(&process, scope).await;
    let secret = issued.secret.expose();
    let principal = enter(&world, &process, secret).unwrap();
    assert_eq!((&*principal.actor, principal.key_id, principal.scope), ("key laptop", issued.key.id, scope));
    let other = issue(&process, scope).await;
    let (id, random) = secret.rsplit_once('_').unwrap();
    let foreign = other.secret.expose().rsplit_once('_').unwrap().1;
    let flipped = if random.starts_with('A') { "B" } else { "A" };
    for wrong in ["", "nonsense", &format!("{id}_{foreign}"), &format!("{id}_{flipped}{}", &random[1..])] {
        assert_eq!(enter(&world, &process, wrong).unwrap_err(), AuthFailure::Unknown, "{wrong}");
    }
}

#[tokio::test]
async fn key_ends_when_its_time_is_over() {
    let world = World::new().await;
    let process = world.process().await;
    let ends = world.clock.now() + Duration::from_mins(1);
    let ask = IssueKey { expires_at: Some(ends), ..ask(Scope::Read) };
    let issued = process.application.issue_key(ask.clone(), &operator(None)).await.unwrap();
    assert_eq!(enter(&world, &process, issued.secret.expose()).unwrap().valid_until, Some(ends));
    world.clock.pass(Duration::from_mins(1));
    assert_eq!(enter(&world, &process, issued.secret.expose()).unwrap_err(), AuthFailure::Expired);
    let late = process.application.issue_key(ask, &operator(None)).await;
    assert!(matches!(late, Err(KeyError::Refused(KeyRefused::ExpiresInThePast))));
}

#[tokio::test]
async fn old_secret_is_accepted_for_the_time_of_grace() {
    let world = World::new().await;
    let process = world.process().await;
    let old = issue(&process, Scope::Control).await;
    let id = old.key.id;
    let came_in_before = enter(&world, &process, old.secret.expose()).unwrap();
    let rotated = process.application.rotate_key(id, Duration::from_mins(1), &operator(None)).await.unwrap();
    assert!(came_in_before.ended.is_cancelled(), "what lasts comes back, with either secret");
    let came_back = enter(&world, &process, old.secret.expose()).unwrap();
    assert_eq!(came_back.valid_until, Some(world.clock.now() + Duration::from_mins(1)));
    assert!(!came_back.ended.is_cancelled());
    assert_eq!(enter(&world, &process, rotated.secret.expose()).unwrap().valid_until, None);
    world.clock.pass(Duration::from_mins(1));
    assert_eq!(enter(&world, &process, old.secret.expose()).unwrap_err(), AuthFailure::Expired);
    assert!(enter(&world, &process, rotated.secret.expose()).is_ok());
    let at_once = process.application.rotate_key(id, Duration::ZERO, &operator(None)).await.unwrap();
    assert!(enter(&world, &process, rotated.secret.expose()).is_err());
    assert!(enter(&world, &process, at_once.secret.expose()).is_ok());
    process.application.revoke_key(id, &operator(None)).await.unwrap();
    assert!(came_back.ended.is_cancelled());
}

#[tokio::test]
async fn revocation_holds_at_once_and_is_noticed_by_other_processes() {
    let world = World::new().await;
    let (one, other) = (world.process().await, world.process().await);
    let follower = AccessFollower::open(other.application.clone()).await.unwrap();
    let shutdown = CancellationToken::new();
    let following = tokio::spawn(follower.run(shutdown.clone()));
    let issued = issue(&one, Scope::Read).await;
    let secret = issued.secret.expose();
    let noticed = async {
        while enter(&world, &other, secret).is_err() {
            tokio::task::yield_now().await;
        }
        enter(&world, &other, secret).unwrap()
    };
    let principal = tokio::time::timeout(PATIENCE, noticed).await.expect("a new key is noticed");
    one.application.revoke_key(issued.key.id, &operator(None)).await.unwrap();
    assert_eq!(enter(&world, &one, secret).unwrap_err(), AuthFailure::Unknown);
    tokio::time::timeout(PATIENCE, principal.ended.cancelled()).await.expect("a revocation is noticed");
    assert!(enter(&world, &other, secret).is_err());
    shutdown.cancel();
    following.await.unwrap();
}

#[tokio::test]
async fn process_that_starts_knows_the_keys_that_are_live() {
    let world = World::new().await;
    let process = world.process().await;
    let (kept, gone) = (issue(&process, Scope::Read).await, issue(&process, Scope::Read).await);
    process.application.revoke_key(gone.key.id, &operator(None)).await.unwrap();
    let next = world.process().await;
    assert!(enter(&world, &next, kept.secret.expose()).is_err(), "nothing is known before it is read");
    let _follower = AccessFollower::open(next.application.clone()).await.unwrap();
    assert_eq!(next.application.keys(None, 10), std::slice::from_ref(&kept.key));
    assert_eq!(next.application.keys(Some(kept.key.id), 10), []);
    assert!(enter(&world, &next, kept.secret.expose()).is_ok());
    assert!(enter(&world, &next, gone.secret.expose()).is_err());
}

#[tokio::test]
async fn repeat_with_the_same_key_issues_nothing_and_shows_nothing() {
    let world = World::new().await;
    let process = world.process().await;
    let caller = operator(Some("k"));
    process.application.issue_key(ask(Scope::Read), &caller).await.unwrap();
    let again = process.application.issue_key(ask(Scope::Read), &caller).await;
    assert!(matches!(again, Err(KeyError::AlreadyAnswered)));
    let other = process.application.issue_key(ask(Scope::Control), &caller).await;
    assert!(matches!(other, Err(KeyError::Command(CommandError::KeyReused))));
    assert_eq!(process.application.keys(None, 10).len(), 1);
}

#[tokio::test]
async fn revocation_may_be_repeated_and_its_key_never_comes_back() {
    let world = World::new().await;
    let process = world.process().await;
    let issued = issue(&process, Scope::Read).await;
    let id = issued.key.id;
    let revoke = async |key| process.application.revoke_key(id, &operator(key)).await.unwrap();
    let position = revoke(Some("k")).await;
    assert_eq!((revoke(Some("k")).await, revoke(None).await), (position, position));
    let rotated = process.application.rotate_key(id, Duration::ZERO, &operator(None)).await;
    assert!(matches!(rotated, Err(KeyError::Refused(KeyRefused::Revoked))));
    let absent = KeyId::new(process.application.clock().ulid());
    let absent = process.application.revoke_key(absent, &operator(None)).await;
    assert!(matches!(absent, Err(KeyError::Refused(KeyRefused::Absent))));
}

#[tokio::test]
async fn last_key_that_may_do_everything_stays() {
    let world = World::new().await;
    let process = world.process().await;
    let revoke = async |key: &IssuedKey| process.application.revoke_key(key.key.id, &operator(None)).await;
    let (one, other) = (issue(&process, Scope::Admin).await, issue(&process, Scope::Admin).await);
    issue(&process, Scope::Control).await;
    let (first, second) = tokio::join!(revoke(&one), revoke(&other));
    let refused = [&first, &second].iter().filter(|it| matches!(it, Err(KeyError::LastAdmin))).count();
    assert_eq!(refused, 1, "{first:?} {second:?}");
}

#[tokio::test]
async fn secret_is_in_no_fact_and_nowhere_in_the_database() {
    let world = World::new().await;
    let process = world.process().await;
    let issued = issue(&process, Scope::Admin).await;
    let rotated = process
        .application
        .rotate_key(issued.key.id, Duration::from_mins(1), &operator(Some("k")))
        .await
        .unwrap();
    let dump = world.dump().await;
    assert!(dump.contains(&issued.key.fingerprint), "the fingerprint is what stands for it");
    for secret in [&issued.secret, &rotated.secret] {
        // Its last 43 characters; among them may be the sign that parts it from what is no secret.
        let random = &secret.expose()[secret.expose().len() - 43..];
        assert!(!dump.contains(random));
        assert!(!format!("{secret:?}").contains(random));
    }
}

#[tokio::test]
async fn facts_name_the_key_that_gave_the_command() {
    let world = World::new().await;
    let process = world.process().await;
    let issued = issue(&process, Scope::Admin).await;
    let principal = enter(&world, &process, issued.secret.expose()).unwrap();
    let mut caller = operator(Some("k"));
    caller.actor = principal.actor.to_string();
    caller.key_id = Some(principal.key_id);
    process.application.issue_key(ask(Scope::Read), &caller).await.unwrap();
    let facts = world.facts().await;
    let by = metadata(facts.last().unwrap());
    assert_eq!((by.actor.as_str(), by.key_id), ("key laptop", Some(issued.key.id)));
    // Another key of the same label has idempotency keys of its own.
    caller.key_id = Some(issue(&process, Scope::Admin).await.key.id);
    process.application.issue_key(ask(Scope::Read), &caller).await.unwrap();
}

#[tokio::test]
async fn last_use_is_written_down_and_read_by_the_next_process() {
    let world = World::new().await;
    let process = world.process().await;
    let issued = issue(&process, Scope::Read).await;
    assert_eq!(issued.key.last_used_at, None);
    enter(&world, &process, issued.secret.expose()).unwrap();
    let at = world.clock.now();
    assert_eq!(process.application.keys(None, 1)[0].last_used_at, Some(at));
    let ended = CancellationToken::new();
    ended.cancel();
    UseRecorder::new(process.application.clone()).run(ended).await;
    let next = world.process().await;
    let _follower = AccessFollower::open(next.application.clone()).await.unwrap();
    assert_eq!(next.application.keys(None, 1)[0].last_used_at, Some(at));
}
