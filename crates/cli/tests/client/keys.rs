//! The setup and keys as whoever runs the service meets them: what is printed, what is kept, and how each command ends.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use crate::support::{Address, Ended, PATIENCE, Service, command, revaer};

/// A key id that no service has ever given.
const UNKNOWN: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

/// Where a client keeps its keys.
struct Home {
    folder: TempDir,
}

impl Home {
    fn new() -> Home {
        Home { folder: tempfile::tempdir().expect("a directory can be made") }
    }

    fn keys(&self) -> PathBuf {
        self.folder.path().join("config/keys.json")
    }

    /// Runs the client with nothing but what it keeps here.
    async fn revaer(&self, service: &Service, arguments: &[&str]) -> Ended {
        let keys = self.keys();
        let keys = ["--key-file", keys.to_str().expect("a plain path")];
        revaer(&without_key(service), &[&keys, arguments].concat()).await
    }

    /// The secret that is kept.
    fn kept(&self) -> String {
        let keys: Value =
            serde_json::from_slice(&std::fs::read(self.keys()).expect("is there")).expect("JSON");
        let keys = keys.as_object().expect("an object");
        assert_eq!(keys.len(), 1, "one for each service");
        keys.values().next().and_then(Value::as_str).expect("a secret").to_owned()
    }

    fn token(&self, token: &str) -> PathBuf {
        let file = self.folder.path().join("token");
        std::fs::write(&file, token).expect("is written");
        file
    }
}

fn without_key(service: &Service) -> Address {
    with_key(service, "")
}

fn with_key(service: &Service, secret: &str) -> Address {
    Address { url: service.process.base_url().to_owned(), key: secret.to_owned() }
}

async fn complete_with(home: &Home, service: &Service, token: &Path) -> Ended {
    home.revaer(service, &["setup", "complete", "--token-file", token.to_str().expect("a plain path")]).await
}

fn mode(file: &Path) -> u32 {
    std::fs::metadata(file).expect("is there").permissions().mode() & 0o777
}

#[tokio::test]
async fn setup_gives_this_client_a_key_that_it_keeps() {
    let (service, home) = (Service::not_set_up().await, Home::new());
    let early = home.revaer(&service, &["ls"]).await;
    assert_eq!((early.code, early.stdout.as_str()), (6, ""), "{early:?}");
    assert!(early.stderr.contains("revaer setup complete"), "it says what to do: {early:?}");

    let done =
        home.revaer(&service, &["setup", "complete", "--instance-name", "home", "--key-label", "ops"]).await;
    assert_eq!(done.code, 0, "{done:?}");
    let secret = home.kept();
    assert!(done.stdout.contains("ops") && done.stdout.contains(home.keys().to_str().unwrap()), "{done:?}");
    assert!(!done.stdout.contains(&secret) && !done.stderr.contains(&secret), "what is kept is not shown");
    assert_eq!(mode(&home.keys()), 0o600);
    assert_eq!(home.revaer(&service, &["ls"]).await.code, 0);
    let stranger = revaer(&without_key(&service), &["ls"]).await;
    assert_eq!((stranger.code, stranger.stdout.as_str()), (4, ""), "{stranger:?}");

    for again in [&["setup", "complete"][..], &["setup", "start"]] {
        let ended = home.revaer(&service, again).await;
        assert_eq!((ended.code, ended.stdout.as_str()), (6, ""), "{again:?}: {ended:?}");
    }
    assert_eq!(home.kept(), secret, "what is refused takes nothing away");
}

#[tokio::test]
async fn token_is_printed_and_exchanged_once() {
    let (service, home) = (Service::not_set_up().await, Home::new());
    // Five attempts a minute, and this test makes five.
    let first = home.revaer(&service, &["setup", "start"]).await;
    assert!(first.stdout.contains("valid until"), "{first:?}");
    let second = home.revaer(&service, &["--output", "json", "setup", "start"]).await.document();
    assert!(second["expires_at"].is_string(), "{second}");

    let replaced = complete_with(&home, &service, &home.token(first.stdout.lines().next().unwrap())).await;
    assert_eq!(replaced.code, 4, "{replaced:?}");
    let wrong = complete_with(&home, &service, &home.token("rvs_wrong")).await;
    assert_eq!(wrong.code, 4, "{wrong:?}");
    let missing = complete_with(&home, &service, Path::new("/nowhere/token")).await;
    assert_eq!(missing.code, 2, "{missing:?}");

    // By standard input, and kept nowhere.
    let token = second["token"].as_str().unwrap();
    let keys = home.folder.path().join("none.json");
    let keys = keys.to_str().unwrap();
    let arguments = ["--key-file", keys, "setup", "complete", "--token-file", "-", "--no-save"];
    let mut child = command(&without_key(&service), &arguments).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(format!("{token}\n").as_bytes()).await.unwrap();
    let output = timeout(PATIENCE, child.wait_with_output()).await.unwrap().unwrap();
    assert!(output.status.success(), "{output:?}");
    let secret = String::from_utf8(output.stdout).unwrap();
    assert_eq!((secret.lines().count(), Path::new(keys).exists()), (1, false), "the secret and nothing else");
    assert_eq!(revaer(&with_key(&service, secret.trim()), &["key", "ls"]).await.code, 0);
}

