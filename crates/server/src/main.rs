//! `revaerd`: serves, and does to a data directory what is not for clients.
//!
//! This file reads the command line and the environment, and nothing else does. What a command needs is passed to it.

mod app;
mod backup;
mod commands;
mod config;
mod database;
mod edge;
mod exit;
mod health;
mod instance;
mod logging;
mod metainfo;
mod part;
mod ports;
mod retention;
mod running;
mod server_key;
mod signals;
mod supervisor;
mod telemetry;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use revaer_application::Override;
use revaer_event_log::{Contents, Position};
use serde_json::json;

use crate::config::Config;
use crate::supervisor::Supervisor;

/// A headless torrent service with a memory.
#[derive(Debug, Parser)]
#[command(name = "revaerd", version, about)]
struct Arguments {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    serve: Serve,
    /// How the log is written to stderr; how much of it is the setting `telemetry.log_level`, unless RUST_LOG is set.
    #[arg(long, global = true, value_name = "FORMAT", value_enum, default_value = "text")]
    log_format: logging::Format,
    #[command(subcommand)]
    command: Option<Command>,
}

/// Where the service keeps its memory.
#[derive(Debug, Args)]
struct Place {
    /// Holds the private PostgreSQL and the downloads.
    #[arg(long, global = true, value_name = "DIR", default_value = "./revaer-data")]
    data_dir: PathBuf,
    /// A PostgreSQL of your own; without it a private one is kept in the data directory.
    #[arg(long, global = true, value_name = "URL", env = "DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
    /// How long a database that is away at the start is waited for.
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 60)]
    database_wait_seconds: u64,
}

/// How it serves.
#[derive(Debug, Args)]
struct Serve {
    /// Where to listen; wins over the setting `http.listen`. A loopback address, until the setup is complete.
    #[arg(long, global = true, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Holds a token that completes the setup, also from elsewhere: for installations without anybody there. 128 random bits
    /// or more, in text.
    #[arg(long, value_name = "FILE")]
    setup_token_file: Option<PathBuf>,
    /// Where the files go; wins over the setting `engine.download_root`.
    #[arg(long, value_name = "DIR")]
    download_root: Option<PathBuf>,
    /// Where to listen for peers, in libtorrent's form; wins over the setting `engine.listen_interfaces`.
    #[arg(long, value_name = "INTERFACES")]
    peer_listen: Option<String>,
    /// Whether peers are spoken to over uTP too, which makes way for other traffic; wins over the setting `engine.utp`.
    #[arg(long, value_name = "BOOL")]
    utp: Option<bool>,
    /// Samples of progress a second, 1 to 10; wins over the setting `engine.progress_hertz`.
    #[arg(long, value_name = "HERTZ", value_parser = clap::value_parser!(u8).range(1..=10))]
    progress_hertz: Option<u8>,
    /// How often the resume data of a torrent that receives pieces is saved; wins over the setting.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    resume_save_interval_seconds: Option<u64>,
    /// After how many received bytes it is saved earlier; wins over the setting.
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(1 << 14..))]
    resume_save_bytes: Option<u64>,
}

