//! What the parts share: disposable options, one-shot queries, waiting for a process to end.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use revaer_postgres_embedded::Options;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// Far longer than anything here takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Quick to make; a test that kills processes, not power, loses nothing by it.
pub(crate) fn options(data_dir: &Path) -> Options {
    Options::new(data_dir).disposable()
}

/// Runs one statement on a connection of its own and gives its one value as text.
pub(crate) async fn ask(url: &str, query: &str) -> Result<String, sqlx::Error> {
    let mut connection = PgConnection::connect(url).await?;
    let answer = sqlx::query_scalar(AssertSqlSafe(query.to_owned())).fetch_one(&mut connection).await;
    connection.close().await?;
    answer
}

/// Runs one statement that answers nothing.
pub(crate) async fn run(url: &str, statement: &str) {
    let mut connection = PgConnection::connect(url).await.expect("the server accepts connections");
    sqlx::query(AssertSqlSafe(statement.to_owned()))
        .execute(&mut connection)
        .await
        .expect("the statement runs");
    connection.close().await.expect("the connection closes");
}

/// A process to be told or watched.
pub(crate) fn process(pid: u32) -> Pid {
    i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a process id")
}

/// Whether a process, ours or not, ends within the patience.
pub(crate) fn ends(pid: u32) -> bool {
    let Ok(descriptor) = pidfd_open(process(pid), PidfdFlags::empty()) else { return true };
    let patience = Timespec::try_from(PATIENCE).expect("seconds fit");
    poll(&mut [PollFd::new(&descriptor, PollFlags::IN)], Some(&patience)).is_ok_and(|ready| ready > 0)
}

/// Waits for a condition that nothing announces.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds().await {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The inodes of a process's sockets.
pub(crate) fn sockets_of(pid: u32) -> Vec<String> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).expect("the process is ours to look at");
    let targets = entries.flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
    let names = targets.filter_map(|target| target.to_str().map(str::to_owned));
    names.filter_map(|name| Some(name.strip_prefix("socket:[")?.trim_end_matches(']').to_owned())).collect()
}
