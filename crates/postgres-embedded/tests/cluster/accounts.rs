//! Root, and ordinary users.
//!
//! Run as root, these tests also run parts of this binary as `nobody`; run as an ordinary user, they show that user's side.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::process::{Command, Output};

use revaer_postgres_embedded::{Cluster, Error};

use crate::support::{ask, options};

/// The account `nobody`, by its number on every Linux.
const NOBODY: u32 = 65534;

fn we_are_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Runs one test of this binary as `nobody`.
fn as_nobody(test: &str) -> Output {
    // The binary may lie where nobody else can enter, so a copy is run; made by another process, since a program that we
    // hold open for writing, or a child of ours still does, cannot be run.
    let open = tempfile::tempdir().expect("a directory can be made");
    fs::set_permissions(open.path(), fs::Permissions::from_mode(0o755)).expect("it is ours");
    let copy = open.path().join("cluster-tests");
    let program = std::env::current_exe().expect("a test knows its own program");
    let copied = Command::new("cp").arg(program).arg(&copy).status().expect("cp is part of the system");
    assert!(copied.success(), "a program can be copied");
    Command::new("setpriv")
        .args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "--"])
        .arg(&copy)
        .args(["--exact", test, "--nocapture"])
        .current_dir("/")
        .env("TMPDIR", "/tmp")
        .output()
        .expect("setpriv is part of the system")
}

#[test]
fn ordinary_user_needs_no_privilege() {
    if !we_are_root() {
        return; // Then every test of this binary shows it.
    }
    for test in [
        "start::cluster_is_made_once_and_keeps_its_rows",
        "crashes::server_ends_with_a_killed_process_and_its_cluster_is_taken_over",
    ] {
        let output = as_nobody(test);
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && said.contains("1 passed"),
            "{said}{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

#[tokio::test]
async fn root_runs_the_server_as_somebody_else_even_in_a_closed_directory() {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let cluster = Cluster::start(options(&dir.path().join("closed"))).await.unwrap();
    let owner = fs::metadata(format!("/proc/{}", cluster.postmaster_pid())).unwrap().uid();
    assert_ne!(owner, 0, "the server never runs as root");
    assert_eq!(owner == rustix::process::geteuid().as_raw(), !we_are_root());
    assert_eq!(ask(&cluster.url(), "SELECT 'reached'").await.unwrap(), "reached");
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn cluster_of_another_account_stays_that_accounts() {
    let dir = tempfile::tempdir().unwrap();
    if we_are_root() {
        fs::create_dir(dir.path().join("postgres")).unwrap();
        chown(dir.path().join("postgres"), Some(NOBODY), Some(NOBODY)).unwrap();
        let cluster = Cluster::start(options(dir.path())).await.unwrap();
        assert_eq!(fs::metadata(format!("/proc/{}", cluster.postmaster_pid())).unwrap().uid(), NOBODY);
        cluster.stop().await.unwrap();
    } else {
        std::os::unix::fs::symlink("/usr", dir.path().join("postgres")).unwrap();
        let error = Cluster::start(options(dir.path())).await.expect_err("the folder is root's");
        assert!(matches!(error, Error::NotOwned { owner: 0, .. }), "{error}");
    }
}
