//! Settings across processes, requests that come again, and the past.

use std::time::Duration;

use revaer_application::{
    At, Caller, Clock, CommandError, Override, SecretSweeper, SettingsError, SettingsFollower,
};
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
async fn what_is_wrong_at_any_version_is_told_before_the_version() {
    let world = World::new().await;
    let process = world.process().await;
    let stale = Caller { if_match: Some(7), ..operator(None) };
    let patch =
        async |request| process.application.patch_settings(request, &stale).await.expect_err("refused");
    let wrong = patch(json!({"engine": {"dht": 7}})).await;
    assert!(matches!(wrong, SettingsError::Refused(Refused::Invalid(_))), "{wrong:?}");
    for fits_or_not in [json!({"engine": {"dht": true}}), json!({"engine": {"proxy": {"kind": "http"}}})] {
        let refused = patch(fits_or_not).await;
        assert!(
            matches!(refused, SettingsError::Command(CommandError::PreconditionFailed { actual: 0 })),
            "{refused:?}"
        );
    }
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

#[tokio::test]
async fn secret_is_nowhere_in_plain_and_comes_back_with_a_revert() {
    let world = World::new().await;
    let process = world.process().await;
    let application = &process.application;
    let request = json!({"engine": {"proxy": {"username": "me", "password": "open sesame"}}});
    let done = application.patch_settings(request.clone(), &operator(Some("k"))).await.expect("changed");
    let password = done.settings.engine.proxy.password.expect("there is one");
    let again = application.patch_settings(request, &operator(Some("k"))).await.expect("answered");
    assert!(again.repeated);
    let gone = application.patch_settings(json!({"engine": {"proxy": null}}), &operator(None)).await;
    let gone = gone.expect("changed");
    application.revert_settings(gone.position, &operator(None)).await.expect("reverted");
    let now = application.settings().now();
    assert_eq!(now.in_force.engine.proxy.password, Some(password));
    let secret = application.secret(password).await.expect("asked").expect("kept");
    assert_eq!(secret.as_str(), "open sesame");
    assert!(!format!("{done:?}{now:?}").contains("sesame"));
    let tables = "SELECT string_agg(query_to_xml('SELECT * FROM ' || quote_ident(relname), false, false, '')::text, '')
                  FROM pg_stat_user_tables";
    let everything: String = sqlx::query_scalar(tables).fetch_one(&world.pool).await.expect("dumps");
    assert!(everything.contains(&password.fingerprint.to_string()));
    for form in ["open sesame", &hex::encode("open sesame"), "b3BlbiBzZXNhbWU"] {
        assert!(!everything.contains(form), "{form}");
    }
}

#[tokio::test]
async fn replaced_secret_is_kept_for_its_time_and_a_revert_after_that_is_a_conflict() {
    let world = World::new().await;
    let process = world.process().await;
    let application = &process.application;
    let change = async |password: &str| {
        let request = json!({"engine": {"proxy": {"username": "me", "password": password}}});
        application.patch_settings(request, &operator(None)).await.expect("changed")
    };
    let hour = Duration::from_hours(1);
    change("first").await;
    let second = change("second").await;
    assert_eq!(application.sweep_secrets().await.expect("sweeps"), Some(world.clock.now() + 24 * hour));
    world.clock.pass(23 * hour);
    application.sweep_secrets().await.expect("sweeps");
    let reverted = application.revert_settings(second.position, &operator(None)).await.expect("in time");
    let first = reverted.settings.engine.proxy.password.expect("there is one");
    assert_eq!(application.secret(first).await.expect("asked").expect("kept").as_str(), "first");

    application.sweep_secrets().await.expect("sweeps");
    world.clock.pass(24 * hour);
    application.sweep_secrets().await.expect("sweeps");
    assert_eq!(world.count("secrets").await, 1, "the second has gone, the first is in use");
    let refused = application.revert_settings(reverted.position, &operator(None)).await;
    let Err(SettingsError::Refused(Refused::Unfit(faults))) = refused else { panic!("{refused:?}") };
    assert_eq!(faults[0].pointer, "/engine/proxy/password");
    assert_eq!(application.settings().now().version, reverted.version, "nothing is recorded");
    // Whoever knows it may set it again.
    let again = change("second").await.settings.engine.proxy.password.expect("there is one");
    assert_eq!(application.secret(again).await.expect("asked").expect("kept").as_str(), "second");
}

#[tokio::test]
async fn secret_that_is_set_again_is_kept_however_old_its_mark_is() {
    let world = World::new().await;
    let (one, other) = (world.process().await, world.process().await);
    let patch = |password: &str| json!({"engine": {"proxy": {"username": "me", "password": password}}});
    one.application.patch_settings(patch("first"), &operator(None)).await.expect("changed");
    one.application.patch_settings(patch("second"), &operator(None)).await.expect("changed");
    other.application.sweep_secrets().await.expect("sweeps");
    world.clock.pass(Duration::from_hours(48));
    let done = one.application.patch_settings(patch("first"), &operator(None)).await.expect("changed");
    other.application.sweep_secrets().await.expect("sweeps");
    let first = done.settings.engine.proxy.password.expect("there is one");
    assert_eq!(one.application.secret(first).await.expect("asked").expect("kept").as_str(), "first");
}

#[tokio::test]
async fn sweeper_is_woken_by_the_change_that_replaces_a_secret() {
    let world = World::new().await;
    let process = world.process().await;
    tokio::spawn(SecretSweeper::new(process.application.clone()).run(CancellationToken::new()));
    for password in ["first", "second"] {
        let request = json!({"engine": {"proxy": {"username": "me", "password": password}}});
        process.application.patch_settings(request, &operator(None)).await.expect("changed");
    }
    world.wait_for("SELECT count(unused_since) = 1 FROM secrets").await;
}

#[tokio::test]
async fn secret_of_a_refused_patch_is_not_kept() {
    let world = World::new().await;
    let process = world.process().await;
    let request = json!({"engine": {"proxy": {"username": "me", "password": "open sesame"}, "dht": 7}});
    process.application.patch_settings(request.clone(), &operator(None)).await.expect_err("refused");
    let fits = json!({"fsops": {"archive_passwords": ["open sesame"]}});
    process.application.preview_settings(fits, &operator(None)).await.expect("fits");
    assert_eq!(world.count("secrets").await, 0);
}

#[tokio::test]
async fn restart_is_required_until_the_value_is_what_the_process_started_with() {
    let world = World::new().await;
    let process = world.process().await;
    let application = &process.application;
    let change = async |request| {
        let done = application.patch_settings(request, &operator(None)).await.expect("changed");
        application.restart_required(&done.settings)
    };
    assert!(change(json!({"engine": {"dht": true}})).await.is_empty());
    assert_eq!(change(json!({"http": {"listen": "127.0.0.1:9"}})).await, ["/http/listen"]);
    assert!(change(json!({"http": {"listen": null}})).await.is_empty());
    change(json!({"http": {"listen": "127.0.0.1:9"}})).await;
    let restarted = world.process().await;
    let restarted = &restarted.application;
    let now = restarted.refresh_settings().await.expect("read");
    assert!(restarted.restart_required(&now.recorded).is_empty());
}

#[tokio::test]
async fn value_of_the_command_line_wins_and_is_not_recorded() {
    let world = World::new().await;
    let process = world.process().await;
    let application = &process.application;
    let value = json!("127.0.0.1:0");
    application.override_settings(vec![Override { pointer: "/http/listen", flag: "--listen", value }]);
    let request = json!({"http": {"listen": "127.0.0.1:9"}});
    let done = application.patch_settings(request, &operator(None)).await.expect("changed");
    assert!(application.restart_required(&done.settings).is_empty(), "a restart would change nothing");
    let now = application.settings().now();
    assert_eq!(
        (now.recorded.http.listen.as_str(), now.in_force.http.listen.as_str()),
        ("127.0.0.1:9", "127.0.0.1:0")
    );
}
