//! Settings reach the session while it runs, and what it refuses is taken back with the reason.

use std::net::TcpListener;

use revaer_test_support::TestDatabase;
use serde_json::json;
use tempfile::tempdir;

use crate::service::{Service, operator, options};

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
