//! Takes over what a crash left behind.
//!
//! The caller holds the cluster's lock, so whatever server still runs on it has no supervisor any more: it is stopped, and a
//! fresh one started, which is simpler to be sure of than adopting it. Its processes are known by the cluster's identity on
//! their command lines. The process id that the server noted in its own files proves nothing: after a reboot, or in a new
//! container, some other process has it, and the server would then refuse to start for ever.

use std::fs;
use std::io;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::error::{Error, IoContext};
use crate::layout::Layout;

/// How long a forsaken server may take over each way of being stopped.
const PATIENCE: [(Signal, Duration); 3] = [
    (Signal::INT, Duration::from_secs(10)),
    (Signal::QUIT, Duration::from_secs(5)),
    (Signal::KILL, Duration::from_secs(5)),
];

/// A process of a cluster.
struct Found {
    pid: Pid,
    /// Whether it is the main process, or one of its children.
    main: bool,
}

/// Stops every process of the cluster and clears the server's own lock file. Blocks for a bounded time.
pub(crate) fn clear(layout: &Layout) -> Result<(), Error> {
    let found = processes(layout.identity());
    // The main process ends its children itself; children without one are told to end one by one.
    let has_main = found.iter().any(|process| process.main);
    for process in found.iter().filter(|process| process.main || !has_main) {
        tracing::warn!(
            pid = process.pid.as_raw_nonzero().get(),
            "stopping the postgres that a crash left behind"
        );
        stop(process.pid)?;
    }
    for child in processes(layout.identity()) {
        stop(child.pid)?;
    }
    let noted = layout.pgdata().join("postmaster.pid");
    #[expect(clippy::disallowed_methods, reason = "the server's own lock file, whose processes are gone")]
    match fs::remove_file(&noted) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error).context("remove", &noted),
        _ => Ok(()),
    }
}

/// Whether the main process of this cluster runs.
pub(crate) fn is_running(layout: &Layout) -> bool {
    processes(layout.identity()).iter().any(|process| process.main)
}

fn stop(pid: Pid) -> Result<(), Error> {
    let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) else { return Ok(()) };
    for (signal, patience) in PATIENCE {
        if pidfd_send_signal(&process, signal).is_err() {
            return Ok(());
        }
        // A process descriptor becomes readable when its process has ended.
        let patience = Timespec::try_from(patience).expect("seconds fit");
        let ended =
            rustix::io::retry_on_intr(|| poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&patience)));
        if ended.is_ok_and(|ready| ready > 0) {
            return Ok(());
        }
    }
    Err(Error::WontStop { pid: pid.as_raw_nonzero().get().unsigned_abs() })
}

/// The live processes whose command line names the cluster; those of other accounts are readable too.
fn processes(identity: &str) -> Vec<Found> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let processes = entries.flatten().filter_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok().and_then(Pid::from_raw)?;
        let line = fs::read(entry.path().join("cmdline")).ok()?;
        role(&line, identity).map(|main| Found { pid, main })
    });
    processes.collect()
}

/// Whether a command line is that of the cluster's main process (`Some(true)`) or of a child (`Some(false)`).
///
/// The main process carries the argument `cluster_name=<identity>`; children are titled `postgres: <identity>: …`.
fn role(line: &[u8], identity: &str) -> Option<bool> {
    let main = format!("cluster_name={identity}");
    if line.split(|&byte| byte == 0).any(|argument| argument == main.as_bytes()) {
        return Some(true);
    }
    line.starts_with(format!("postgres: {identity}: ").as_bytes()).then_some(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_are_told_apart_by_their_whole_identity() {
        let main = b"/usr/bin/postgres\0-D\0/x\0-c\0cluster_name=revaer-1-2\0";
        assert_eq!(role(main, "revaer-1-2"), Some(true));
        assert_eq!(role(main, "revaer-1-21"), None);
        assert_eq!(role(b"postgres: revaer-1-2: checkpointer \0", "revaer-1-2"), Some(false));
        assert_eq!(role(b"postgres: revaer-1-2: checkpointer \0", "revaer-1-"), None);
        assert_eq!(role(b"vim\0notes on cluster_name=revaer-1-2\0", "revaer-1-2"), None);
    }
}
