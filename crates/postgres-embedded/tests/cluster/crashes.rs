//! Death of the server, and death of whoever started it.

use std::fs;
use std::path::Path;
use std::time::Duration;

use revaer_postgres_embedded::{Cluster, Error, Lifetime, Options};
use rustix::process::{Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

use crate::support::{PATIENCE, ask, ends, options, process, run, until};

/// Tells the part of this binary that is to be killed where to work.
const VICTIM_DIR: &str = "REVAER_TEST_VICTIM_DIR";

#[tokio::test]
#[ignore = "a process that other tests start and kill"]
async fn victim() {
    #[expect(clippy::disallowed_methods, reason = "the only way to hand a value to a test")]
    let dir = std::env::var(VICTIM_DIR).expect("another test starts this one");
    let cluster = Cluster::start(options(Path::new(&dir))).await.unwrap();
    println!("\nready {}", cluster.postmaster_pid());
    std::future::pending::<()>().await;
}

/// Starts the process to be killed; gives it and the id of its server.
async fn start_victim(dir: &Path) -> (Child, u32) {
    let mut child = Command::new(std::env::current_exe().expect("a test knows its own program"))
        .args(["--exact", "crashes::victim", "--ignored", "--nocapture"])
        .env(VICTIM_DIR, dir)
        .stdout(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("a test can run itself");
    let mut lines = BufReader::new(child.stdout.take().expect("it was asked for")).lines();
    loop {
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await.expect("it gets ready in time");
        let line = line.expect("it speaks UTF-8");
        if let Some(pid) = line.expect("it says that it is ready").strip_prefix("ready ") {
            return (child, pid.parse().expect("a process id"));
        }
    }
}

#[tokio::test]
async fn server_ends_with_a_killed_process_and_its_cluster_is_taken_over() {
    let dir = tempfile::tempdir().unwrap();
    let (mut victim, postmaster) = start_victim(dir.path()).await;
    let address = Cluster::find_running(dir.path()).await.expect("it runs");
    run(&address.url(), "CREATE TABLE kept AS SELECT 'survived'::text AS word").await;
    victim.kill().await.unwrap();

    // At once: the old server may still be ending.
    let cluster = Cluster::start(options(dir.path())).await.unwrap();
    assert!(ends(postmaster), "nobody left the old server running");
    assert_eq!(ask(&cluster.url(), "SELECT word FROM kept").await.unwrap(), "survived");
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn server_of_a_killed_process_ends_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let (mut victim, postmaster) = start_victim(dir.path()).await;
    victim.kill().await.unwrap();
    assert!(ends(postmaster), "the kernel tells it");
}

#[tokio::test]
async fn forsaken_server_is_stopped_and_its_rows_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let left = Cluster::start(Options { lifetime: Lifetime::Detached, ..options(dir.path()) }).await.unwrap();
    let forsaken = left.postmaster_pid();
    let address = left.leave();
    run(&address.url(), "CREATE TABLE kept AS SELECT 'taken over'::text AS word").await;

    let cluster = Cluster::start(options(dir.path())).await.unwrap();
    assert_ne!(cluster.postmaster_pid(), forsaken);
    assert!(ends(forsaken));
    assert_eq!(ask(&cluster.url(), "SELECT word FROM kept").await.unwrap(), "taken over");
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn stranger_with_the_noted_process_id_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    Cluster::start(options(dir.path())).await.unwrap().stop().await.unwrap();
    let mut stranger = Command::new("sleep").arg("600").kill_on_drop(true).spawn().unwrap();
    let pid = stranger.id().unwrap();
    // As after a reboot: the note is of a server long gone, and somebody else has its id.
    fs::write(
        dir.path().join("postgres/data/postmaster.pid"),
        format!("{pid}\n/x\n1\n5432\n../run\n\n  1 2\nready\n"),
    )
    .unwrap();
    assert_eq!(Cluster::find_running(dir.path()).await, None, "a note is not a server");

    let cluster = Cluster::start(options(dir.path())).await.unwrap();
    assert!(stranger.try_wait().unwrap().is_none(), "the stranger lives");
    assert_eq!(ask(&cluster.url(), "SELECT 'fine'").await.unwrap(), "fine");
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn supervised_server_comes_back_after_being_killed_and_stops_at_shutdown() {
    let dir = tempfile::tempdir().unwrap();
    let cluster = Cluster::start(options(dir.path())).await.unwrap();
    let (url, first) = (cluster.url(), cluster.postmaster_pid());
    run(&url, "CREATE TABLE kept AS SELECT 'durable'::text AS word").await;
    let shutdown = CancellationToken::new();
    let supervisor = tokio::spawn(cluster.run(shutdown.clone()));

    for _ in 0..2 {
        let pid: u32 = note(dir.path()).expect("it runs");
        kill_process(process(pid), Signal::KILL).unwrap();
        until("the server comes back under another id", async || {
            note(dir.path()).is_some_and(|now| now != pid) && ask(&url, "SELECT word FROM kept").await.is_ok()
        })
        .await;
    }
    let last = note(dir.path()).expect("it runs");
    assert_ne!(last, first);
    shutdown.cancel();
    tokio::time::timeout(PATIENCE, supervisor).await.unwrap().unwrap().unwrap();
    assert!(ends(last), "it is stopped before `run` returns");
}

#[tokio::test]
async fn supervisor_gives_up_on_a_server_that_cannot_start() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { restarts_max: 2, start_timeout: Duration::from_secs(10), ..options(dir.path()) };
    let cluster = Cluster::start(options).await.unwrap();
    let pid = cluster.postmaster_pid();
    fs::write(dir.path().join("postgres/data/global/pg_control"), "torn").unwrap();
    kill_process(process(pid), Signal::KILL).unwrap();
    let outcome = tokio::time::timeout(PATIENCE, cluster.run(CancellationToken::new())).await.unwrap();
    assert!(matches!(outcome, Err(Error::GaveUp { restarts: 2, last: Some(_) })), "{outcome:?}");
}

/// The id that the server noted.
fn note(dir: &Path) -> Option<u32> {
    fs::read_to_string(dir.join("postgres/data/postmaster.pid")).ok()?.lines().next()?.parse().ok()
}
