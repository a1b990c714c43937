//! Runs a command with the shared PostgreSQL of a test run: `with-test-postgres cargo nextest run`.
//!
//! The server is private, disposable and gone when the command ends, also when this program is killed: the kernel sees
//! to that. Its address is handed on in an environment variable; the exit code is the command's.

use std::env;
use std::process::ExitCode;

use revaer_test_support::{DATABASE_URL_VARIABLE, disposable_cluster};
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut words = env::args_os().skip(1);
    let Some(program) = words.next() else {
        eprintln!("usage: with-test-postgres <command> [argument...]");
        return ExitCode::from(2);
    };
    let dir = tempfile::tempdir().expect("a temporary directory can be made");
    let cluster = match disposable_cluster(dir.path()).await {
        Ok(cluster) => cluster,
        Err(error) => {
            eprintln!("with-test-postgres: {error}");
            return ExitCode::FAILURE;
        }
    };
    let command = Command::new(&program)
        .args(words)
        .env(DATABASE_URL_VARIABLE, cluster.url())
        .kill_on_drop(true)
        .spawn();
    let code = match command {
        Ok(mut child) => {
            let mut terminate = signal(SignalKind::terminate()).expect("signals can be awaited");
            let mut interrupt = signal(SignalKind::interrupt()).expect("signals can be awaited");
            tokio::select! {
                status = child.wait() => status.ok().and_then(|status| status.code()).unwrap_or(1),
                _ = terminate.recv() => 143,
                // The terminal has told the command too; it ends by itself and says how.
                _ = interrupt.recv() => child.wait().await.ok().and_then(|status| status.code()).unwrap_or(130),
            }
        }
        Err(error) => {
            eprintln!("with-test-postgres: cannot run {}: {error}", program.display());
            127
        }
    };
    if let Err(error) = cluster.stop().await {
        eprintln!("with-test-postgres: {error}");
    }
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}
