//! One run of the server's main process.
//!
//! A thread of its own starts the server and then waits for it. The kernel ties the signal that ends the server with us to
//! the *thread* that started it, so that thread has to live exactly as long as the server: a pool's thread may end sooner.
//! Signals go through a process descriptor, so they can never hit a stranger that got a recycled id.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{ChildStderr, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tokio::sync::{oneshot, watch};

use crate::binaries::Binaries;
use crate::error::{Error, IoContext};
use crate::initialise::as_account;
use crate::layout::{Handed, Layout, assignment};
use crate::options::{Lifetime, Options};
use crate::server_log::ServerLog;

/// How long a server may take over an immediate stop, and then over being killed.
const LAST_RESORT: Duration = Duration::from_secs(5);
/// How long the rest of the log of an ended server is waited for.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// A running (or ended) server.
#[derive(Debug)]
pub(crate) struct Postmaster {
    pid: Pid,
    descriptor: OwnedFd,
    ended: watch::Receiver<Option<ExitStatus>>,
    lifetime: Lifetime,
    pub(crate) log: ServerLog,
}

impl Postmaster {
    /// Starts the server; it is not ready yet.
    pub(crate) async fn spawn(
        layout: &Layout,
        binaries: &Binaries,
        options: &Options,
    ) -> Result<Postmaster, Error> {
        let log = ServerLog::default();
        let (started_tx, started) = oneshot::channel();
        let (ended_tx, ended) = watch::channel(None);
        let task = (layout.clone(), binaries.clone(), options.clone(), log.clone());
        thread::Builder::new()
            .name(String::from("postgres"))
            .spawn(move || {
                let (layout, binaries, options, log) = task;
                match start(&layout, &binaries, &options) {
                    Ok((mut child, pid, descriptor)) => {
                        let log_read = child.stderr.take().map(|pipe| follow_log(log, pipe));
                        let _ = started_tx.send(Ok((pid, descriptor)));
                        // Waiting fails only for a process that is not our child.
                        let status = child.wait().expect("the server is our child");
                        // Its last words explain its end, so they are heard first; its children may hold the pipe longer.
                        let _ = log_read.map(|log_read| log_read.recv_timeout(LAST_WORDS));
                        let _ = ended_tx.send(Some(status));
                    }
                    Err(error) => {
                        let _ = started_tx.send(Err(error));
                    }
                }
            })
            .context("start a thread for", &binaries.postgres)?;
        let (pid, descriptor) = started.await.expect("the thread answers before it ends")?;
        Ok(Postmaster { pid, descriptor, ended, lifetime: options.lifetime, log })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// How the server ended, once it has.
    pub(crate) async fn ended(&self) -> ExitStatus {
        let mut ended = self.ended.clone();
        let status = ended.wait_for(Option::is_some).await.expect("the thread reports before it ends");
        status.expect("it was waited for")
    }

    /// Stops the server: in order within `patience`, then at once, then by force.
    pub(crate) async fn stop(&self, patience: Duration) -> Result<(), Error> {
        for (signal, patience) in
            [(Signal::INT, patience), (Signal::QUIT, LAST_RESORT), (Signal::KILL, LAST_RESORT)]
        {
            self.signal(signal);
            if tokio::time::timeout(patience, self.ended()).await.is_ok() {
                return Ok(());
            }
            tracing::warn!(pid = self.pid(), ?signal, ?patience, "postgres does not stop");
        }
        Err(Error::WontStop { pid: self.pid() })
    }

    fn signal(&self, signal: Signal) {
        // The only refusal possible is that it has ended, which is what was wanted.
        let _ = pidfd_send_signal(&self.descriptor, signal);
    }
}

/// Reads the log on a thread of its own; the receiver is cut off when the log has ended.
fn follow_log(log: ServerLog, pipe: ChildStderr) -> mpsc::Receiver<()> {
    let (open, log_read) = mpsc::channel();
    let follow = thread::Builder::new().name(String::from("postgres-log"));
    follow
        .spawn(move || {
            log.follow(pipe);
            drop(open);
        })
        .expect("the system has threads left");
    log_read
}

impl Drop for Postmaster {
    /// A server that nobody stopped is at least told to end; nobody waits for it.
    fn drop(&mut self) {
        if self.lifetime == Lifetime::WithProcess {
            self.signal(Signal::INT);
        }
    }
}

fn start(
    layout: &Layout,
    binaries: &Binaries,
    options: &Options,
) -> Result<(std::process::Child, Pid, OwnedFd), Error> {
    let handed = Handed::to(layout.account, &layout.pgdata())?;
    let mut command = match options.lifetime {
        Lifetime::WithProcess if has_setpriv() => {
            let mut command = as_account(Path::new("setpriv"), layout.account);
            command.args(["--pdeathsig", "INT", "--"]).arg(&binaries.postgres);
            command
        }
        Lifetime::WithProcess | Lifetime::Detached => as_account(&binaries.postgres, layout.account),
    };
    command.arg("-D").arg(handed.path());
    for (name, value) in &options.extra_settings {
        command.arg("-c").arg(format!("{name}={value}"));
    }
    for (name, value) in [
        ("listen_addresses", ""),
        ("unix_socket_permissions", "0700"),
        ("cluster_name", layout.identity()),
        ("logging_collector", "off"),
        ("log_destination", "stderr"),
        ("log_line_prefix", ""),
        // Statements can hold secrets, and a refused one is its sender's news.
        ("log_min_error_statement", "panic"),
        ("timezone", "UTC"),
        // Compiling takes longer than any statement of ours, and needs memory that is written and then run, which a hardened
        // unit of systemd forbids.
        ("jit", "off"),
    ] {
        command.arg("-c").arg(format!("{name}={value}"));
    }
    command.arg("-c").arg(assignment("unix_socket_directories", layout.socket_dir_for_server()));
    let stderr = match options.lifetime {
        Lifetime::WithProcess => Stdio::piped(),
        // Nobody would read a pipe after we are gone.
        Lifetime::Detached => Stdio::null(),
    };
    // A group of its own: Ctrl-C at the terminal is for the service, which stops the server last.
    command.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr);
    let child = command.spawn().context("run", &binaries.postgres)?;
    let pid =
        i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a process id is a positive number");
    let descriptor = pidfd_open(pid, PidfdFlags::empty()).context("watch", &binaries.postgres)?;
    Ok((child, pid, descriptor))
}

/// Whether the tool is here that asks the kernel to end a program with its parent (it is part of every Debian).
///
/// Without it a server that outlives a killed service is found and stopped at the next start.
fn has_setpriv() -> bool {
    let found: io::Result<ExitStatus> =
        Command::new("setpriv").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    found.is_ok_and(|status| status.success())
}
