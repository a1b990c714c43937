//! The setup of a real service: by whoever is on its machine, by a file, and what is kept of both.

use reqwest::{Method, StatusCode};
use revaer_test_support::ServiceProcess;
use serde_json::{Value, json};

use crate::world::{REVAERD, options};

fn complete(token: &Value) -> Value {
    json!({ "token": token, "instance_name": "home", "key_label": "first" })
}

async fn asks_with(service: &ServiceProcess, secret: &str) -> StatusCode {
    let request = service.client().get(service.url("/v1/torrents")).bearer_auth(secret);
    request.send().await.expect("it answers").status()
}

#[tokio::test(flavor = "multi_thread")]
async fn key_of_the_setup_is_accepted_after_a_restart_and_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut service = ServiceProcess::start(REVAERD, options(&data).without_setup()).await;
    let (status, refused) = service.exchange(Method::GET, "/v1/torrents", None).await;
    assert_eq!((status, &refused["code"]), (StatusCode::CONFLICT, &json!("setup_required")));
    let (_, started) = service.exchange(Method::POST, "/v1/setup/start", None).await;
    // The token outlives the process that issued it.
    service.restart().await;
    let (status, key) =
        service.exchange(Method::POST, "/v1/setup/complete", Some(&complete(&started["token"]))).await;
    assert_eq!(status, StatusCode::CREATED, "{key}");
    let secret = key["secret"].as_str().unwrap();
    assert_eq!(asks_with(&service, secret).await, StatusCode::OK);
    service.restart().await;
    assert_eq!(asks_with(&service, secret).await, StatusCode::OK);
    service.kill9().await;
    service.start_again().await;
    assert_eq!(asks_with(&service, secret).await, StatusCode::OK);
    let log = std::process::Command::new(REVAERD)
        .args(["--data-dir", data.to_str().unwrap(), "log", "export"])
        .output()
        .unwrap();
    let log = String::from_utf8(log.stdout).unwrap();
    assert!(log.contains("setup.completed") && log.contains("api_key.issued"), "{log}");
    for secret in [secret, started["token"].as_str().unwrap()] {
        // Its last 43 characters; among them may be the sign that parts it from what is no secret.
        let random = &secret[secret.len() - 43..];
        assert!(!log.contains(random), "in the log");
        assert!(!service.said().contains(random), "in what it says");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn file_sets_the_service_up_without_a_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "0123456789abcdefghijklmnop\n").unwrap();
    let options = options(&folder.path().join("data")).without_setup();
    let options = options.argument("--setup-token-file").argument(&file);
    let service = ServiceProcess::start(REVAERD, options).await;
    let wrong = complete(&json!("0123456789abcdefghijklmnopq"));
    let (status, refused) = service.exchange(Method::POST, "/v1/setup/complete", Some(&wrong)).await;
    assert_eq!((status, &refused["code"]), (StatusCode::FORBIDDEN, &json!("setup_token_wrong")));
    let right = complete(&json!("0123456789abcdefghijklmnop"));
    let (status, key) = service.exchange(Method::POST, "/v1/setup/complete", Some(&right)).await;
    assert_eq!(status, StatusCode::CREATED, "{key}");
    assert_eq!(asks_with(&service, key["secret"].as_str().unwrap()).await, StatusCode::OK);
    let (status, refused) = service.exchange(Method::POST, "/v1/setup/complete", Some(&right)).await;
    assert_eq!((status, &refused["code"]), (StatusCode::CONFLICT, &json!("setup_complete")));
}