impl Serve {
    /// What wins over the settings, in the form of their values.
    fn overrides(&self) -> std::io::Result<Vec<Override>> {
        let root = self.download_root.as_ref().map(std::path::absolute).transpose()?;
        let root = root.map(|root| json!(root.to_string_lossy()));
        let given = [
            ("/http/listen", "--listen", self.listen.map(|address| json!(address))),
            ("/engine/download_root", "--download-root", root),
            ("/engine/listen_interfaces", "--peer-listen", self.peer_listen.as_ref().map(|text| json!(text))),
            ("/engine/utp", "--utp", self.utp.map(|utp| json!(utp))),
            ("/engine/progress_hertz", "--progress-hertz", self.progress_hertz.map(|hertz| json!(hertz))),
            (
                "/engine/resume_save_interval_seconds",
                "--resume-save-interval-seconds",
                self.resume_save_interval_seconds.map(|seconds| json!(seconds)),
            ),
            (
                "/engine/resume_save_bytes",
                "--resume-save-bytes",
                self.resume_save_bytes.map(|bytes| json!(bytes)),
            ),
        ];
        let given = given
            .into_iter()
            .filter_map(|(pointer, flag, value)| value.map(|value| Override { pointer, flag, value }));
        Ok(given.collect())
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve until told to end (the default).
    Serve,
    /// Bring the database's schema up to date.
    Migrate,
    /// Build a read model again, beside the one that is being read.
    Rebuild {
        /// `torrents`, `torrent_files` or `audit`.
        projection: String,
    },
    /// Print or recount the log, also while the service runs.
    #[command(subcommand)]
    Log(LogCommand),
    /// Write all that the service remembers into one file, also while it runs. Downloads are not in it.
    Backup {
        /// The file to be made.
        file: PathBuf,
        /// Its first line seals the server key, which then goes along; without it the key is left out.
        #[arg(long, value_name = "FILE")]
        passphrase_file: Option<PathBuf>,
    },
    /// Bring a backup back into an empty data directory, or into an empty database, and recount it.
    Restore {
        /// The file that `backup` made.
        file: PathBuf,
        /// Its first line opens the server key in the backup.
        #[arg(long, value_name = "FILE")]
        passphrase_file: Option<PathBuf>,
    },
    /// Print the API's document.
    Openapi,
    /// Print every setting with its type, default and effect.
    Settings {
        /// As the client's list of what it completes.
        #[arg(long)]
        completions: bool,
    },
    /// Print every family of metrics with its kind, labels and meaning.
    #[command(hide = true)]
    Metrics,
    /// Ask the service whether it is alive, where `--listen` says or at 127.0.0.1:7070; for containers.
    Healthcheck,
    /// Describe the command line: for packages and documents.
    #[command(hide = true)]
    Manual(revaer_manual::Manual),
}

#[derive(Debug, Subcommand)]
enum LogCommand {
    /// Print it as JSON lines, up to the head of this moment.
    Export {
        /// Only what lies above this position.
        #[arg(long, value_name = "POSITION", default_value = "0")]
        after: Position,
        /// Samples too, as far back as they are kept.
        #[arg(long)]
        samples: bool,
    },
    /// Recount it and compare the read models with it: 0 sound, 1 with every finding in a line, 3 without the database.
    Verify,
}

fn main() -> ExitCode {
    let Arguments { place, serve, log_format, command } = Arguments::parse();
    let log_level = logging::begin(log_format, &wanted_log());
    let overrides = match serve.overrides() {
        Ok(overrides) => overrides,
        Err(error) => return exit::report(&anyhow::Error::new(error).context("--download-root")),
    };
    let config = Config {
        data_dir: place.data_dir,
        database_url: place.database_url,
        database_wait: std::time::Duration::from_secs(place.database_wait_seconds),
        listen: serve.listen,
        overrides,
        setup_token_file: serve.setup_token_file,
        log_level,
        supervisor: supervisor(),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return exit::report(&anyhow::Error::new(error).context("cannot start the runtime")),
    };
    let ended = runtime.block_on(async {
        match command {
            None | Some(Command::Serve) => Box::pin(commands::serve(config)).await,
            Some(Command::Migrate) => commands::migrate(&config).await,
            Some(Command::Rebuild { projection }) => commands::rebuild(&config, &projection).await,
            Some(Command::Log(LogCommand::Export { after, samples })) => {
                let contents = if samples { Contents::FactsAndSamples } else { Contents::Facts };
                commands::log::export(&config, after, contents).await
            }
            Some(Command::Log(LogCommand::Verify)) => commands::log::verify(&config).await,
            Some(Command::Backup { file, passphrase_file }) => {
                commands::backup(&config, &file, passphrase_file.as_deref()).await
            }
            Some(Command::Restore { file, passphrase_file }) => {
                commands::restore(&config, &file, passphrase_file.as_deref()).await
            }
            Some(Command::Openapi) => commands::openapi(),
            Some(Command::Settings { completions }) => commands::settings(completions),
            Some(Command::Metrics) => commands::metrics(),
            Some(Command::Manual(manual)) => {
                commands::manual(&manual, <Arguments as clap::CommandFactory>::command())
            }
            Some(Command::Healthcheck) => {
                // Settings lie in the database, which a check of life must not need.
                commands::healthcheck(config.listen.unwrap_or(config::LISTEN_DEFAULT)).await
            }
        }
    });
    // A thread that hangs in libtorrent or in a look-up of a name must not keep the process.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => exit::report(&error),
    }
}

/// Named by systemd and others that start the service with `Type=notify`.
#[expect(clippy::disallowed_methods, reason = "this is the main of the program")]
fn supervisor() -> Supervisor {
    let socket = std::env::var_os("NOTIFY_SOCKET").unwrap_or_default();
    Supervisor::at(&socket, &std::env::var("WATCHDOG_USEC").unwrap_or_default())
}

#[expect(clippy::disallowed_methods, reason = "this is the main of the program")]
fn wanted_log() -> String {
    std::env::var("RUST_LOG").unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn command_lines_of_the_documents_are_understood() {
        let lines = revaer_test_support::documented_lines("revaerd");
        assert!(!lines.is_empty(), "the documents show command lines");
        for line in lines {
            if let Err(error) = Arguments::try_parse_from(&line.words)
                && error.use_stderr()
            {
                panic!("{}: {}\n{error}", line.place, line.words.join(" "));
            }
        }
    }

    #[test]
    fn page_of_the_documents_is_committed() {
        let page = revaer_manual::page(Arguments::command());
        let committed = include_str!("../../../docs/reference/revaerd.md");
        assert!(committed == page, "docs/reference/revaerd.md is old: `make docs` writes it again");
    }
}
