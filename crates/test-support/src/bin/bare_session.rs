//! Keeps many torrents by libtorrent and nothing else: what `make bench-service` measures Revaer against.
//!
//! Every file of a folder is resume data of one torrent. The session has the settings of Revaer's engine that bear on start, memory
//! and rest, so a difference between the two is what Revaer adds. Prints one line of JSON when all torrents were seen to seed: how
//! long after its own start the last was added and the last was seen. Then it takes alerts until its standard input closes.

use std::collections::HashSet;
use std::error::Error;
use std::fs;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use libtorrent_sys::{AddTorrent, EventKind, Pump, Session, Source, State, TorrentFlags};
use revaer_test_support::bare_settings;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::json;

/// Keeps torrents by libtorrent alone.
#[derive(Parser)]
struct Arguments {
    /// A folder with a file of resume data for each torrent.
    resume_data: PathBuf,
    /// Where their files are.
    #[arg(long)]
    save_path: PathBuf,
    /// Give up after so many seconds.
    #[arg(long, default_value_t = 120)]
    timeout_seconds: u64,
}

fn main() -> ExitCode {
    match keep(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("revaer-bare-session: {error}");
            ExitCode::FAILURE
        }
    }
}

fn keep(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let began = Instant::now();
    let (session, mut pump) = Session::start(&bare_settings(), None)?;
    let save_path = arguments.save_path.canonicalize()?.to_string_lossy().into_owned();
    let mut files = fs::read_dir(&arguments.resume_data)?.collect::<Result<Vec<_>, _>>()?;
    files.sort_by_key(fs::DirEntry::file_name);
    let mut missing = HashSet::new();
    for (file, key) in files.iter().zip(1..) {
        let torrent = AddTorrent {
            source: Source::Resume { resume_data: fs::read(file.path())?, metainfo: None },
            save_path: save_path.clone(),
            mask: TorrentFlags::PAUSED | TorrentFlags::AUTO_MANAGED | TorrentFlags::SEED_MODE,
            ..AddTorrent::default()
        };
        session.add(key, &torrent)?;
        missing.insert(key);
    }
    let added_seconds = began.elapsed().as_secs_f64();
    wait_until_seeding(&mut pump, &mut missing, began + Duration::from_secs(arguments.timeout_seconds))?;
    let seeding_seconds = began.elapsed().as_secs_f64();
    println!("{}", json!({ "added_seconds": added_seconds, "seeding_seconds": seeding_seconds }));
    io::stdout().flush()?;
    rest(&mut pump)?;
    session.shutdown()?;
    Ok(())
}

fn wait_until_seeding(
    pump: &mut Pump,
    missing: &mut HashSet<u64>,
    deadline: Instant,
) -> Result<(), Box<dyn Error>> {
    while !missing.is_empty() {
        pump.drain_wakeup();
        for event in pump.pump()?.events {
            match (event.kind, event.key) {
                (EventKind::Finished | EventKind::StateChanged { to: State::Seeding, .. }, Some(key)) => {
                    missing.remove(&key);
                }
                (EventKind::TorrentError | EventKind::FileError { .. }, _) => return Err(event.text.into()),
                _ => {}
            }
        }
        if missing.is_empty() {
            break;
        }
        let left = deadline.checked_duration_since(Instant::now()).ok_or("it took too long")?;
        poll(&mut [PollFd::new(&pump.as_fd(), PollFlags::IN)], Some(&Timespec::try_from(left)?))?;
    }
    Ok(())
}

/// Takes alerts, so that they do not heap up, until nobody wants more.
fn rest(pump: &mut Pump) -> Result<(), Box<dyn Error>> {
    let input = io::stdin();
    loop {
        let (wakeup, closed) = {
            let fd = pump.as_fd();
            let mut waited = [PollFd::new(&fd, PollFlags::IN), PollFd::new(&input, PollFlags::IN)];
            poll(&mut waited, None)?;
            (!waited[0].revents().is_empty(), !waited[1].revents().is_empty())
        };
        if closed && input.lock().read(&mut [0; 64])? == 0 {
            return Ok(());
        }
        if wakeup {
            pump.drain_wakeup();
            for _ in pump.pump()?.events {}
        }
    }
}
