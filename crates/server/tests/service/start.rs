//! Starting, refusing to start, and ending.

use std::process::Stdio;

use reqwest::{Method, StatusCode};
use revaer_test_support::{ServiceProcess, TestDatabase};
use serde_json::json;
use tokio::process::Command;

use crate::world::{BOUND, REVAERD, World, add, until_progress, until_state};

/// Runs the program until it ends by itself; its code, and what it said on stderr.
pub(crate) async fn run_to_end(arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(REVAERD);
    command.args(arguments).env_remove("DATABASE_URL").stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(BOUND, command.output()).await.expect("it ends").unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn second_service_on_a_data_directory_is_refused_and_the_first_is_unharmed() {
    let world = World::new(1, 1000);
    let service = world.service().await;
    let data_dir = world.data_dir();
    let (code, said) =
        run_to_end(&["--data-dir", data_dir.to_str().unwrap(), "--listen", "127.0.0.1:0"]).await;
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains("in use by another process"), "{said}");
    assert_eq!(service.get_json("/health").await["status"], "alive");
    service.get_json("/v1/torrents").await;
}

/// Without a private PostgreSQL, whose own lock would refuse it too.
#[tokio::test(flavor = "multi_thread")]
async fn second_service_on_a_data_directory_is_refused_whatever_its_database() {
    let world = World::new(1, 1000);
    let database = TestDatabase::create().await;
    let _service = ServiceProcess::start(REVAERD, world.options().database_url(database.url())).await;
    let data_dir = world.data_dir();
    let place = ["--data-dir", data_dir.to_str().unwrap(), "--database-url", database.url()];
    let (code, said) = run_to_end(&[&place[..], &["--listen", "127.0.0.1:0"]].concat()).await;
    assert_eq!(code, Some(4), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn address_beyond_loopback_is_refused_until_the_setup_is_complete() {
    let folder = tempfile::tempdir().unwrap();
    let (code, said) =
        run_to_end(&["--data-dir", folder.path().to_str().unwrap(), "--listen", "0.0.0.0:0"]).await;
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("only a loopback address is allowed"), "{said}");
    assert!(!folder.path().join("postgres/data/postmaster.pid").exists(), "its database has ended too");
}

#[tokio::test(flavor = "multi_thread")]
async fn port_that_is_taken_is_said() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let (code, said) =
        run_to_end(&["--data-dir", folder.path().to_str().unwrap(), "--listen", &address]).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(&format!("cannot listen on {address}")), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn service_listens_where_its_settings_say_and_a_flag_wins_over_them() {
    let world = World::new(1, 1000);
    let mut service = world.service().await;
    let free = || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (first, second) = (free(), free());
    let set = async |service: &ServiceProcess, address: std::net::SocketAddr| {
        let patch = json!({ "http": { "listen": address } });
        let (status, answer) = service.exchange(Method::PATCH, "/v1/settings", Some(&patch)).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer["restart_required"].clone()
    };
    assert_eq!(set(&service, first).await, json!([]), "the flag wins also after a restart");
    service.terminate().await;
    service.start_again_where_set().await;
    assert_eq!(service.base_url(), format!("http://{first}"));
    assert_eq!(set(&service, second).await, json!(["/http/listen"]));
    service.terminate().await;
    let taken = std::net::TcpListener::bind(second).unwrap();
    let data_dir = world.data_dir();
    let (code, said) = run_to_end(&["--data-dir", data_dir.to_str().unwrap()]).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(&format!("cannot listen on {second} (the setting http.listen)")), "{said}");
    drop(taken);
    service.start_again().await;
    assert_ne!(service.base_url(), format!("http://{second}"), "what is stored can be got around");
}

#[tokio::test(flavor = "multi_thread")]
async fn instance_has_a_name_and_an_id_that_never_changes() {
    let world = World::new(1, 1000);
    let mut service = world.service().await;
    let instance = async |service: &ServiceProcess| {
        service.get_json("/v1/settings").await["settings"]["instance"].clone()
    };
    let first = instance(&service).await;
    assert_eq!(first["name"], "test", "as the setup said");
    assert_eq!(first["id"].as_str().map(str::len), Some(26), "{first}");
    let history = service.get_json("/v1/settings/history").await;
    let named = history["items"].as_array().unwrap().iter().find(|entry| {
        entry["changes"].as_array().unwrap().iter().any(|change| change["path"] == "/instance/name")
    });
    assert_eq!(named.unwrap()["actor"], "setup", "{history}");
    service.kill9().await;
    service.start_again().await;
    assert_eq!(instance(&service).await, first);
    let patch = json!({ "instance": { "id": "01ARZ3NDEKTSV4RRFFQ69G5FAV" } });
    let (status, refused) = service.exchange(Method::PATCH, "/v1/settings", Some(&patch)).await;
    assert_eq!(
        (status, &refused["errors"][0]["code"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("immutable_key"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn orderly_end_loses_no_verified_byte() {
    let world = World::new(6, 12 << 20);
    let mut service = world.service().await;
    let id = add(&service, &world.seeder, json!({ "download_bytes_per_second": 3_000_000 })).await;
    until_progress(&service, &id, 0.4).await;
    let status = service.terminate().await;
    assert_eq!(status.code(), Some(0), "{}", service.said());
    service.start_again().await;
    crate::world::act(&service, &id, json!({ "action": "rate_cap" })).await;
    until_state(&service, &id, "seeding").await;
    world.assert_downloaded();
    let sent = world.seeder.uploaded_bytes().unwrap();
    assert!(sent < (12 << 20) + (1 << 20), "next to nothing is sent twice: {sent}");
}

#[tokio::test(flavor = "multi_thread")]
async fn read_model_is_rebuilt_while_it_is_being_read() {
    let world = World::new(3, 100_000);
    let service = world.service().await;
    let id = add(&service, &world.seeder, json!({})).await;
    let lived = until_state(&service, &id, "seeding").await;
    let data_dir = world.data_dir();
    for projection in ["torrents", "torrent_files", "audit"] {
        let (code, said) =
            run_to_end(&["--data-dir", data_dir.to_str().unwrap(), "rebuild", projection]).await;
        assert_eq!(code, Some(0), "{said}");
    }
    let rebuilt = service.get_json(&format!("/v1/torrents/{id}")).await;
    for field in ["state", "name", "size_bytes", "version", "position", "completed_at", "progress"] {
        assert_eq!(rebuilt[field], lived[field], "{field}");
    }
    let (code, said) = run_to_end(&["--data-dir", data_dir.to_str().unwrap(), "rebuild", "nonsense"]).await;
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("torrents, torrent_files, audit"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn document_is_printed_without_a_data_directory() {
    let output = Command::new(REVAERD).arg("openapi").output().await.unwrap();
    assert!(output.status.success());
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(document["paths"]["/v1/torrents"].is_object());
}

#[tokio::test(flavor = "multi_thread")]
async fn supervisor_is_told_when_the_service_serves_and_when_it_ends() {
    let world = World::new(1, 1000);
    let path = world.data_dir().with_file_name("notify");
    let socket = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    socket.set_nonblocking(true).unwrap();
    let options = world.options().variable("NOTIFY_SOCKET", path.to_str().unwrap());
    let mut service = ServiceProcess::start(REVAERD, options).await;
    service.terminate().await;
    let (mut told, mut datagram) = (Vec::new(), [0; 64]);
    while let Ok(length) = socket.recv(&mut datagram) {
        told.push(String::from_utf8_lossy(&datagram[..length]).into_owned());
    }
    assert_eq!(told, ["READY=1", "STOPPING=1"], "each once, and nobody else speaks for the service");
}
