//! Following the stream: over restarts of both ends, without a fact missing or told twice.

use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStdout};
use tokio::time::timeout;

use crate::support::{Address, PATIENCE, Service, Source, spawn};

/// A tail that is read line by line.
struct Tail {
    child: Child,
    lines: tokio::io::Lines<BufReader<ChildStdout>>,
}

impl Tail {
    fn start(address: &Address, arguments: &[&str]) -> Tail {
        let mut child = spawn(address, &[&["--output", "json", "tail"], arguments].concat());
        let lines = BufReader::new(child.stdout.take().expect("it was asked for")).lines();
        Tail { child, lines }
    }

    /// All facts up to the first of this kind.
    async fn until(&mut self, kind: &str) -> Vec<Value> {
        let mut events = Vec::new();
        loop {
            let line = timeout(PATIENCE, self.lines.next_line()).await;
            let line =
                line.unwrap_or_else(|_| panic!("no {kind} after {events:#?}")).expect("it is JSON text");
            let event: Value =
                serde_json::from_str(&line.unwrap_or_else(|| panic!("no {kind}"))).expect("it is JSON text");
            events.push(event);
            if events.last().is_some_and(|event| event["kind"] == kind) {
                return events;
            }
        }
    }

    /// Ends it; gives what it printed meanwhile and its exit code.
    async fn end(mut self, by: Signal) -> (Vec<Value>, Option<i32>) {
        signal(&self.child, by);
        let mut events = Vec::new();
        while let Some(line) =
            timeout(PATIENCE, self.lines.next_line()).await.expect("it ends").expect("it can be read")
        {
            events.push(serde_json::from_str(&line).expect("it is JSON"));
        }
        (events, timeout(PATIENCE, self.child.wait()).await.expect("it ends").expect("it can be read").code())
    }
}

fn signal(child: &Child, signal: Signal) {
    let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
    kill_process(pid.expect("it runs"), signal).expect("it can be signalled");
}

fn positions(events: &[Value]) -> Vec<i64> {
    events.iter().map(|event| event["position"].as_i64().expect("a fact has a position")).collect()
}

/// Everything that the log has, by another reader than the client.
async fn all_facts(service: &Service) -> Vec<i64> {
    let list = service.process.get_json("/v1/torrents?limit=1").await;
    let torrent = list["items"][0]["id"].as_str().expect("there is a torrent");
    // A last fact that is nobody's but this reader's.
    let act = format!("/v1/torrents/{torrent}/action");
    service.process.post_json(&act, &serde_json::json!({ "action": "label", "labels": ["last"] })).await;
    let mut reader = service.process.events("after=0&samples=false", None).await;
    let is_last = |event: &revaer_test_support::ServerEvent| {
        event.event == "torrent.labels_changed" && event.data["data"]["to"][0] == "last"
    };
    let events = reader.collect_until(PATIENCE, is_last).await;
    events.iter().map(|event| event.data["position"].as_i64().expect("a fact has a position")).collect()
}

#[tokio::test]
async fn tail_goes_on_over_restarts_of_the_service_and_of_itself() {
    let (mut service, source) = (Service::start().await, Source::start(4, 300_000));
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("place");
    let arguments = ["--after", "0", "--no-samples", "--resume-file", file.to_str().unwrap()];
    let address = service.address();

    let mut tail = Tail::start(&address, &arguments);
    let torrent = service.json(&["add", source.seeder.magnet(), "--wait"]).await;
    let id = torrent["id"].as_str().unwrap();
    let mut seen = tail.until("torrent.completed").await;

    // The service goes and comes; the tail stays.
    service.process.kill9().await;
    service.process.start_again_on(address.url.strip_prefix("http://").unwrap()).await;
    service.json(&["action", id, "sequential", "on"]).await;
    seen.extend(tail.until("torrent.sequential_changed").await);

    // The tail goes and comes, once ended in order and once killed.
    let (rest, code) = tail.end(Signal::INT).await;
    assert_eq!(code, Some(0));
    seen.extend(rest);
    service.json(&["action", id, "pause"]).await;
    let mut tail = Tail::start(&address, &arguments);
    seen.extend(tail.until("torrent.paused").await);
    seen.extend(tail.end(Signal::KILL).await.0);
    // What was printed and not noted yet is printed again; nothing is noted that was not printed.
    let noted = noted_position(&file);
    assert!(positions(&seen).contains(&noted), "{noted} of {:?}", positions(&seen));
    seen.retain(|event| event["position"].as_i64() <= Some(noted));

    // Both go and come.
    service.json(&["action", id, "resume"]).await;
    service.process.terminate().await;
    service.process.start_again_on(address.url.strip_prefix("http://").unwrap()).await;
    let facts = all_facts(&service).await;
    let mut tail = Tail::start(&address, &arguments);
    seen.extend(tail.until("torrent.labels_changed").await);
    assert_eq!(positions(&seen), facts);
}

