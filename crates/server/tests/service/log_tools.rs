//! `revaerd log export` and `log verify`: what they print of a sound log, beside the service, and of one that was tampered with.

use std::collections::BTreeSet;
use std::process::{Output, Stdio};

use revaer_test_support::{ServiceProcess, TestDatabase};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use crate::world::{BOUND, REVAERD, act, options};

fn tool(url: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(REVAERD);
    command.args(["log"]).args(arguments).args(["--database-url", url, "--database-wait-seconds", "1"]);
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

async fn run(url: &str, arguments: &[&str]) -> Output {
    let output = tool(url, arguments).output();
    tokio::time::timeout(BOUND, output).await.expect("it ends").unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// An action that is remembered for its key.
async fn keyed(service: &ServiceProcess, id: &str, key: &str, action: Value) {
    let request = service.client().post(service.url(&format!("/v1/torrents/{id}/action")));
    let answer = request.header("Idempotency-Key", format!("{key}-{id}")).json(&action).send().await.unwrap();
    assert!(answer.status().is_success(), "{action}");
}

/// A service with a few torrents that stand still, and some history.
async fn service_with_history(database: &TestDatabase, folder: &tempfile::TempDir) -> ServiceProcess {
    let options = options(&folder.path().join("data")).database_url(database.url());
    let service = ServiceProcess::start(REVAERD, options).await;
    for number in 1..=4 {
        let magnet = format!("magnet:?xt=urn:btih:{number:040x}&dn=waits%20{number}");
        let body = json!({ "magnet": magnet, "start_paused": true, "labels": ["one"] });
        let id = service.post_json("/v1/torrents", &body).await["id"].as_str().unwrap().to_owned();
        keyed(&service, &id, "label", json!({ "action": "label", "labels": ["two"] })).await;
        // It is paused already: a command without a fact.
        keyed(&service, &id, "pause", json!({ "action": "pause" })).await;
        if number == 4 {
            act(&service, &id, json!({ "action": "remove", "delete_data": false })).await;
            service
                .wait_until("/v1/torrents", BOUND, |list| list["items"].as_array().unwrap().len() == 3)
                .await;
        }
    }
    service
}

/// What a hand with every right does to a log at rest.
async fn tamper(database: &TestDatabase, statements: &str) {
    let mut connection = PgConnection::connect_with(&database.connect_options()).await.unwrap();
    let statements = format!(
        "ALTER TABLE events DISABLE TRIGGER ALL; ALTER TABLE samples DISABLE TRIGGER ALL; {statements};
         ALTER TABLE events ENABLE ALWAYS TRIGGER events_never_change;
         ALTER TABLE events ENABLE ALWAYS TRIGGER events_by_append_only;
         ALTER TABLE samples ENABLE TRIGGER ALL"
    );
    sqlx::raw_sql(AssertSqlSafe(statements)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// Each with what is done to the log and what must be said of it.
const TAMPERED: &[(&str, &[&str])] = &[
    (
        "DELETE FROM events WHERE version = 2 AND stream_id LIKE 'torrent-%'",
        &["versions: stream torrent-", " goes from version 1 to 3 at position ", "commands: "],
    ),
    (
        "UPDATE events SET version = version + 1 WHERE position = (SELECT max(position) FROM events)",
        &["versions: stream "],
    ),
    (
        "UPDATE events SET position = -position WHERE position = (SELECT min(position) FROM events)",
        &["positions: -", "is not above zero"],
    ),
    (
        "UPDATE events SET position = 90000 WHERE position = \
         (SELECT min(position) FROM events WHERE version = 1 AND stream_id LIKE 'torrent-%')",
        &["positions: stream torrent-", "below 90000 of the one before"],
    ),
    (
        "INSERT INTO samples SELECT max(position), now(), 'n', '\\x01' FROM events",
        &["was given to 2 entries"],
    ),
    (
        "INSERT INTO samples SELECT max(position) + 1, now(), 'n', '\\x0199' FROM events",
        &["samples: position "],
    ),
    (
        "UPDATE events SET kind = 'torrent.vanished' WHERE kind = 'torrent.labels_changed'",
        &["facts: position ", "unknown kind `torrent.vanished`", "torrents cannot be rebuilt"],
    ),
    (
        "UPDATE events SET data = '{\"to\": 1}' WHERE kind = 'torrent.added'",
        &["`torrent.added` does not parse"],
    ),
    (
        "UPDATE events SET meta = '{}' WHERE kind = 'torrent.added'",
        &["metadata: position ", "missing field `actor`"],
    ),
    ("UPDATE commands SET event_count = event_count + 1 WHERE event_count = 1", &["commands: "]),
    (
        "UPDATE commands SET version_after = version_after + 1 WHERE event_count = 0",
        &["that it made 0 facts"],
    ),
    (
        "UPDATE commands SET last_position = 90000 WHERE event_count = 0",
        &["that it made 0 facts", "0 to 90000"],
    ),
    ("DELETE FROM claims WHERE info_hash LIKE '%1'", &["1 is claimed by nobody, and by the log torrent-"]),
    (
        "INSERT INTO claims VALUES ('ff', 'torrent-x')",
        &["claims: ff is claimed by torrent-x, and by the log nobody holds it"],
    ),
    ("UPDATE log_meta SET reserved = 3", &["is above the reservation 3"]),
    ("UPDATE log_meta SET samples_floor = 900000", &["the floor of samples is 900000"]),
    ("SELECT setval('log_positions', 1)", &["the next position would be 2"]),
    ("DROP TRIGGER samples_never_change ON samples", &["trigger samples_never_change on samples is missing"]),
    (
        "UPDATE checkpoints SET position = 900000 WHERE projection = 'torrents'",
        &["checkpoints: torrents, generation ", "has reached 900000"],
    ),
    ("UPDATE checkpoints SET position = 3", &["checkpoints: torrents.torrent: ", "its checkpoint at 3"]),
    (
        "UPDATE checkpoints SET error = 'poison' WHERE projection = 'torrent_files'",
        &["torrent_files has halted: poison"],
    ),
    ("DROP SCHEMA torrents CASCADE", &["torrents has no live generation"]),
    ("UPDATE torrents.definition SET version = 0", &["torrents is of version 0"]),
    (
        "UPDATE torrents.torrent SET name = 'other', sequential = NOT sequential",
        &["differs from the log in name, sequential"],
    ),
    ("DELETE FROM torrents.torrent_search", &["read models: torrents.torrent_search: ", "is missing"]),
    ("INSERT INTO torrent_files.file_priorities VALUES ('x', NULL, 1)", &["file_priorities: x is there"]),
];

#[tokio::test(flavor = "multi_thread")]
async fn sound_log_is_called_sound_beside_the_service_and_every_tampering_is_found() {
    let (database, folder) = (TestDatabase::create().await, tempfile::tempdir().unwrap());
    let mut service = service_with_history(&database, &folder).await;
    let sound = run(database.url(), &["verify"]).await;
    assert_eq!(sound.status.code(), Some(0), "{}", stdout(&sound));
    assert!(stdout(&sound).starts_with("sound up to position "), "{}", stdout(&sound));
    service.terminate().await;

    for (tampering, said) in TAMPERED {
        let copy = database.copy().await;
        tamper(&copy, tampering).await;
        let output = run(copy.url(), &["verify"]).await;
        let found = stdout(&output);
        assert_eq!(output.status.code(), Some(1), "{tampering}\n{found}");
        for said in *said {
            assert!(found.contains(said), "{tampering}\ndoes not say `{said}` but\n{found}");
        }
        let summary = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(summary.contains(&format!("{} findings", found.lines().count())), "{summary}");
    }
    let untouched = run(database.url(), &["verify"]).await;
    assert_eq!(untouched.status.code(), Some(0), "{}", stdout(&untouched));
}

#[tokio::test(flavor = "multi_thread")]
async fn busy_log_is_called_sound_while_read_models_are_swapped() {
    let (database, folder) = (TestDatabase::create().await, tempfile::tempdir().unwrap());
    let service = service_with_history(&database, &folder).await;
    let id = service.get_json("/v1/torrents").await["items"][0]["id"].as_str().unwrap().to_owned();
    let busy = async {
        for number in 0.. {
            act(&service, &id, json!({ "action": "label", "labels": [number.to_string()] })).await;
        }
    };
    let swapping = async {
        loop {
            let mut rebuild = Command::new(REVAERD);
            rebuild.args(["rebuild", "torrents", "--database-url", database.url()]).kill_on_drop(true);
            assert!(rebuild.output().await.unwrap().status.success());
        }
    };
    let recounting = async {
        for _ in 0..10 {
            let output = run(database.url(), &["verify"]).await;
            assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
        }
    };
    tokio::select! {
        () = busy => {}
        () = swapping => {}
        () = recounting => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn export_prints_every_fact_once_and_from_any_position() {
    let (database, folder) = (TestDatabase::create().await, tempfile::tempdir().unwrap());
    let service = service_with_history(&database, &folder).await;
    let output = run(database.url(), &["export"]).await;
    assert_eq!(output.status.code(), Some(0));
    let whole: Vec<Value> =
        stdout(&output).lines().map(|line| serde_json::from_str(line).expect("a document a line")).collect();
    let positions: Vec<i64> = whole.iter().map(|fact| fact["position"].as_i64().unwrap()).collect();
    assert!(positions.is_sorted_by(|one, next| one < next));

    let mut connection = PgConnection::connect_with(&database.connect_options()).await.unwrap();
    let recorded: Vec<(i64, String, String, String)> =
        sqlx::query_as("SELECT position, kind, data::text, meta::text FROM events ORDER BY position")
            .fetch_all(&mut connection)
            .await
            .unwrap();
    assert_eq!(positions, recorded.iter().map(|fact| fact.0).take(positions.len()).collect::<Vec<_>>());
    for (line, (_, kind, data, meta)) in whole.iter().zip(&recorded) {
        assert_eq!(line["kind"], kind.as_str());
        assert_eq!(line["data"], serde_json::from_str::<Value>(data).unwrap());
        assert_eq!(line["meta"], serde_json::from_str::<Value>(meta).unwrap());
    }
    let kinds: BTreeSet<_> = whole.iter().map(|fact| fact["kind"].as_str().unwrap()).collect();
    assert!(kinds.contains("torrent.added") && kinds.contains("torrent.removed"), "{kinds:?}");

    let middle = positions[positions.len() / 2].to_string();
    let output = run(database.url(), &["export", "--after", &middle]).await;
    let rest: Vec<Value> = stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rest[..whole.len() - whole.len() / 2 - 1], whole[whole.len() / 2 + 1..]);
    drop(service);
}

#[tokio::test(flavor = "multi_thread")]
async fn export_with_samples_ends_quietly_when_nobody_reads_on() {
    let (database, folder) = (TestDatabase::create().await, tempfile::tempdir().unwrap());
    let mut service = service_with_history(&database, &folder).await;
    service.terminate().await;
    // One sample of nothing, and more facts than any pipe holds.
    tamper(
        &database,
        "INSERT INTO samples SELECT setval('log_positions', last_value + 1), now(), 'local', '\\x01' FROM log_positions;
         INSERT INTO events SELECT setval('log_positions', nextval('log_positions')), 'engine', 1000 + n, now(), NULL, 1, \
         'engine.bulk', to_json(repeat('x', 1000)), '{}' FROM generate_series(1, 5000) AS n",
    )
    .await;
    let mut child = tool(database.url(), &["export", "--samples"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let until_samples = async {
        loop {
            let line: Value = serde_json::from_str(&lines.next_line().await.unwrap().unwrap()).unwrap();
            if line["kind"] == "torrent.progress" {
                return line;
            }
        }
    };
    let line = tokio::time::timeout(BOUND, until_samples).await.expect("the samples come");
    assert_eq!((&line["node"], &line["samples"]), (&json!("local"), &json!([])));
    drop(lines);
    let ended = tokio::time::timeout(BOUND, child.wait_with_output()).await.expect("it ends").unwrap();
    assert_eq!(ended.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn database_that_is_away_is_told_from_a_log_that_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("postgres:///revaer?host={}", folder.path().display());
    for command in ["export", "verify"] {
        let output = run(&url, &[command]).await;
        assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
