//! Settings across processes, requests that come again, and the past.

use revaer_application::{At, CommandError, SettingsError, SettingsFollower};
use revaer_domain::settings::Refused;
use revaer_event_log::{Append, NewFact, Position, StreamId};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::support::{PATIENCE, World, operator};

#[tokio::test]
async fn follower_of_a_section_is_woken_by_another_process_and_by_its_section_alone() {
    let world = World::new().await;
    let (one, other) = (world.process().await, world.process().await);
    tokio::spawn(SettingsFollower::new(other.application.clone()).run(CancellationToken::new()));
    let mut limits = other.application.settings().section(|settings| &settings.limits);
    let dht = json!({"engine": {"dht": true}});
    one.application.patch_settings(dht, &operator(None)).await.expect("changed");
    let rate = json!({"limits": {"download_bytes_per_second": 5_000_000}});
    let done = one.application.patch_settings(rate, &operator(None)).await.expect("changed");
    let (limits, now) = tokio::time::timeout(PATIENCE, limits.changed()).await.expect("told");
    assert_eq!(limits.download_bytes_per_second.map(u32::from), Some(5_000_000));
    assert_eq!((now.version, now.position), (2, done.position), "the change of the engine woke nobody");
    assert_eq!(now.recorded, done.settings);
}

#[tokio::test]
async fn of_two_patches_on_one_version_one_wins() {
    let world = World::new().await;
    let (one, other) = (world.process().await, world.process().await);
    let mut caller = operator(None);
    caller.if_match = Some(0);
    let (first, second) = tokio::join!(
        one.application.patch_settings(json!({"engine": {"dht": true}}), &caller),
        other.application.patch_settings(json!({"engine": {"lsd": true}}), &caller),
    );
    let lost = match (first, second) {
        (Ok(_), Err(lost)) | (Err(lost), Ok(_)) => lost,
        other => panic!("one wins: {other:?}"),
    };
    let stale = SettingsError::Command(CommandError::PreconditionFailed { actual: 1 });
    assert_eq!(lost.to_string(), stale.to_string());
    assert_eq!(world.facts().await.len(), 1);
}

#[tokio::test]
async fn repeated_patch_has_the_first_answer() {
    let world = World::new().await;
    let process = world.process().await;
    let application = &process.application;
    let request = json!({"engine": {"dht": true}});
    let first = application.patch_settings(request.clone(), &operator(Some("k"))).await.expect("changed");
    application.patch_settings(json!({"engine": {"dht": false}}), &operator(None)).await.expect("changed");
    let again = application.patch_settings(request, &operator(Some("k"))).await.expect("answered");
    assert!(again.repeated);
    assert_eq!((again.settings, again.version, again.position), (first.settings, 1, first.position));
    let other = application.patch_settings(json!({}), &operator(Some("k"))).await;
    assert!(matches!(other, Err(SettingsError::Command(CommandError::KeyReused))));
}

#[tokio::test]
async fn preview_records_nothing() {
    let world = World::new().await;
    let process = world.process().await;
    let (request, caller) = (json!({"engine": {"dht": true}}), operator(None));
    let preview = process.application.preview_settings(request, &caller).await.expect("fits");
    assert!(preview.settings.engine.dht);
    assert_eq!((preview.version, preview.changes.len()), (0, 1));
    assert!(world.facts().await.is_empty());
    assert!(!process.application.settings().now().in_force.engine.dht);
}

#[tokio::test]
async fn past_is_told_and_taken_back() {
    let world = World::new().await;
    let process = world.process().await;
    let application = &process.application;
    let change = async |rate: u32| {
        let request = json!({"limits": {"upload_bytes_per_second": rate}});
        application.patch_settings(request, &operator(None)).await.expect("changed")
    };
    let first = change(1).await;
    let then = application.settings_at(At::Position(first.position)).await.expect("told");
    assert_eq!(then.recorded, first.settings);
    let reverted = application.revert_settings(first.position, &operator(None)).await.expect("reverted");
    assert_eq!(reverted.settings.limits.upload_bytes_per_second, None);
    change(2).await;
    let refused = application.revert_settings(first.position, &operator(None)).await;
    assert!(matches!(refused, Err(SettingsError::Refused(Refused::Overwritten(_)))), "{refused:?}");
    let unknown = application.revert_settings(Position(first.position.0 + 100), &operator(None)).await;
    assert!(matches!(unknown, Err(SettingsError::NoSuchChange)));
    let history = application.settings_history(0, 10).await.expect("told");
    let reverts: Vec<_> = history.iter().map(|change| change.changed.reverts).collect();
    assert_eq!(reverts, [None, Some(first.position.0), None]);
    assert_eq!(history[0].metadata.as_ref().map(|metadata| metadata.actor.as_str()), Some("operator"));
}

#[tokio::test]
async fn history_of_an_older_shape_is_read() {
    let world = World::new().await;
    let process = world.process().await;
    let old = NewFact {
        kind: "settings.changed".into(),
        schema_version: 0,
        data: r#"{"key":"limits.download_bytes_per_second","from":null,"to":5000000}"#.to_owned(),
        meta: r#"{"actor":"operator","request_id":null,"correlation_id":"c","causation_id":null}"#.to_owned(),
    };
    let append = Append {
        stream: StreamId::new("settings").expect("a stream"),
        expected: 0,
        facts: vec![old],
        command: None,
        claims: Vec::new(),
        releases: Vec::new(),
    };
    let appended = process.application.log().append(append).await.expect("appended");
    let now = process.application.refresh_settings().await.expect("read");
    assert_eq!(now.recorded.limits.download_bytes_per_second.map(u32::from), Some(5_000_000));
    let done =
        process.application.revert_settings(appended.position, &operator(None)).await.expect("reverted");
    assert_eq!(done.settings.limits.download_bytes_per_second, None);
}
