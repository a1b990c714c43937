//! One page of the list while torrents move, against the same at rest.
//!
//! The samples come from here, packed and appended as the sampler of the service does it: a tenth of the torrents, once a second.
//! The service takes them from the log, writes them to its rows, and sends them to a client that follows.

use std::time::{Duration, Instant};

use revaer_event_log::EventLog;
use revaer_event_schema::{ProgressSample, pack_progress};
use revaer_test_support::ServiceProcess;
use tokio::task::JoinHandle;

use crate::facts::id;
use crate::library::{Library, address};
use crate::log::Log;
use crate::stream::Stream;
use crate::{ROUNDS, line, median};

/// One torrent in so many moves.
const MOVES: u64 = 10;
/// How long pages are read in each half of a round.
const READING: Duration = Duration::from_secs(6);
/// Between two pages: as a client that looks often, not one that takes all there is.
const PAUSE: Duration = Duration::from_millis(10);
const PAGE: &str = "/v1/torrents?limit=50";

/// Reads pages, in turn while nothing moves and while a part does.
pub(crate) async fn measure(library: &Library, service: &ServiceProcess) {
    let held = Log::beside_service(&library.data_dir()).await;
    let mut follower = Stream::open(address(service), "samples=true").await;
    let following = tokio::spawn(async move { follower.read_until(u64::MAX).await });
    let (mut rest, mut moving) = (Vec::new(), Vec::new());
    let (mut rest_slow, mut moving_slow) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (typical, slow) = pages(service).await;
        rest.push(typical);
        rest_slow.push(slow);
        let moves = start_to_move(held.events.clone(), library.torrents as u64);
        let (typical, slow) = pages(service).await;
        moves.abort();
        moving.push(typical);
        moving_slow.push(slow);
    }
    let count = library.torrents as u64 / MOVES;
    line(
        &format!("ms of a page while {count} torrents move, p50; other: at rest"),
        median(rest),
        median(moving),
        "<= 1.5",
    );
    line("the same, p99", median(rest_slow), median(moving_slow), "-");
    following.abort();
    held.close().await;
}

/// Milliseconds of a page: the middle one and the hundredth slowest.
async fn pages(service: &ServiceProcess) -> (f64, f64) {
    let (began, mut taken) = (Instant::now(), Vec::new());
    while began.elapsed() < READING {
        let asked = Instant::now();
        let answer = service.client().get(service.url(PAGE)).send().await.expect("the service answers");
        let body = answer.bytes().await.expect("the answer is whole");
        taken.push(asked.elapsed().as_secs_f64() * 1000.0);
        assert!(body.len() > 1000, "the page has torrents on it");
        tokio::time::sleep(PAUSE).await;
    }
    taken.sort_by(f64::total_cmp);
    (taken[taken.len() / 2], taken[taken.len() * 99 / 100])
}

fn start_to_move(log: EventLog, torrents: u64) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(Duration::from_secs(1));
        for tick in 1_u64.. {
            ticks.tick().await;
            let samples: Vec<_> = (0..torrents)
                .step_by(usize::try_from(MOVES).expect("small"))
                .map(|number| ProgressSample {
                    torrent: id(number),
                    wanted_done_bytes: 16 << 10,
                    downloaded_bytes: 16 << 10,
                    uploaded_bytes: tick * 16_384 + number,
                    download_bytes_per_second: 0,
                    upload_bytes_per_second: 16_384,
                    peers: 3,
                    seeds: 1,
                })
                .collect();
            log.append_samples("bench", pack_progress(&samples)).await.expect("samples are appended");
        }
    })
}
