//! `revaerd backup` and `revaerd restore`: beside a busy service, into another database, into an empty data directory, and what
//! is refused.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use revaer_test_support::{ServiceProcess, TestDatabase};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use tokio::process::Command;

use crate::world::{BOUND, REVAERD, act, options};

const PASSPHRASE: &str = "correct horse battery staple";

/// Runs a tool on a data directory, and on a database if one is named.
async fn run(data_dir: &Path, database: Option<&TestDatabase>, arguments: &[&str]) -> Output {
    let mut command = Command::new(REVAERD);
    command.args(arguments).arg("--data-dir").arg(data_dir).env_remove("DATABASE_URL");
    if let Some(database) = database {
        command.args(["--database-url", database.url()]);
    }
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output();
    tokio::time::timeout(BOUND, output).await.expect("it ends").unwrap()
}

fn stdout(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The code with which it ended, and what it said.
fn refused(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

async fn add(service: &ServiceProcess, number: u32) -> String {
    let magnet = format!("magnet:?xt=urn:btih:{number:040x}&dn=waits%20{number}");
    let body = json!({ "magnet": magnet, "start_paused": true, "labels": ["one"] });
    service.post_json("/v1/torrents", &body).await["id"].as_str().unwrap().to_owned()
}

/// Adds under an idempotency key; the id.
async fn add_keyed(service: &ServiceProcess) -> Value {
    let body = json!({ "magnet": format!("magnet:?xt=urn:btih:{:040x}", 77_777), "start_paused": true });
    let request = service.client().post(service.url("/v1/torrents")).header("Idempotency-Key", "once");
    let answer = request.json(&body).send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.status());
    answer.json::<Value>().await.unwrap()["id"].clone()
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        std::fs::write(folder.path("passphrase"), PASSPHRASE).unwrap();
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// The tests' key of one service, for another that should know it.
    fn bring_key(&self, from: &str, to: &str) {
        let name = "test-api-key";
        std::fs::copy(self.path(from).join(name), self.path(to).join(name)).unwrap();
    }
}

/// The list; where a torrent's newest fact lies differs between logs that went on.
async fn list(service: &ServiceProcess) -> Value {
    let mut items = service.get_json("/v1/torrents?limit=1000&sort=name").await["items"].clone();
    for item in items.as_array_mut().unwrap() {
        item.as_object_mut().unwrap().remove("position");
    }
    items
}

#[tokio::test(flavor = "multi_thread")]
async fn backup_beside_a_busy_service_comes_back_sound_and_its_clients_are_told() {
    let (folder, database) = (Folder::new(), TestDatabase::create().await);
    let service =
        ServiceProcess::start(REVAERD, options(&folder.path("one")).database_url(database.url())).await;
    let ids = [add(&service, 1).await, add(&service, 2).await];
    let once = add_keyed(&service).await;
    let mut client = service.events("after=0&samples=false", None).await;
    let (file, passphrase) = (folder.text("a.backup"), folder.text("passphrase"));
    let busy = async {
        for number in 10.. {
            add(&service, number).await;
            act(&service, &ids[0], json!({ "action": "label", "labels": [number.to_string()] })).await;
        }
    };
    let data_dir = folder.path("one");
    let arguments = ["backup", &file, "--passphrase-file", &passphrase];
    let said = tokio::select! {
        () = busy => unreachable!("it goes on"),
        output = run(&data_dir, Some(&database), &arguments) => stdout(&output),
    };
    assert!(said.contains(" is in "), "{said}");
    // The client goes on, beyond what the backup knows.
    let last = add(&service, 1_000_000).await;
    client.collect_until(BOUND, |event| event.data["stream"] == format!("torrent-{last}").as_str()).await;
    let last_id = client.last_id().unwrap().to_owned();

    let (other, two) = (TestDatabase::create().await, folder.path("two"));
    let said = stdout(&run(&two, Some(&other), &["restore", &file, "--passphrase-file", &passphrase]).await);
    assert!(said.contains("\nsound up to position "), "{said}");
    let exported = stdout(&run(&two, Some(&other), &["log", "export"]).await);
    let whole = stdout(&run(&data_dir, Some(&database), &["log", "export"]).await);
    assert!(exported.lines().count() > 5 && whole.len() > exported.len());
    assert!(whole.starts_with(&exported), "what came back is the beginning of the log");

    folder.bring_key("one", "two");
    let restored = ServiceProcess::start(REVAERD, options(&two).database_url(other.url())).await;
    let names: Vec<_> =
        list(&restored).await.as_array().unwrap().iter().map(|item| item["name"].clone()).collect();
    assert!(names.contains(&json!("waits 1")) && !names.contains(&json!("waits 1000000")), "{names:?}");
    assert_eq!(add_keyed(&restored).await, once, "a command that was answered is known");
    let mut reset = restored.events("samples=false", Some(&last_id)).await;
    let reset = reset.next_within(BOUND).await;
    assert_eq!(reset.event, "reset", "{reset:?}");
    assert_ne!(last_id.split('.').nth(1).unwrap(), reset.data["log_id"].as_str().unwrap());
    assert!(said.contains(&format!("came back as log {}", reset.data["log_id"].as_str().unwrap())), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn private_database_comes_back_into_an_empty_data_directory_with_all_that_it_was() {
    let folder = Folder::new();
    let (one, two) = (folder.path("one"), folder.path("two"));
    let mut service = ServiceProcess::start(REVAERD, options(&one)).await;
    for number in 1..=5 {
        add(&service, number).await;
    }
    let secret = json!({ "fsops": { "archive_passwords": ["open sesame"] } });
    let request = service.client().patch(service.url("/v1/settings"));
    let etag =
        service.client().get(service.url("/v1/settings")).send().await.unwrap().headers()["etag"].clone();
    let patched = request.header("If-Match", etag).json(&secret).send().await.unwrap();
    assert!(patched.status().is_success(), "{}", patched.text().await.unwrap());
    service.terminate().await;

    // Without a passphrase the server key stays where it is, and nothing of it is in the file.
    let file = folder.text("a.backup");
    let output = run(&one, None, &["backup", &file]).await;
    assert!(refused(&output).1.contains("the server key is not in it"));
    stdout(&output);
    let (code, said) = refused(&run(&two, None, &["restore", &file]).await);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("put the one that belongs to it at"), "{said}");
    std::fs::copy(one.join("server.key"), two.join("server.key")).unwrap();
    stdout(&run(&two, None, &["restore", &file]).await);
    let (code, said) = refused(&run(&two, None, &["restore", &file]).await);
    assert_eq!(code, Some(1));
    assert!(said.contains("has a log already"), "{said}");

    // Both go on from there, and come to the same.
    folder.bring_key("one", "two");
    service.start_again().await;
    let restored = ServiceProcess::start(REVAERD, options(&two)).await;
    let same = async {
        loop {
            let (listed, restored) = (list(&service).await, list(&restored).await);
            if listed == restored && listed.as_array().unwrap().len() == 5 {
                return;
            }
        }
    };
    tokio::time::timeout(BOUND, same).await.expect("the lists are equal");
    let settings = |service: Value| service["settings"].clone();
    assert_eq!(
        settings(restored.get_json("/v1/settings").await),
        settings(service.get_json("/v1/settings").await)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_belong_together_or_is_damaged_is_refused_and_leaves_nothing() {
    let (folder, database, other) =
        (Folder::new(), TestDatabase::create().await, TestDatabase::create().await);
    let (one, two) = (folder.path("one"), folder.path("two"));
    let mut service = ServiceProcess::start(REVAERD, options(&one).database_url(database.url())).await;
    add(&service, 1).await;
    service.terminate().await;
    // So much that the rows before it are loaded when the end of the file is found to be missing.
    let mut connection = PgConnection::connect_with(&database.connect_options()).await.unwrap();
    let body = "INSERT INTO metainfo SELECT 'ff', decode(string_agg(md5(n::text), ''), 'hex') FROM generate_series(1, 300000) AS n";
    sqlx::query(body).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let (file, passphrase, cut) = (folder.text("a.backup"), folder.text("passphrase"), folder.text("cut"));
    stdout(&run(&one, Some(&database), &["backup", &file, "--passphrase-file", &passphrase]).await);
    let (code, said) = refused(&run(&one, Some(&database), &["backup", &file]).await);
    assert_eq!((code, said.contains("is there already")), (Some(1), true), "{said}");

    let bytes = std::fs::read(&file).unwrap();
    std::fs::write(&cut, &bytes[..bytes.len() - 20]).unwrap();
    let wrong = folder.text("wrong");
    std::fs::write(&wrong, "another passphrase").unwrap();
    for (file, passphrase, code, what) in [
        (&cut, Some(&passphrase), 1, "is damaged"),
        (&file, Some(&wrong), 2, "does not open the server key"),
        (&file, None, 2, "give the --passphrase-file"),
        (&passphrase, None, 1, "is damaged"),
    ] {
        let mut arguments = vec!["restore", file.as_str()];
        arguments
            .extend(passphrase.map(|passphrase| ["--passphrase-file", passphrase]).into_iter().flatten());
        let (ended, said) = refused(&run(&two, Some(&other), &arguments).await);
        assert_eq!(ended, Some(code), "{said}");
        assert!(said.contains(what), "{said}");
        assert!(!two.join("server.key").exists());
    }
    let mut connection = PgConnection::connect_with(&other.connect_options()).await.unwrap();
    let facts: i64 =
        sqlx::query_scalar("SELECT count(*) FROM events").fetch_one(&mut connection).await.unwrap();
    assert_eq!(facts, 0, "of the one that was cut");
    connection.close().await.unwrap();

    // A key that is there is not replaced, and one of another service is not taken for it.
    std::fs::write(two.join("server.key"), "ab".repeat(32)).unwrap();
    std::fs::set_permissions(two.join("server.key"), std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .unwrap();
    let restore = ["restore", &file, "--passphrase-file", &passphrase];
    let (code, said) = refused(&run(&two, Some(&other), &restore).await);
    assert_eq!(code, Some(2), "{said}");
    std::fs::copy(one.join("server.key"), two.join("server.key")).unwrap();
    stdout(&run(&two, Some(&other), &restore).await);
}
