//! Clients of the event stream that stop to read: they cost the service a small queue each, and nobody else anything.

use std::fs;

use revaer_test_support::ServiceProcess;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::world::{BOUND, World, act};

/// Facts of some 5 KB each: together far more than the buffers of a socket hold.
const FACTS: usize = 1200;
/// How many clients stand still.
const CLIENTS: usize = 20;
/// Queues of all clients, and the pages of those that read from the database at once.
const GROWTH_BYTES_MAX: u64 = 48 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_stop_to_read_leave_memory_flat_and_others_undisturbed() {
    let world = World::new(1, 1000);
    let service = world.service().await;
    let magnet = format!("magnet:?xt=urn:btih:{:040x}", 1);
    let torrent = service.post_json("/v1/torrents", &json!({ "magnet": magnet, "start_paused": true })).await;
    let id = torrent["id"].as_str().unwrap();
    // What the newest facts take is held for everybody, whoever follows: it is there before the clients come.
    relabel(&service, id, FACTS).await;
    let before = resident_bytes(service.pid());

    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let address = service.base_url().trim_start_matches("http://").to_owned();
        let mut client = TcpStream::connect(&address).await.unwrap();
        let key = service.api_key();
        let request = format!(
            "GET /v1/events?after=0 HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {key}\r\n\r\n"
        );
        client.write_all(request.as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        client.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");
        clients.push(client);
    }
    let mut quick = service.events("after=0&types=torrent.labels_changed", None).await;
    let reading = async {
        for _ in 0..2 * FACTS {
            quick.next().await.unwrap();
        }
    };
    let both = async { tokio::join!(relabel(&service, id, FACTS), reading) };
    tokio::time::timeout(BOUND * 2, both).await.expect("who reads gets everything");

    let grown = resident_bytes(service.pid()).saturating_sub(before);
    assert!(grown <= GROWTH_BYTES_MAX, "{CLIENTS} clients that stand still took {grown} bytes");
    drop(clients);
}

/// Gives a torrent other labels, again and again.
async fn relabel(service: &ServiceProcess, id: &str, times: usize) {
    for round in 0..times {
        let labels: Vec<String> =
            (0..32).map(|number| format!("{round:06}-{number:02}-{}", "x".repeat(50))).collect();
        act(service, id, json!({ "action": "label", "labels": labels })).await;
    }
}

/// Anonymous memory: what a map of a file takes is not the process's own.
fn resident_bytes(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("RssAnon:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}