#[tokio::test]
async fn key_is_issued_used_rotated_and_revoked() {
    let service = Service::start().await;
    let issue = ["key", "issue", "reader", "--scope", "read", "--idempotency-key", "one"];
    let issued = service.json(&issue).await;
    let (id, secret) = (issued["id"].as_str().unwrap(), issued["secret"].as_str().unwrap());
    let reader = with_key(&service, secret);
    assert_eq!(revaer(&reader, &["ls"]).await.code, 0);
    for beyond in [&["settings", "get"][..], &["key", "ls"], &["action", UNKNOWN, "pause"]] {
        let ended = revaer(&reader, beyond).await;
        assert_eq!((ended.code, ended.stdout.as_str()), (4, ""), "{beyond:?}: {ended:?}");
    }
    let again = service.revaer(&issue).await;
    assert_eq!((again.code, again.stdout.as_str()), (6, ""), "its secret was shown: {again:?}");

    let listed = service.json(&["key", "ls"]).await;
    let items = listed["items"].as_array().unwrap();
    let key = items.iter().find(|key| key["id"] == id).unwrap();
    assert_eq!((&key["label"], &key["scope"]), (&"reader".into(), &"read".into()));
    assert!(!listed.to_string().contains(secret));
    let ids = service.revaer(&["--quiet", "key", "ls"]).await;
    assert_eq!(ids.stdout.lines().count(), items.len());
    assert!(ids.stdout.lines().any(|line| line == id), "{ids:?}");

    let rotated = service.revaer(&["--quiet", "key", "rotate", id, "--grace-seconds", "0"]).await;
    let newer = with_key(&service, rotated.stdout.trim());
    assert_eq!((revaer(&reader, &["ls"]).await.code, revaer(&newer, &["ls"]).await.code), (4, 0));

    let revoked = service.revaer(&["key", "revoke", id]).await;
    assert_eq!((revoked.code, revoked.stdout.as_str()), (0, format!("{id} is revoked\n").as_str()));
    assert_eq!(revaer(&newer, &["ls"]).await.code, 4);
    assert_eq!(service.revaer(&["key", "rotate", id]).await.code, 5);
}

#[tokio::test]
async fn what_cannot_be_done_with_a_key_ends_with_its_code() {
    let service = Service::start().await;
    for (arguments, code) in [
        (&["key", "issue", "a/b", "--scope", "read"][..], 2),
        (&["key", "issue", "a", "--scope", "read", "--expires-at", "2000-01-01T00:00:00Z"], 2),
        (&["key", "issue", "a", "--scope", "root"], 2),
        (&["key", "issue", "a"], 2),
        (&["key", "revoke", UNKNOWN], 5),
        (&["key", "rotate", UNKNOWN], 5),
    ] {
        let ended = service.revaer(arguments).await;
        assert_eq!((ended.code, ended.stdout.as_str()), (code, ""), "{arguments:?}: {ended:?}");
    }
    let ended = service.revaer(&["key", "issue", "a/b", "--scope", "read"]).await;
    assert!(ended.stderr.contains("  /label: "), "{ended:?}");
    let ended = revaer(&with_key(&service, "rvk_nonsense"), &["ls"]).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (4, ""), "{ended:?}");
}

#[tokio::test]
async fn client_that_rotates_its_own_key_keeps_the_new_secret() {
    let (service, home) = (Service::not_set_up().await, Home::new());
    assert_eq!(home.revaer(&service, &["setup", "complete"]).await.code, 0);
    let before = home.kept();
    let keys = home.revaer(&service, &["--quiet", "key", "ls"]).await;
    let id = keys.stdout.trim();
    let rotated = home.revaer(&service, &["key", "rotate", id, "--grace-seconds", "0"]).await;
    assert_eq!(rotated.code, 0, "{rotated:?}");
    assert_ne!(home.kept(), before);
    assert!(rotated.stdout.contains(&home.kept()), "it is shown, once: {rotated:?}");
    assert_eq!(home.revaer(&service, &["key", "ls"]).await.code, 0, "and is the one that is used");
    let last = home.revaer(&service, &["key", "revoke", id]).await;
    assert_eq!(last.code, 6, "the last key that may do everything stays: {last:?}");
}