fn noted_position(file: &Path) -> i64 {
    let text = std::fs::read_to_string(file).expect("the file is there");
    let place: Value = serde_json::from_str(&text).expect("it is replaced whole");
    place["position"].as_i64().expect("a place is a position")
}

#[tokio::test]
async fn tail_without_a_place_begins_now_and_misses_nothing_from_there() {
    let (service, source) = (Service::start().await, Source::start(2, 100_000));
    let torrent = service.json(&["add", source.seeder.magnet(), "--wait"]).await;
    let id = torrent["id"].as_str().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("place");
    let mut tail = Tail::start(
        &service.address(),
        &["--types", "torrent.labels_changed", "--resume-file", file.to_str().unwrap(), "--count", "1"],
    );
    // It has begun once the place is noted.
    timeout(PATIENCE, async {
        while !file.exists() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("the place is noted at once");
    service.json(&["action", id, "label", "new"]).await;
    assert_eq!(tail.until("torrent.labels_changed").await.len(), 1, "nothing from before");
    assert!(timeout(PATIENCE, tail.child.wait()).await.expect("it ends after one").unwrap().success());
}

#[tokio::test]
async fn samples_are_printed_once_and_left_out_on_request() {
    let (service, source) = (Service::start().await, Source::start(4, 2_000_000));
    let mut tail = Tail::start(&service.address(), &["--after", "0", "--types", "torrent.*"]);
    service.json(&["add", source.seeder.magnet(), "--wait", "--download-limit", "1M"]).await;
    let events = tail.until("torrent.completed").await;
    let samples: Vec<_> = events.iter().filter(|event| event["kind"] == "torrent.progress").collect();
    assert!(!samples.is_empty(), "two seconds at ten a second");
    let mut places: Vec<_> =
        events.iter().map(|event| (event["position"].as_i64(), event["stream"].as_str())).collect();
    let all = places.len();
    places.sort_unstable();
    places.dedup();
    assert_eq!(places.len(), all, "none twice");
    let facts =
        service.revaer(&["--output", "json", "tail", "--after", "0", "--no-samples", "--count", "3"]).await;
    assert!(facts.documents().iter().all(|event| event["version"].is_number()), "{facts:?}");
}

#[tokio::test]
async fn closed_pipe_ends_it_though_nothing_more_happens() {
    let service = Service::start().await;
    let magnet = format!("magnet:?xt=urn:btih:{:040x}", 1);
    assert_eq!(service.revaer(&["add", &magnet, "--paused"]).await.code, 0);
    let mut tail = Tail::start(&service.address(), &["--after", "0", "--types", "torrent.added"]);
    tail.until("torrent.added").await;
    let Tail { mut child, lines } = tail;
    drop(lines);
    let status = timeout(PATIENCE, child.wait()).await.expect("it ends").unwrap();
    let mut told = String::new();
    child.stderr.take().unwrap().read_to_string(&mut told).await.unwrap();
    assert_eq!((status.code(), told.as_str()), (Some(0), ""));
}

#[tokio::test]
async fn reader_that_takes_nothing_cannot_hold_up_the_end() {
    let service = Service::start().await;
    // More than a pipe holds.
    for number in 0..60_u32 {
        let name = "x".repeat(2_000);
        let body = serde_json::json!({ "magnet": format!("magnet:?xt=urn:btih:{number:040x}&dn={name}"), "start_paused": true });
        service.process.post_json("/v1/torrents", &body).await;
    }
    let mut tail = Tail::start(&service.address(), &["--after", "0", "--types", "torrent.added"]);
    tail.until("torrent.added").await;
    signal(&tail.child, Signal::TERM);
    let status = timeout(PATIENCE, tail.child.wait()).await.expect("it ends").unwrap();
    assert_eq!(status.code(), Some(0));
}

#[tokio::test]
async fn position_of_another_log_is_told_as_a_reset() {
    let service = Service::start().await;
    let tail = ["--output", "json", "tail", "--after", "999999999.zzzz"];
    let mut child = spawn(&service.address(), &tail);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = timeout(PATIENCE, lines.next_line()).await.expect("a line").unwrap().expect("a line");
    let word: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(word["kind"], "reset");
    assert!(word["data"]["head"].is_number(), "{word}");
}

#[tokio::test]
async fn file_that_is_no_place_is_bad_input() {
    let service = Service::start().await;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("notes.txt");
    std::fs::write(&file, "mine").unwrap();
    let ended = service.revaer(&["tail", "--resume-file", file.to_str().unwrap()]).await;
    assert_eq!(ended.code, 2, "{ended:?}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
}
