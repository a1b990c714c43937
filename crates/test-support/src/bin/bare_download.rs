//! Downloads one torrent by libtorrent and nothing else: what `make bench` measures Revaer against.
//!
//! The session has the settings of Revaer's engine that bear on speed (see [`bare_settings`]), so a difference between the two
//! is what Revaer adds. There is no log, no resume data and no limit here. Prints one line of JSON: how long it took from
//! the add to the end, and how much of the processor this process used meanwhile.

use std::error::Error;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use libtorrent_sys::{AddTorrent, EventKind, Pump, Session, Source, TorrentFlags};
use revaer_test_support::bare_settings;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::json;

/// The one torrent of the session.
const KEY: u64 = 1;
/// The kernel counts a process's time in hundredths of a second, whatever its own clock's rate is.
const TICKS_PER_SECOND: f64 = 100.0;

/// Downloads one torrent by libtorrent alone and says what that took.
#[derive(Parser)]
struct Arguments {
    /// A magnet URI, or a torrent file.
    torrent: String,
    /// Where the files go.
    #[arg(long)]
    save_path: PathBuf,
    /// A peer to try first; a magnet may name one itself.
    #[arg(long)]
    peer: Vec<SocketAddr>,
    /// How old the session is before the add. libtorrent looks once a second for peers to connect to, counted from its start: a
    /// session that has just started meets every add at the same moment of that second, a service at any.
    #[arg(long, default_value_t = 0)]
    age_milliseconds: u64,
    /// Give up after so many seconds.
    #[arg(long, default_value_t = 300)]
    timeout_seconds: u64,
}

fn main() -> ExitCode {
    match download(&Arguments::parse()) {
        Ok(taken) => {
            println!("{taken}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("revaer-bare-download: {error}");
            ExitCode::FAILURE
        }
    }
}

fn download(arguments: &Arguments) -> Result<serde_json::Value, Box<dyn Error>> {
    let source = if arguments.torrent.starts_with("magnet:") {
        Source::Magnet(arguments.torrent.clone())
    } else {
        Source::Metainfo(fs::read(&arguments.torrent)?)
    };
    fs::create_dir_all(&arguments.save_path)?;
    let save_path = arguments.save_path.canonicalize()?.to_string_lossy().into_owned();
    let (session, mut pump) = Session::start(&bare_settings(), None)?;
    std::thread::sleep(Duration::from_millis(arguments.age_milliseconds));

    let (start, used_before) = (Instant::now(), processor_seconds()?);
    session.add(
        KEY,
        &AddTorrent {
            source,
            save_path,
            mask: TorrentFlags::PAUSED | TorrentFlags::AUTO_MANAGED,
            peers: arguments.peer.clone(),
            ..AddTorrent::default()
        },
    )?;
    wait_until_finished(&mut pump, start + Duration::from_secs(arguments.timeout_seconds))?;
    let (wall_seconds, used_after) = (start.elapsed().as_secs_f64(), processor_seconds()?);

    let status = session.status(KEY)?;
    session.shutdown()?;
    Ok(json!({
        "wall_seconds": wall_seconds,
        "cpu_seconds": used_after - used_before,
        "size_bytes": status.total_done,
        "downloaded_bytes": status.all_time_download,
    }))
}

/// Sleeps until alerts come, and looks for the one that ends it.
fn wait_until_finished(pump: &mut Pump, deadline: Instant) -> Result<(), Box<dyn Error>> {
    loop {
        pump.drain_wakeup();
        for event in pump.pump()?.events {
            match event.kind {
                EventKind::Finished => return Ok(()),
                EventKind::TorrentError
                | EventKind::FileError { .. }
                | EventKind::AddFailed
                | EventKind::MetadataFailed => return Err(event.text.into()),
                _ => {}
            }
        }
        let left = deadline.checked_duration_since(Instant::now()).ok_or("it took too long")?;
        poll(&mut [PollFd::new(&pump.as_fd(), PollFlags::IN)], Some(&Timespec::try_from(left)?))?;
    }
}

/// What this process has used, in its own code and in the kernel's: the 14th and 15th word of its line in `/proc`.
fn processor_seconds() -> Result<f64, Box<dyn Error>> {
    let line = fs::read_to_string("/proc/self/stat")?;
    // The program's name comes second, in brackets, and may hold anything.
    let words = line.rsplit_once(')').ok_or("the kernel's line is not as documented")?.1;
    let mut ticks = 0.0;
    for word in words.split_whitespace().skip(11).take(2) {
        ticks += word.parse::<f64>()?;
    }
    Ok(ticks / TICKS_PER_SECOND)
}
