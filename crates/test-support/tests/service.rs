//! The watch over a service: started, asked, followed, killed and started again.
//!
//! The service here is a part of this binary that speaks just enough HTTP to be watched; that the real one behaves is for its
//! own tests to show. What is shown here is that those tests would notice.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::{Method, StatusCode};
use revaer_test_support::{ServiceOptions, ServiceProcess};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

const PATIENCE: Duration = Duration::from_secs(20);

/// What stands for the service: counts how often it is asked, and tells two events to whoever follows.
#[tokio::test]
#[ignore = "a process that other tests start and kill"]
async fn stand_in() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("\nlistening on http://{}", listener.local_addr().unwrap());
    let mut asked = 0;
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        let mut request = String::new();
        stream.read_line(&mut request).await.unwrap();
        let mut resumed = "0".to_owned();
        loop {
            let mut header = String::new();
            stream.read_line(&mut header).await.unwrap();
            if let Some(id) = header.to_lowercase().strip_prefix("last-event-id: ") {
                id.trim().clone_into(&mut resumed);
            }
            if header.trim().is_empty() {
                break;
            }
        }
        let (status, kind, body) = match request.split(' ').nth(1).unwrap() {
            "/health" => ("200 OK", "application/json", "{}".to_owned()),
            "/count" => {
                asked += 1;
                ("200 OK", "application/json", json!({ "asked": asked }).to_string())
            }
            path if path.starts_with("/v1/events?") => {
                let events = format!(
                    "id: 1\nevent: resumed\ndata: {resumed}\n\nid: 2\nevent: asked\ndata: {{\"path\": \"{path}\"}}\n\n"
                );
                ("200 OK", "text/event-stream", events)
            }
            _ => ("404 Not Found", "application/problem+json", json!({ "code": "not_found" }).to_string()),
        };
        let answer = format!(
            "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(answer.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
    }
}

/// A program in `dir` that takes the service's arguments and runs the stand-in.
fn program(dir: &Path) -> PathBuf {
    let this = std::env::current_exe().expect("a test knows its own program");
    let path = dir.join("service");
    let script = format!(
        "#!/bin/sh\necho \"$@\" >\"$(dirname \"$0\")/arguments\"\nexec '{}' --exact stand_in --ignored --nocapture\n",
        this.display()
    );
    fs::write(&path, script).expect("the directory is ours");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("the file is ours");
    path
}

async fn started(dir: &Path) -> ServiceProcess {
    let options = ServiceOptions::new(dir.join("data")).database_url("postgres:///x").argument("--more");
    ServiceProcess::start(program(dir), options).await
}

#[tokio::test]
async fn service_is_asked_until_a_condition_holds() {
    let dir = tempfile::tempdir().unwrap();
    let service = started(dir.path()).await;
    let arguments = fs::read_to_string(dir.path().join("arguments")).unwrap();
    let data = dir.path().join("data");
    assert_eq!(
        arguments.trim(),
        format!("--data-dir {} --listen 127.0.0.1:0 --database-url postgres:///x --more", data.display())
    );
    assert_eq!(service.get_json("/count").await, json!({ "asked": 1 }));
    assert_eq!(service.post_json("/count", &json!({})).await, json!({ "asked": 2 }));
    let body = service.wait_until("/count", PATIENCE, |body| body["asked"] == 5).await;
    assert_eq!(body["asked"], 5);
    let refused = service.exchange(Method::GET, "/nothing", None).await;
    assert_eq!(refused, (StatusCode::NOT_FOUND, json!({ "code": "not_found" })));
}

#[tokio::test]
#[should_panic(expected = "/count still answers 200 OK")]
async fn condition_that_never_holds_fails_the_test() {
    let dir = tempfile::tempdir().unwrap();
    let service = started(dir.path()).await;
    service.wait_until("/count", Duration::from_millis(100), |_| false).await;
}

#[tokio::test]
async fn events_are_followed_from_an_id_on() {
    let dir = tempfile::tempdir().unwrap();
    let service = started(dir.path()).await;
    let mut events = service.events("samples=false", Some("17.a")).await;
    let all = events.collect_until(PATIENCE, |event| event.event == "asked").await;
    assert_eq!((all[0].id.as_deref(), &all[0].data), (Some("1"), &json!("17.a")));
    assert_eq!((all[1].id.as_deref(), &all[1].data["path"]), (Some("2"), &json!("/v1/events?samples=false")));
    assert_eq!(events.last_id(), Some("2"));
    assert_eq!(events.next().await, None, "the stream has ended");
}

#[tokio::test]
async fn service_comes_back_after_every_kind_of_end() {
    let dir = tempfile::tempdir().unwrap();
    let mut service = started(dir.path()).await;
    let first = service.pid();
    service.kill9().await;
    service.restart().await;
    let second = service.pid();
    assert_ne!(first, second);
    // It counts anew, so this is a new process that answers.
    assert_eq!(service.get_json("/count").await, json!({ "asked": 1 }));
    service.restart().await;
    assert_ne!(service.pid(), second, "one that still runs is ended first");
    assert_eq!(service.get_json("/count").await, json!({ "asked": 1 }));
    assert_eq!(service.terminate().await.signal(), Some(15), "the stand-in knows no better end");
}

#[tokio::test]
#[should_panic(expected = "the service ended before it listened\nno database")]
async fn service_that_does_not_start_is_quoted() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("service");
    fs::write(&path, "#!/bin/sh\necho no database\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    ServiceProcess::start(path, ServiceOptions::new(dir.path())).await;
}
