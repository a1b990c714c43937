//! Makes a new cluster, wholly or not at all.
//!
//! `initdb` and the first database are made under a provisional name, which becomes the real one by one rename: a crash in
//! between leaves something that is recognised and thrown away, never a cluster without its database.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::account::Account;
use crate::address::{DATABASE, USER};
use crate::binaries::Binaries;
use crate::error::{Error, IoContext};
use crate::layout::{Handed, Layout};

/// Whether making the cluster waits until it is on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sync {
    /// Yes: it survives a power cut.
    Disk,
    /// No: it is for a test.
    Skip,
}

/// Makes the cluster of `layout`. Blocking; takes a second or two.
pub(crate) fn initialise(layout: &Layout, binaries: &Binaries, sync: Sync) -> Result<(), Error> {
    let provisional = layout.home.join("data.new");
    #[expect(
        clippy::disallowed_methods,
        reason = "the remains of our own unfinished cluster, never a user's file"
    )]
    match fs::remove_dir_all(&provisional) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(error).context("clear", &provisional);
        }
        _ => {}
    }
    fs::DirBuilder::new().mode(0o700).create(&provisional).context("make", &provisional)?;
    let account = layout.account;
    if account.switch {
        chown(&provisional, Some(account.uid), Some(account.gid)).context("give away", &provisional)?;
    }
    init_db(&provisional, account, binaries, sync)?;
    create_database(&provisional, account, binaries)?;
    #[expect(clippy::disallowed_methods, reason = "our own new cluster takes its name, never a user's file")]
    fs::rename(&provisional, layout.pgdata()).context("put in place", &layout.pgdata())
}

fn init_db(pgdata: &Path, account: Account, binaries: &Binaries, sync: Sync) -> Result<(), Error> {
    let handed = Handed::to(account, pgdata)?;
    let mut command = as_account(&binaries.initdb, account);
    // The collation compares by code point, alike on every machine; its character classes know all of Unicode, which a
    // case-insensitive search for a name relies on.
    command.args([
        "--encoding=UTF8",
        "--locale=C.UTF-8",
        "--lc-messages=C",
        "--auth=trust",
        "--no-instructions",
    ]);
    command.arg("--username").arg(USER).arg("-D").arg(handed.path());
    if sync == Sync::Skip {
        command.arg("--no-sync");
    }
    finished("initdb", command.stdin(Stdio::null()).output().context("run", &binaries.initdb)?)
}

/// Makes the service's database through the server's single-user mode, which needs no connection.
fn create_database(pgdata: &Path, account: Account, binaries: &Binaries) -> Result<(), Error> {
    let handed = Handed::to(account, pgdata)?;
    let mut command = as_account(&binaries.postgres, account);
    command.arg("--single").arg("-D").arg(handed.path()).args(["-c", "exit_on_error=on", "postgres"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("run", &binaries.postgres)?;
    let mut input = child.stdin.take().expect("standard input was asked for");
    // A server that ended already says why in its output, so a broken pipe is no news.
    let _ = input.write_all(format!("CREATE DATABASE {DATABASE}\n").as_bytes());
    drop(input);
    finished("postgres --single", child.wait_with_output().context("run", &binaries.postgres)?)
}

/// A program started as `account`, from a directory that every account can enter.
pub(crate) fn as_account(program: &Path, account: Account) -> Command {
    let mut command = Command::new(program);
    // PostgreSQL would tell the supervisor of this process that it is ready, which is not its own to tell.
    command.current_dir("/").env("LC_ALL", "C").env_remove("NOTIFY_SOCKET");
    if account.switch {
        // The standard library drops the supplementary groups of root along with its ids.
        command.uid(account.uid).gid(account.gid);
    }
    command
}

fn finished(step: &'static str, output: Output) -> Result<(), Error> {
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let tail: Vec<&str> = said.lines().rev().take(12).collect();
    let tail: Vec<&str> = tail.into_iter().rev().map(str::trim).collect();
    Err(Error::Initialise { step, status: output.status.to_string(), output: tail.join("; ") })
}
