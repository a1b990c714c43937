//! A database of the first release opens, is brought up to date and says what it said; one of a newer build is refused.

use std::process::Stdio;

use revaer_test_support::{ServiceProcess, TestDatabase};
use serde_json::json;
use sqlx::{Connection, PgConnection};
use tokio::process::Command;

use crate::world::{BOUND, REVAERD, options};

/// Never made anew: it stands for what is out there.
const SCHEMA_6: &str = include_str!("../fixtures/schema_0006.sql");

async fn database_of_the_first_release() -> TestDatabase {
    let database = TestDatabase::create().await;
    let mut connection = PgConnection::connect_with(&database.connect_options()).await.unwrap();
    sqlx::raw_sql(SCHEMA_6).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    database
}

/// What it prints and how it ends, if it ends.
async fn revaerd(
    database: &TestDatabase,
    data_dir: &std::path::Path,
    arguments: &[&str],
) -> (Option<i32>, String) {
    let mut command = Command::new(REVAERD);
    command.args(arguments).arg("--data-dir").arg(data_dir).args(["--database-url", database.url()]);
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output();
    let output = tokio::time::timeout(BOUND, output).await.expect("it ends").unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn database_of_the_first_release_opens_with_all_that_it_knew() {
    let (database, folder) = (database_of_the_first_release().await, tempfile::tempdir().unwrap());
    let data_dir = folder.path().join("data");
    let service = ServiceProcess::start(REVAERD, options(&data_dir).database_url(database.url())).await;
    // The setup, which that release did not have, is done by now, and follows everything that was there.
    let list = service
        .wait_until("/v1/torrents?sort=name", BOUND, |list| list["items"].as_array().unwrap().len() == 2)
        .await;
    let (debian, hello) = (&list["items"][0], &list["items"][1]);
    assert_eq!((&debian["name"], &debian["labels"]), (&json!("Debian"), &json!(["films"])));
    assert_eq!(debian["rate_cap"]["download_bytes_per_second"], 65_536);
    assert_eq!((&hello["name"], &hello["size_bytes"]), (&json!("hello.txt"), &json!(5)));
    let id = hello["id"].as_str().unwrap();
    let files = service.get_json(&format!("/v1/torrents/{id}/files")).await;
    assert_eq!(files["items"][0]["path"], "hello.txt", "{files}");
    let history = service.get_json(&format!("/v1/torrents/{id}/history")).await;
    assert_eq!(history["items"][0]["kind"], "torrent.added", "{history}");
    let settings = service.get_json("/v1/settings").await;
    assert_eq!(settings["settings"]["limits"]["download_bytes_per_second"], 5_000_000, "{settings}");
    let mut events = service.events("after=0&samples=false", None).await;
    let first = events.next_within(BOUND).await;
    assert_eq!((first.event.as_str(), &first.data["position"]), ("engine.started", &json!(1)));

    let (code, said) = revaerd(&database, &data_dir, &["log", "verify"]).await;
    assert_eq!(code, Some(0), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn database_of_a_newer_build_is_refused_in_plain_words_and_left_alone() {
    let (database, folder) = (database_of_the_first_release().await, tempfile::tempdir().unwrap());
    let mut connection = PgConnection::connect_with(&database.connect_options()).await.unwrap();
    let newer = "INSERT INTO _sqlx_migrations VALUES (9999, 'of tomorrow', now(), true, '', 0)";
    sqlx::raw_sql(newer).execute(&mut connection).await.unwrap();
    for arguments in [&["serve", "--listen", "127.0.0.1:0"][..], &["migrate"], &["log", "verify"]] {
        let (code, said) = revaerd(&database, folder.path(), arguments).await;
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("schema version 9999, newer than this build's"), "{said}");
    }
    let applied: i64 =
        sqlx::query_scalar("SELECT count(*) FROM _sqlx_migrations").fetch_one(&mut connection).await.unwrap();
    assert_eq!(applied, 7);
    connection.close().await.unwrap();
}
