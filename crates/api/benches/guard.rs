//! What the guard costs: `GET /v1/torrents?limit=50` over TCP, with keys and limits and without.
//!
//! Both services are in one process, on one database, and take turns round by round, so that whatever else the machine does hits
//! both. The client is as plain as can be: what it takes of the processor makes the difference look smaller. Run by
//! `make bench-guard`; prints, and fails above the bound.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use poem::Server;
use poem::endpoint::BoxEndpoint;
use poem::listener::{Acceptor, Listener, TcpListener};
use revaer_api::{About, Access, Limits, Metrics, Parts, service, service_without_guard};
use revaer_application::{
    AccessFollower, AddSource, AddTorrent, Application, Caller, HealthRegistry, LiveError, LivePeer,
    LiveRates, LiveTracker, LiveView, MetainfoParser, ParsedMetainfo, ServerKey, SystemClock, TOKEN_VALIDITY,
};
use revaer_domain::api_key::RequestLimit;
use revaer_domain::selection::SelectionRule;
use revaer_domain::values::{Labels, RateCap, SavePath, ShareLimits, TorrentId};
use revaer_event_log::{EventLog, Options, migrate};
use revaer_projections::Projector;
use revaer_test_support::TestDatabase;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Torrents in the library: more than a page.
const TORRENTS: u64 = 200;
/// Connections at once: enough to keep the service busy on two cores.
const CONNECTIONS: usize = 4;
/// Rounds of each, and how long one takes.
const ROUNDS: usize = 15;
const ROUND: Duration = Duration::from_secs(2);
/// What the guard may cost of the throughput.
const COST_MAX: f64 = 0.05;

#[tokio::main]
async fn main() {
    let database = TestDatabase::create().await;
    let pool = database.pool().await;
    migrate(&pool).await.expect("migrates");
    let (log, runner) = EventLog::open(pool, Options::default()).await.expect("opens");
    let shutdown = CancellationToken::new();
    tokio::spawn(runner.run(shutdown.clone()));
    let (projections, projector) = Projector::open(log.clone()).await.expect("opens");
    tokio::spawn(projector.run(shutdown.clone()));
    let clock = Arc::new(SystemClock);
    let application = Application::new(revaer_application::Parts {
        log,
        clock: clock.clone(),
        metainfo: Arc::new(Nothing),
        live: Arc::new(Nothing),
        health: HealthRegistry::new(clock),
        server_key: ServerKey::draw(),
    });
    let follower = AccessFollower::open(application.clone()).await.expect("reads");
    tokio::spawn(follower.run(shutdown.clone()));
    let secret = fill(&application).await;
    let head = application.log().head().await.expect("reads");
    assert!(projections.wait_for(head, Duration::from_secs(30)).await, "the list is complete");

    // No request is refused, and every one takes from a bucket.
    let plenty = RequestLimit::new(1_000_000, 1_000_000).expect("a limit");
    let limits = Limits { key_rate: plenty, ..Limits::default() };
    let parts = || Parts {
        application: application.clone(),
        projections: projections.clone(),
        limits: watch::channel(Arc::new(limits.clone())).1,
        access: watch::channel(Arc::new(Access::default())).1,
        metrics: Metrics::default(),
        exposition: Arc::new(Metrics::default()),
        about: About::default(),
        shutdown: shutdown.clone(),
    };
    let with = serve(service(parts())).await;
    let without = serve(service_without_guard(parts())).await;
    let (mut guarded, mut bare) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let (one, other) = (measure(with, &secret).await, measure(without, &secret).await);
        // The first of each warms up.
        if round > 0 {
            guarded.push(one);
            bare.push(other);
        }
    }
    let (guarded, bare) = (median(guarded), median(bare));
    let cost = 1.0 - guarded / bare;
    println!("GET /v1/torrents?limit=50 over {CONNECTIONS} connections, median of {ROUNDS} rounds");
    println!("  without the guard  {bare:9.0} requests/s");
    println!("  with the guard     {guarded:9.0} requests/s");
    println!("  the guard costs    {:8.1} %  (at most {:.0})", cost * 100.0, COST_MAX * 100.0);
    shutdown.cancel();
    assert!(cost <= COST_MAX, "the guard costs more than it may");
}

