//! The bounds of the event stream: quiet filters, slow clients, too many of them, and the end of the service.

use std::io::ErrorKind;
use std::time::Duration;

use poem::http::{Method, StatusCode};
use revaer_api::{Limits, Tls};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::connections::listen;
use crate::stream::Stream;
use crate::world::{BOUND, World, request};

#[tokio::test]
async fn quiet_filter_is_moved_on_by_ids_and_a_quiet_log_by_comments() {
    let limits = Limits { sse_heartbeat: Duration::from_millis(50), ..Limits::default() };
    let world = World::with(limits).await;
    let mut stream = Stream::open(&world, &world.since_start("&types=engine.started"), None).await;
    let began = format!("{}.", world.began);
    assert_eq!(
        stream.frame().await.expect("opens").id.as_deref().map(|id| id.starts_with(&began)),
        Some(true)
    );
    world.add(1).await;
    let head = world.application.log().head().await.expect("reads");
    let moved = format!("id: {head}.{}", world.application.log().log_tag());
    let moving = async {
        loop {
            let frame = stream.frame().await.expect("goes on");
            if frame.text != ":" {
                return frame.text;
            }
        }
    };
    assert_eq!(tokio::time::timeout(BOUND, moving).await.expect("it is moved in time"), moved);
    // Once the client knows the place, it is not told again.
    for _ in 0..3 {
        assert_eq!(stream.frame().await.expect("goes on").text, ":");
    }
}

#[tokio::test]
async fn clients_beyond_the_bound_are_503_until_one_goes() {
    let world = World::with(Limits { sse_clients_max: 1, ..Limits::default() }).await;
    let first = Stream::open(&world, "", None).await;
    let refused = world.get("/v1/events").await;
    refused.assert_problem(503, "unavailable");
    assert_eq!(refused.header("retry-after"), "1");
    drop(first);
    wait_for_a_place(&world).await;
}

#[tokio::test]
async fn client_that_takes_nothing_is_cut_off_and_gives_its_place_back() {
    let limits =
        Limits { sse_clients_max: 1, sse_send_timeout: Duration::from_millis(100), ..Limits::default() };
    let world = World::with(limits).await;
    let torrents = [world.add(1).await; 200];
    let mut slow = Stream::open(&world, &world.since_start(""), None).await;
    for _ in 0..20 {
        world.sample(&torrents).await;
    }
    wait_for_a_place(&world).await;
    // What it was given before is there, and then the stream ends: a client resumes by its last id.
    let mut last = None;
    while let Some(frame) = slow.frame().await {
        last = frame.id.or(last);
    }
    let last = last.expect("the stream opened with an id");
    let head = world.application.log().head().await.expect("reads").0;
    let rest = Stream::open_when_there_is_a_place(&world, "", Some(&last)).await.through(head).await;
    assert!(!rest.is_empty());
}

/// Asks until a client may follow.
async fn wait_for_a_place(world: &World) {
    let trying = async {
        while world.send(request(Method::GET, "/v1/events").finish()).await.status() != StatusCode::OK {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(BOUND, trying).await.expect("a place becomes free");
}

#[tokio::test]
async fn stream_ends_with_the_service_and_asks_to_come_back() {
    let world = World::new().await;
    let mut stream = Stream::open(&world, "", None).await;
    stream.frame().await.expect("opens");
    world.shutdown.cancel();
    assert_eq!(stream.frame().await.expect("says farewell").text, "retry: 1000");
    assert_eq!(stream.frame().await, None);
}

/// Over a real socket: a client that stops to read loses its connection, and the others notice nothing.
#[tokio::test]
async fn slow_client_loses_its_connection_while_others_go_on() {
    let limits = Limits { sse_send_timeout: Duration::from_millis(200), ..Limits::default() };
    let world = World::with(limits.clone()).await;
    let limits = Limits { write_timeout: Duration::from_secs(1), ..limits };
    let address = listen(&world, limits, tokio::sync::watch::channel(Tls::Off).1).await;

    let mut slow = tokio::net::TcpStream::connect(address).await.expect("connects");
    let secret = world.secret.as_deref().expect("it is set up");
    let ask = format!(
        "GET /v1/events?after=0 HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {secret}\r\n\r\n"
    );
    slow.write_all(ask.as_bytes()).await.expect("writes");
    let mut head = [0; 12];
    slow.read_exact(&mut head).await.expect("is answered");
    assert_eq!(&head, b"HTTP/1.1 200");

    let torrents = vec![world.add(1).await; 2000];
    let mut quick =
        Stream::open(&world, &world.since_start("&types=torrent.added,torrent.progress"), None).await;
    for _ in 0..40 {
        let tick = world.sample(&torrents).await;
        quick.through(tick.0).await;
    }
    // It reads again, too late: what the kernel held, and then the end.
    let reading = async {
        let mut buffer = vec![0; 1 << 16];
        let mut received = 0;
        loop {
            match slow.read(&mut buffer).await {
                Ok(0) => return received,
                Ok(count) => received += count,
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return received,
                Err(error) => panic!("{error}"),
            }
        }
    };
    let received = tokio::time::timeout(BOUND, reading).await.expect("the connection ends");
    let all = 40 * 2000 * 300;
    assert!(received < all, "{received} bytes of some {all}: it was served to the end");
}
