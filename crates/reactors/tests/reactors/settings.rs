//! Settings reach the session while it runs, and what it refuses is taken back with the reason.

use std::net::TcpListener;

use revaer_test_support::TestDatabase;
use serde_json::json;
use tempfile::tempdir;
use time::macros::datetime;

use crate::clock::SetClock;
use crate::service::{PATIENCE, Service, operator, options};

async fn start(database: &TestDatabase, root: &std::path::Path) -> Service {
    let mut service = Service::start(database.url(), options(root)).await;
    service.follow_settings().await;
    service
}

#[tokio::test(flavor = "multi_thread")]
async fn cap_of_the_session_is_told_when_libtorrent_has_it() {
    let here = tempdir().expect("a folder");
    let database = TestDatabase::create().await;
    let service = start(&database, here.path()).await;
    let patch = json!({"limits": {"download_bytes_per_second": 5_000_000}});
    service.application.patch_settings(patch, &operator()).await.expect("taken");
    let applied = service.until_fact("engine.rate_cap_applied").await;
    let delay = applied["delay_ms"].as_u64().expect("a number");
    assert!(delay < 2000, "{applied}");
    let expected = json!({
        "torrent": null, "direction": "download", "old": null, "new": 5_000_000, "delay_ms": delay
    });
    assert_eq!(applied, expected);
    let limit = service.engine.profile().rate_cap.download_bytes_per_second;
    assert_eq!(limit.map(u32::from), Some(5_000_000));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn change_that_the_session_refuses_is_taken_back_with_the_reason() {
    let here = tempdir().expect("a folder");
    let database = TestDatabase::create().await;
    let service = start(&database, here.path()).await;
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().expect("an address").to_string();
    let no_list = here.path().join("page.html");
    std::fs::write(&no_list, "<html>404</html>").expect("writable");
    for (patch, reason) in [
        (json!({"engine": {"listen_interfaces": taken}}), "in use"),
        (json!({"engine": {"listen_interfaces": "nosuch0:6881"}}), "nosuch0"),
        (json!({"engine": {"ip_filter_file": no_list}}), "has no range"),
        (json!({"engine": {"ip_filter_file": "/nowhere/list.p2p"}}), "cannot be read"),
    ] {
        let before = service.application.settings().now().recorded.clone();
        let done = service.application.patch_settings(patch, &operator()).await.expect("taken by the rules");
        let back = service.until_change(|changed| changed["reverts"] == done.position.0).await;
        assert!(back["reason"].as_str().is_some_and(|told| told.contains(reason)), "{back}");
        let after = service.application.refresh_settings().await.expect("read").recorded.clone();
        assert_eq!(after, before);
    }
    assert_ne!(service.engine.listen_port().await.expect("a session"), 0, "it listens where it did");
    service.stop().await;
}

/// The cap of downloads that the session has.
fn cap(service: &Service) -> Option<u32> {
    service.engine.profile().rate_cap.download_bytes_per_second.map(u32::from)
}

/// Until the newest cap of downloads that came into force is this one.
async fn until_cap(service: &Service, wanted: Option<u32>) {
    let wait = async {
        let mut subscription = service.log.subscribe(revaer_event_log::Position(0));
        while cap(service) != wanted {
            subscription.next().await;
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, wait).await;
    in_time.unwrap_or_else(|_| panic!("the cap is {:?} and not {wanted:?}", cap(service)));
}

#[tokio::test(flavor = "multi_thread")]
async fn caps_follow_the_week_by_the_clock_of_its_time_zone_and_across_a_restart() {
    let here = tempdir().expect("a folder");
    let database = TestDatabase::create().await;
    // A Monday, a second before ten in Berlin.
    let clock = SetClock::at(datetime!(2026-11-23 8:59:59 UTC));
    let mut service = Service::start_at(database.url(), options(here.path()), clock.clone()).await;
    service.follow_settings().await;
    let rule = json!({
        "days": ["monday"], "from": "10:00", "to": "11:30",
        "download_bytes_per_second": 1_000_000, "upload_bytes_per_second": null
    });
    let schedule = json!({"time_zone": "Europe/Berlin", "rules": [rule]});
    let patch = json!({"limits": {"download_bytes_per_second": 7_000_000, "schedule": schedule}});
    service.application.patch_settings(patch, &operator()).await.expect("taken");
    until_cap(&service, Some(7_000_000)).await;
    clock.go_on();
    until_cap(&service, Some(1_000_000)).await;
    let changes = service.application.settings_history(0, 100).await.expect("readable").len();
    service.stop().await;

    let clock = SetClock::at(datetime!(2026-11-23 10:29:59 UTC));
    let mut service = Service::start_at(database.url(), options(here.path()), clock.clone()).await;
    service.application.refresh_settings().await.expect("readable");
    service.follow_settings().await;
    until_cap(&service, Some(1_000_000)).await;
    clock.go_on();
    until_cap(&service, Some(7_000_000)).await;
    let after = service.application.settings_history(0, 100).await.expect("readable").len();
    assert_eq!(after, changes, "the clock alone changes no settings");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn session_has_the_stored_settings_after_a_restart() {
    let here = tempdir().expect("a folder");
    let database = TestDatabase::create().await;
    let service = start(&database, here.path()).await;
    let filter = here.path().join("list.p2p");
    std::fs::write(&filter, "nobody:192.0.2.0-192.0.2.255\n").expect("writable");
    let patch = json!({
        "limits": {"upload_bytes_per_second": 123_456, "apply_to_local_peers": false},
        "engine": {"connections_max": 77, "ip_filter_file": filter, "active_downloads": 2},
    });
    service.application.patch_settings(patch, &operator()).await.expect("taken");
    let told = service.until_fact("engine.rate_cap_applied").await;
    assert_eq!(told["new"], 123_456);
    let before = service.engine.profile();
    service.stop().await;

    let service = start(&database, here.path()).await;
    // What is applied first is everything, so the cap says that all of it is.
    let wait = async {
        let mut subscription = service.log.subscribe(revaer_event_log::Position(0));
        while service.engine.profile().rate_cap != before.rate_cap {
            subscription.next().await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("the stored cap is in force");
    assert_eq!(service.engine.profile(), before);
    assert_eq!((before.engine.connections_max, before.limits_apply_to_local_peers), (77, false));
    service.stop().await;
}
