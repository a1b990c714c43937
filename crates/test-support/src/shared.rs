//! The one PostgreSQL that all tests of a run share.
//!
//! The test runner starts it and names it in [`DATABASE_URL_VARIABLE`]. Without the variable, so that any test can be run alone,
//! the first test process starts one under the target directory and leaves it running for the next. It never flushes, so
//! it is as fast as memory, and what an earlier one left is thrown away rather than trusted.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};

use revaer_postgres_embedded::{Cluster, Lifetime, Options};
use rustix::fs::{FlockOperation, flock};

/// Names the shared server: the connection string of any of its databases, as a role that may create databases.
pub const DATABASE_URL_VARIABLE: &str = "REVAER_TEST_DATABASE_URL";

/// How a server for tests is run: disposable, and with room for many tests' pools at once.
pub(crate) fn options(data_dir: &Path) -> Options {
    Options::new(data_dir).disposable().setting("max_connections", "400").setting("max_wal_size", "4GB")
}

/// Starts a server for a whole run of tests in `data_dir`; it ends with the process.
pub async fn disposable_cluster(data_dir: &Path) -> Result<Cluster, revaer_postgres_embedded::Error> {
    Cluster::start(options(data_dir)).await
}

/// The shared server's connection string; starts one if there is none.
pub(crate) async fn url() -> String {
    #[expect(clippy::disallowed_methods, reason = "the test runner has no other way to tell its tests")]
    if let Ok(url) = std::env::var(DATABASE_URL_VARIABLE) {
        return url;
    }
    let dir = directory();
    // Held until the server runs: one test process of many starts it.
    let _lock = tokio::task::spawn_blocking({
        let path = dir.with_extension("lock");
        move || exclusive(&path)
    })
    .await
    .expect("locking does not panic");
    if let Some(address) = Cluster::find_running(&dir).await {
        return address.url();
    }
    #[expect(clippy::disallowed_methods, reason = "a torn test cluster, never a user's file")]
    let _ = fs::remove_dir_all(&dir);
    let options = Options { lifetime: Lifetime::Detached, ..options(&dir) };
    Cluster::start(options).await.expect("a PostgreSQL for tests starts").leave().url()
}

/// A folder for each account, since root and an ordinary user cannot share a cluster.
fn directory() -> PathBuf {
    let name = format!("test-postgres-{}", rustix::process::geteuid().as_raw());
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target");
    let usable = fs::create_dir_all(target.join(&name)).is_ok();
    if usable { target.join(name) } else { std::env::temp_dir().join(format!("revaer-{name}")) }
}

fn exclusive(path: &Path) -> File {
    let file =
        OpenOptions::new().create(true).truncate(false).write(true).open(path).expect("the lock file opens");
    flock(&file, FlockOperation::LockExclusive).expect("a lock file can be locked");
    file
}
