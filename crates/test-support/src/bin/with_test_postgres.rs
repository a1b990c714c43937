//! Runs a command with the shared PostgreSQL of a test run: `with-test-postgres cargo nextest run`.
//!
//! The server is private, disposable and gone when the command ends, also when this program is killed: the kernel sees
//! to that. Its address is handed on in an environment variable; the exit code is the command's.

use std::env;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitCode;

use revaer_test_support::{DATABASE_URL_VARIABLE, disposable_cluster};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::signal::unix::{Signal as Told, SignalKind, signal};

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
    // Listened to before the command starts, or it could end us before we would hand it on.
    let terminate = signal(SignalKind::terminate()).expect("signals can be awaited");
    let interrupt = signal(SignalKind::interrupt()).expect("signals can be awaited");
    let command = Command::new(&program)
        .args(words)
        .env(DATABASE_URL_VARIABLE, cluster.url())
        .kill_on_drop(true)
        .spawn();
    let code = match command {
        Ok(mut child) => attend(&mut child, terminate, interrupt).await,
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

/// Waits for the command, hands on what we are told meanwhile, and gives its exit code.
async fn attend(child: &mut Child, mut terminate: Told, mut interrupt: Told) -> i32 {
    loop {
        tokio::select! {
            status = child.wait() => {
                let status = status.expect("it is our child");
                return status.code().or(status.signal().map(|signal| 128 + signal)).unwrap_or(1);
            }
            // The terminal tells the command too; it ends by itself and says how.
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {
                if let Some(pid) = child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw) {
                    // It may just have ended, which is what was wanted.
                    let _ = kill_process(pid, Signal::TERM);
                }
            }
        }
    }
}
