//! From a kill to every torrent in the session again, against bare libtorrent loading the same resume data.
//!
//! The clock of both runs from the start of the program. The service starts its PostgreSQL within that time, which recovers from
//! its own kill; the lists answer before the session is whole.

use std::path::Path;
use std::time::{Duration, Instant};

use revaer_test_support::ServiceProcess;

use crate::idle::Bare;
use crate::library::Library;
use crate::{ROUNDS, line, median};

/// What the service says when every torrent is in the session.
const SAYS: &str = "every torrent of the log was compared with the session";
const PATIENCE: Duration = Duration::from_mins(2);

/// Kills and starts, in turn with the bare session.
pub(crate) async fn measure(library: &Library, service: &mut ServiceProcess, bare: &Path) {
    settled(service).await;
    let (mut theirs, mut seeding, mut ours, mut listed) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        service.kill9().await;
        let session = Bare::start(bare, library).await;
        theirs.push(session.added_seconds);
        seeding.push(session.seeding_seconds);
        session.end().await;
        let began = Instant::now();
        service.start_again().await;
        service.get_json("/v1/torrents?limit=50").await;
        listed.push(began.elapsed().as_secs_f64());
        settled(service).await;
        ours.push(began.elapsed().as_secs_f64());
    }
    let theirs = median(theirs);
    line("seconds to all torrents in the session; other: bare", theirs, median(ours), "<= 1.3");
    line("seconds to the first page; other: bare, all there", theirs, median(listed), "-");
    println!("  (bare, until all were seen to seed: {:.2} s)", median(seeding));
}

/// Waits until every torrent was compared with the session.
async fn settled(service: &ServiceProcess) {
    let began = Instant::now();
    while !service.said().contains(SAYS) {
        assert!(began.elapsed() < PATIENCE, "the session is not whole\n{}", service.said());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