/// A library, and a key.
async fn fill(application: &Application) -> String {
    let caller = Caller::system("setup", "bench".to_owned(), None);
    for number in 1..=TORRENTS {
        let magnet =
            format!("magnet:?xt=urn:btih:{number:040x}&dn=a%20torrent%20with%20a%20usual%20name%20{number}");
        let add = AddTorrent {
            source: AddSource::Magnet(magnet.parse().expect("a magnet")),
            save_path: SavePath::default(),
            start_paused: false,
            labels: Labels::new(),
            selection: SelectionRule::default(),
            sequential: false,
            rate_cap: RateCap::default(),
            share_limits: ShareLimits::default(),
            trackers: vec![],
            peers: vec![],
        };
        application.add(add, &caller).await.expect("is added");
    }
    let issued = application.start_setup(TOKEN_VALIDITY, &caller).await.expect("a token");
    let (name, label) = ("bench".parse().expect("a name"), "bench".parse().expect("a label"));
    let key = application.complete_setup(issued.token.expose(), name, label, &caller).await.expect("a key");
    key.secret.expose().to_owned()
}

async fn serve(endpoint: BoxEndpoint<'static, poem::Response>) -> std::net::SocketAddr {
    let acceptor = TcpListener::bind("127.0.0.1:0").into_acceptor().await.expect("binds");
    let address = acceptor.local_addr()[0].as_socket_addr().copied().expect("an address");
    tokio::spawn(Server::new_with_acceptor(acceptor).run(endpoint));
    address
}

/// Requests a second in one round.
async fn measure(address: std::net::SocketAddr, secret: &str) -> f64 {
    let request = format!(
        "GET /v1/torrents?limit=50 HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {secret}\r\n\r\n"
    );
    let began = Instant::now();
    let clients = (0..CONNECTIONS).map(|_| {
        let request = request.clone();
        tokio::spawn(async move {
            let mut stream = TcpStream::connect(address).await.expect("connects");
            let (mut buffer, mut answers) = (Vec::with_capacity(1 << 17), 0_u32);
            while began.elapsed() < ROUND {
                stream.write_all(request.as_bytes()).await.expect("is asked");
                read_answer(&mut stream, &mut buffer).await;
                answers += 1;
            }
            answers
        })
    });
    let answers = futures::future::join_all(clients).await;
    let answers: u32 = answers.into_iter().map(|answers| answers.expect("asks to the end")).sum();
    f64::from(answers) / began.elapsed().as_secs_f64()
}

async fn read_answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) {
    buffer.clear();
    let end = loop {
        if let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        assert!(stream.read_buf(buffer).await.expect("is answered") > 0, "the service hangs up");
    };
    let head = std::str::from_utf8(&buffer[..end]).expect("a head is text");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.and_then(|length| length.parse().ok()).expect("a length");
    while buffer.len() < end + length {
        assert!(stream.read_buf(buffer).await.expect("is answered") > 0, "the service hangs up");
    }
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

/// No session, and no torrent files.
struct Nothing;

impl MetainfoParser for Nothing {
    fn parse(&self, _body: &[u8]) -> Result<ParsedMetainfo, String> {
        Err("nothing is parsed here".to_owned())
    }
}

#[async_trait]
impl LiveView for Nothing {
    async fn trackers(&self, _id: TorrentId) -> Result<Vec<LiveTracker>, LiveError> {
        Err(LiveError::NotInSession)
    }
    async fn peers(&self, _id: TorrentId) -> Result<Vec<LivePeer>, LiveError> {
        Err(LiveError::NotInSession)
    }
    async fn file_progress(&self, _id: TorrentId) -> Result<Vec<u64>, LiveError> {
        Err(LiveError::NotInSession)
    }
    fn rates(&self, _id: TorrentId) -> Option<LiveRates> {
        None
    }
}
