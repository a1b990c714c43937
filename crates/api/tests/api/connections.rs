//! Bounds of a connection, over real sockets: what no request can be about, because there is none yet, or no more.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use revaer_api::{About, Access, Limits, Metrics, Parts, Server, Tls, service};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::world::{BOUND, World};

/// Serves a world over a socket.
pub(crate) async fn listen(world: &World, limits: Limits, tls: watch::Receiver<Tls>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let address = listener.local_addr().expect("an address");
    let limits = watch::channel(Arc::new(limits)).1;
    let access = watch::channel(Arc::new(Access::default())).1;
    let service = service(Parts {
        application: world.application.clone(),
        projections: world.projections.clone(),
        limits: limits.clone(),
        access: access.clone(),
        metrics: Metrics::default(),
        exposition: Arc::new(Metrics::default()),
        about: About::default(),
        shutdown: world.shutdown.clone(),
    });
    let metrics = Metrics::default();
    let server = Server { listener, service, limits, access, tls, metrics };
    tokio::spawn(server.run(world.shutdown.clone(), Duration::from_millis(100)));
    address
}

async fn plain(limits: Limits) -> (World, SocketAddr) {
    let world = World::new().await;
    let address = listen(&world, limits, watch::channel(Tls::Off).1).await;
    (world, address)
}

async fn connect(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).await.expect("connects")
}

/// Everything up to the end of the connection, which has to come.
async fn to_the_end(stream: &mut TcpStream) -> String {
    let mut received = Vec::new();
    match tokio::time::timeout(BOUND, stream.read_to_end(&mut received)).await.expect("the connection ends") {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        Err(error) => panic!("{error}"),
    }
    String::from_utf8_lossy(&received).into_owned()
}

async fn exchange(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = connect(address).await;
    // Who is cut off in the middle of sending is answered all the same.
    let _ = stream.write_all(request).await;
    to_the_end(&mut stream).await
}

const HEALTH: &[u8] = b"GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn request_is_answered_and_its_connection_ends_as_it_asks() {
    let (_world, address) = plain(Limits::default()).await;
    let answer = exchange(address, HEALTH).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"alive\""), "{answer}");
}

#[tokio::test]
async fn head_that_comes_drop_by_drop_ends_the_connection() {
    let limits = Limits { header_timeout: Duration::from_millis(300), ..Limits::default() };
    let (_world, address) = plain(limits).await;
    let mut slow = connect(address).await;
    let dripping = async {
        for byte in HEALTH.iter().cycle() {
            if slow.write_all(&[*byte]).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(BOUND, dripping).await.expect("the connection ends");
    let mut silent = connect(address).await;
    assert_eq!(to_the_end(&mut silent).await, "", "who says nothing is let go, too");
    assert!(exchange(address, HEALTH).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn body_that_does_not_come_is_a_problem() {
    let limits = Limits { body_timeout: Duration::from_millis(200), ..Limits::default() };
    let (world, address) = plain(limits).await;
    let secret = world.secret.as_deref().expect("it is set up");
    let head = format!(
        "POST /v1/torrents HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {secret}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{{"
    );
    let answer = exchange(address, head.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("\"timeout\""), "{answer}");
}

#[tokio::test]
async fn body_beyond_its_bound_is_a_problem_that_the_client_gets_to_read() {
    let (world, address) = plain(Limits::default()).await;
    let secret = world.secret.as_deref().expect("it is set up");
    let body = vec![b' '; 30 << 20];
    let head = format!(
        "POST /v1/torrents HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {secret}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let answer = exchange(address, &[head.as_bytes(), &body].concat()).await;
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("\"too_large\""), "{answer}");
}

#[tokio::test]
async fn headers_beyond_their_bound_are_refused_whatever_their_size() {
    let (_world, address) = plain(Limits::default()).await;
    for (bytes, problem) in [(17 << 10, true), (60 << 10, true), (200 << 10, false)] {
        let head = format!(
            "GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nx: {}\r\n\r\n",
            "x".repeat(bytes)
        );
        let answer = exchange(address, head.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 431"), "{bytes}: {answer}");
        assert_eq!(answer.contains("\"too_large\""), problem, "{bytes}: {answer}");
    }
    let many = "y: 1\r\n".repeat(150);
    let answer =
        exchange(address, format!("GET /health HTTP/1.1\r\nhost: localhost\r\n{many}\r\n").as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    assert!(exchange(address, HEALTH).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn what_is_no_http_is_refused_or_cut_off() {
    let (_world, address) = plain(Limits::default()).await;
    for request in
        ["\r\n\r\n\r\n\0", "GET\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET / HTTP/9.9\r\n\r\n"]
    {
        let mut stream = connect(address).await;
        stream.write_all(request.as_bytes()).await.expect("writes");
        stream.shutdown().await.expect("ends");
        let answer = to_the_end(&mut stream).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{request:?}: {answer}");
    }
}

#[tokio::test]
async fn connection_too_many_is_closed_and_one_that_ends_makes_room() {
    let limits = Limits { connections_max: 2, ..Limits::default() };
    let (_world, address) = plain(limits).await;
    let keep = b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = connect(address).await;
        stream.write_all(keep).await.expect("writes");
        stream.read_exact(&mut [0; 12]).await.expect("is served");
        held.push(stream);
    }
    assert_eq!(exchange(address, HEALTH).await, "", "closed without an answer");
    held.pop();
    // The place is free when the service has noticed.
    let served = async {
        while exchange(address, HEALTH).await.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(BOUND, served).await.expect("there is room again");
}

#[tokio::test]
async fn connections_that_are_idle_end_with_the_service() {
    let (world, address) = plain(Limits::default()).await;
    let mut idle = connect(address).await;
    idle.write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n").await.expect("writes");
    idle.read_exact(&mut [0; 12]).await.expect("is served");
    world.shutdown.cancel();
    to_the_end(&mut idle).await;
}
