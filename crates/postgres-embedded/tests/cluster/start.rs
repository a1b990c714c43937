//! Starting, refusing and stopping.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use revaer_postgres_embedded::{Cluster, Error};

use crate::support::{ask, options, run, sockets_of};

/// Also run as another account, by `accounts`.
#[tokio::test]
async fn cluster_is_made_once_and_keeps_its_rows() {
    let dir = tempfile::tempdir().unwrap();
    let first = Cluster::start(options(dir.path())).await.unwrap();
    run(&first.url(), "CREATE TABLE kept AS SELECT 'still here'::text AS word").await;
    let (url, pid) = (first.url(), first.postmaster_pid());
    first.stop().await.unwrap();
    assert!(ask(&url, "SELECT 'x'").await.is_err(), "a stopped server answers nobody");

    let again = Cluster::start(options(dir.path())).await.unwrap();
    assert_ne!(again.postmaster_pid(), pid);
    assert_eq!(again.url(), url, "the address is the same every time");
    assert_eq!(ask(&url, "SELECT word FROM kept").await.unwrap(), "still here");
    assert_eq!(ask(&url, "SELECT current_database() || ' ' || current_user").await.unwrap(), "revaer revaer");
    again.stop().await.unwrap();
}

#[tokio::test]
async fn server_listens_on_its_private_socket_alone() {
    let dir = tempfile::tempdir().unwrap();
    // An operator's own setting must not open it either.
    let options = options(dir.path()).setting("listen_addresses", "127.0.0.1");
    let cluster = Cluster::start(options).await.unwrap();
    let sockets = sockets_of(cluster.postmaster_pid());
    assert!(!sockets.is_empty(), "it listens somewhere");
    for table in ["/proc/net/tcp", "/proc/net/tcp6", "/proc/net/udp", "/proc/net/udp6"] {
        let lines = fs::read_to_string(table).unwrap_or_default();
        let inodes: Vec<&str> = lines.lines().filter_map(|line| line.split_whitespace().nth(9)).collect();
        assert!(
            !sockets.iter().any(|socket| inodes.contains(&socket.as_str())),
            "a socket of the server is in {table}"
        );
    }
    let closed = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o7777 == 0o700;
    assert!(closed(cluster.socket_dir().to_owned()), "nobody else may reach the socket");
    assert!(closed(dir.path().join("postgres")), "nobody else may read the cluster");
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn second_start_on_a_live_cluster_is_refused_and_harms_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let first = Cluster::start(options(dir.path())).await.unwrap();
    let error = Cluster::start(options(dir.path())).await.expect_err("the first still runs");
    assert!(matches!(error, Error::InUse { .. }), "{error}");
    assert_eq!(ask(&first.url(), "SELECT 'alive'").await.unwrap(), "alive");
    first.stop().await.unwrap();
}

#[tokio::test]
async fn running_cluster_is_found_by_others() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(Cluster::find_running(dir.path()).await, None);
    let cluster = Cluster::start(options(dir.path())).await.unwrap();
    assert_eq!(Cluster::find_running(dir.path()).await.as_ref(), Some(cluster.address()));
    cluster.stop().await.unwrap();
    assert_eq!(Cluster::find_running(dir.path()).await, None);
}

#[tokio::test]
async fn missing_server_is_named_with_what_to_install() {
    let dir = tempfile::tempdir().unwrap();
    let mut options = options(dir.path());
    options.binary_dirs = Some(vec![dir.path().join("no-server-here")]);
    let error = Cluster::start(options).await.expect_err("there is no server");
    let text = error.to_string();
    assert!(text.contains("no-server-here") && text.contains("install the package `postgresql`"), "{text}");
}

#[tokio::test]
async fn data_directory_may_be_long_and_oddly_named() {
    let dir = tempfile::tempdir().unwrap();
    let long = dir.path().join("ein Ordner, 'quoted' & \"doubly\" 100%".repeat(2)).join("длинный".repeat(12));
    let cluster = Cluster::start(options(&long)).await.unwrap();
    let socket_dir = cluster.socket_dir().to_owned();
    assert!(!socket_dir.starts_with(dir.path()), "a socket's path is limited to 107 bytes");
    assert_eq!(ask(&cluster.url(), "SELECT 'reached'").await.unwrap(), "reached");
    assert_eq!(fs::metadata(&socket_dir).unwrap().permissions().mode() & 0o077, 0);
    cluster.stop().await.unwrap();
    assert!(!socket_dir.exists(), "what was made outside the data directory is removed");

    let odd = dir.path().join("a, 'b' \"c\" ü");
    let cluster = Cluster::start(options(&odd)).await.unwrap();
    assert!(cluster.socket_dir().starts_with(&odd));
    assert_eq!(ask(&cluster.url(), "SELECT 'reached'").await.unwrap(), "reached");
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn half_made_cluster_is_thrown_away() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("postgres/data.new/base")).unwrap();
    fs::write(dir.path().join("postgres/data.new/PG_VERSION"), "15").unwrap();
    let cluster = Cluster::start(options(dir.path())).await.unwrap();
    assert_eq!(ask(&cluster.url(), "SELECT 'whole'").await.unwrap(), "whole");
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn server_that_does_not_start_is_quoted() {
    let dir = tempfile::tempdir().unwrap();
    let options = options(dir.path()).setting("shared_buffers", "a lot");
    let error = Cluster::start(options).await.expect_err("the setting is nonsense");
    assert!(matches!(error, Error::EndedEarly { .. }), "{error}");
    assert!(error.to_string().contains("shared_buffers"), "{error}");
}
