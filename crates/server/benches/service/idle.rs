//! Memory and processor with many seeding torrents and one client of the events, against a bare session that does nothing but
//! keep the same torrents. Both run at the same time, through the same windows.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use revaer_test_support::ServiceProcess;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::library::{Library, address};
use crate::process::{anonymous_bytes, anonymous_bytes_of_postgres, cpu_seconds, cpu_seconds_of_postgres};
use crate::stream::Stream;
use crate::{ROUNDS, line, median};

/// What follows a start: torrents that are looked at, observations that are no news.
const SETTLING: Duration = Duration::from_secs(15);
/// One measurement of the processor.
const WINDOW: Duration = Duration::from_secs(20);
const MIB: f64 = 1024.0 * 1024.0;

/// Looks at a service that runs and at a bare session that is started for it.
pub(crate) async fn measure(library: &Library, service: &ServiceProcess, bare: &Path) {
    let bare = Bare::start(bare, library).await;
    let follower = Stream::open(address(service), "after=0").await;
    tokio::time::sleep(SETTLING).await;
    let (mut theirs, mut ours, mut postgres) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let used =
            || (cpu_seconds(bare.pid), cpu_seconds(service.pid()), cpu_seconds_of_postgres(service.pid()));
        let before = used();
        tokio::time::sleep(WINDOW).await;
        let after = used();
        let percent = |before: f64, after: f64| (after - before) / WINDOW.as_secs_f64() * 100.0;
        theirs.push(percent(before.0, after.0));
        ours.push(percent(before.1, after.1));
        postgres.push(percent(before.2, after.2));
    }
    let (memory_bare, memory) = (anonymous_bytes(bare.pid), anonymous_bytes(service.pid()));
    line("MiB of anonymous memory; other: bare", memory_bare / MIB, memory / MIB, "<= 1.3");
    println!("  (and of its PostgreSQL: {:.1} MiB)", anonymous_bytes_of_postgres(service.pid()) / MIB);
    let (theirs, ours, postgres) = (median(theirs), median(ours), median(postgres));
    line("percent of one processor at rest; other: bare", theirs, ours, "+ 0.3 points");
    println!("  ({:.2} points more; and of its PostgreSQL: {postgres:.2} %)", ours - theirs);
    drop(follower);
    bare.end().await;
}

/// A bare session that has loaded everything.
pub(crate) struct Bare {
    process: Child,
    pub(crate) pid: u32,
    pub(crate) added_seconds: f64,
    pub(crate) seeding_seconds: f64,
}

impl Bare {
    /// Starts it, and waits until all torrents were seen to seed.
    pub(crate) async fn start(program: &Path, library: &Library) -> Self {
        let mut command = Command::new(program);
        command.arg(library.resume_data()).arg("--save-path").arg(library.downloads());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().expect("the bare session is built");
        let output = process.stdout.take().expect("it was asked for");
        let said = BufReader::new(output).lines().next_line().await.expect("it says something");
        let said: Value =
            serde_json::from_str(&said.expect("it says how long it took")).expect("it speaks JSON");
        let seconds = |name: &str| said[name].as_f64().expect("a number");
        let pid = process.id().expect("it runs");
        Self {
            pid,
            added_seconds: seconds("added_seconds"),
            seeding_seconds: seconds("seeding_seconds"),
            process,
        }
    }

    /// Ends it by closing its standard input.
    pub(crate) async fn end(mut self) {
        drop(self.process.stdin.take());
        self.process.wait().await.expect("it ends");
    }
}
