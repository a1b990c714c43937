//! `torrents` built again from all facts, against reading the same facts in the same pages.

use std::path::Path;
use std::time::Instant;

use revaer_event_log::{Contents, Position};
use revaer_projections::{PROJECTIONS, Projector, rebuild};

use crate::facts::{FACTS_OF_A_TORRENT, fill};
use crate::log::Log;
use crate::{ROUNDS, line, median};

/// Fills the log, and builds the read models at least once, so that a service that starts on it has nothing to catch up with.
pub(crate) async fn measure(data_dir: &Path, facts: u64, print: bool) {
    let held = Log::open(data_dir).await;
    let log = &held.events;
    let began = Instant::now();
    fill(log, facts / FACTS_OF_A_TORRENT as u64).await;
    println!("  ({facts} facts appended in {:.1} s)", began.elapsed().as_secs_f64());
    // Makes the first generations, which are empty.
    drop(Projector::open(log.clone()).await.expect("the read models are made"));
    if print {
        let (mut reading, mut rebuilding) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let began = Instant::now();
            let mut read = 0;
            let mut replay = log.replay(Position::ZERO, Contents::Facts).await.expect("it reads");
            loop {
                let page = replay.next().await.expect("it reads");
                if page.is_empty() {
                    break;
                }
                read += page.len();
            }
            #[expect(clippy::cast_precision_loss, reason = "a count of some millions")]
            let count = read as f64;
            reading.push(count / began.elapsed().as_secs_f64());
            let began = Instant::now();
            rebuild(log, PROJECTIONS[0]).await.expect("it is built again");
            rebuilding.push(count / began.elapsed().as_secs_f64());
        }
        line("facts/s, torrents rebuilt; other: read", median(reading), median(rebuilding), ">= 0.3");
    } else {
        rebuild(log, PROJECTIONS[0]).await.expect("it is built again");
    }
    for name in &PROJECTIONS[1..] {
        rebuild(log, name).await.expect("it is built again");
    }
    held.close().await;
}
