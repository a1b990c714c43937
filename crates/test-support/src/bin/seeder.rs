//! Seeds a folder on loopback as a process of its own, for demonstrations and for tests that kill things.
//!
//! Prints one line of JSON when it is ready (`magnet`, `address`, `port`, `path`, `size_bytes`, `files`) and gives until its
//! standard input closes or it is told to end. Its last line says how much it gave in all (`uploaded_bytes`): what a
//! downloader says of itself can so be held against its peer. The folder can be made on the spot from a few numbers.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use libtorrent_sys::Format;
use revaer_test_support::{Payload, Seeder, SeederOptions};
use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::signal::unix::{SignalKind, signal};

/// libtorrent adds up once a second what it gave; then the last of it is counted.
const COUNTED_AFTER: Duration = Duration::from_millis(1200);

/// Seeds a file or folder on loopback until its standard input closes.
#[derive(Parser)]
struct Arguments {
    /// What to seed; with `--files`, where to make it.
    path: PathBuf,
    /// Make a folder of this many files in PATH, and seed that.
    #[arg(long, requires = "bytes")]
    files: Option<usize>,
    /// How many bytes they have in all.
    #[arg(long, requires = "files")]
    bytes: Option<u64>,
    /// Another number makes other content.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Which kind of torrent to make.
    #[arg(long, value_enum, default_value_t = Kind::V1)]
    format: Kind,
    /// How fast to give.
    #[arg(long)]
    upload_bytes_per_second: Option<u32>,
    /// Write the torrent file here.
    #[arg(long)]
    torrent_file: Option<PathBuf>,
}

/// The formats of a torrent, as they are written on a command line.
#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    V1,
    V2,
    Hybrid,
}

impl From<Kind> for Format {
    fn from(kind: Kind) -> Format {
        match kind {
            Kind::V1 => Format::V1,
            Kind::V2 => Format::V2,
            Kind::Hybrid => Format::Hybrid,
        }
    }
}

fn main() -> ExitCode {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
    let ended = runtime.block_on(seed(Arguments::parse()));
    // Not dropped in order: the thread that reads standard input would be waited for, and it may stay open.
    runtime.shutdown_background();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("revaer-seeder: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn seed(arguments: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let path = match (arguments.files, arguments.bytes) {
        (Some(files), Some(bytes)) => {
            fs::create_dir_all(&arguments.path)?;
            Payload::create(&arguments.path.canonicalize()?, arguments.seed, files, bytes)?.root().to_owned()
        }
        _ => arguments.path.canonicalize()?,
    };
    let options = SeederOptions {
        format: arguments.format.into(),
        upload_bytes_per_second: arguments.upload_bytes_per_second,
        ..SeederOptions::default()
    };
    let seeder = Seeder::start(&path, &options)?;
    if let Some(file) = arguments.torrent_file {
        fs::write(file, seeder.metainfo())?;
    }
    let (files, size_bytes) = measure(&path)?;
    let address = seeder.addr();
    println!(
        "{}",
        json!({
            "magnet": seeder.magnet(),
            "address": address.to_string(),
            "port": address.port(),
            "path": path,
            "files": files,
            "size_bytes": size_bytes,
        })
    );
    until_told().await?;
    tokio::time::sleep(COUNTED_AFTER).await;
    println!("{}", json!({ "uploaded_bytes": seeder.uploaded_bytes()? }));
    Ok(())
}

/// Waits for the end of standard input or for a signal.
async fn until_told() -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut input = tokio::io::stdin();
    let mut ignored = [0; 64];
    let closed = async { while input.read(&mut ignored).await.is_ok_and(|read| read > 0) {} };
    tokio::select! {
        () = closed => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

fn measure(path: &Path) -> std::io::Result<(u64, u64)> {
    if path.is_file() {
        return Ok((1, path.metadata()?.len()));
    }
    fs::read_dir(path)?.try_fold((0, 0), |(files, bytes), entry| {
        let (more_files, more_bytes) = measure(&entry?.path())?;
        Ok((files + more_files, bytes + more_bytes))
    })
}
