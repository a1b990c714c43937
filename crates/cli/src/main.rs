//! `revaer`, the client of the service on the command line.
//!
//! Arguments in, requests out, one exit code (`exit.rs` has the table). This file and no other reads the environment. The
//! client knows the bodies of the API and nothing of what is behind it: rules are judged by the service, so that a command
//! line and a request that break the same rule are answered alike.

mod client;
mod commands;
mod events;
mod exit;
mod failure;
mod key_file;
mod screen;
#[cfg(test)]
mod scripted;
mod values;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use crate::client::{Client, ServiceUrl};
use crate::commands::{Command, Context};
use crate::failure::Failure;
use crate::key_file::KeyFile;
use crate::screen::{Format, Output};
use crate::values::ApiKey;

/// Keeps what goes with every command apart from what is special to one.
const GLOBAL: &str = "Global options";

/// The client of the Revaer torrent service.
#[derive(Debug, Parser)]
#[command(name = "revaer", version, arg_required_else_help = true, after_help = exit::HELP)]
struct Arguments {
    /// Where the service listens; proxies of the environment are not used
    #[arg(
        long,
        global = true,
        env = "REVAER_URL",
        hide_env_values = true,
        default_value = "http://127.0.0.1:7070",
        help_heading = GLOBAL
    )]
    url: ServiceUrl,
    /// The key to authenticate with, in place of the one that is kept for the service
    #[arg(long, global = true, env = "REVAER_API_KEY", hide_env_values = true, help_heading = GLOBAL)]
    api_key: Option<ApiKey>,
    /// Where `setup complete` keeps the key of each service; keys.json in the configuration folder by default
    #[arg(long, global = true, value_name = "FILE", env = "REVAER_KEY_FILE", hide_env_values = true, help_heading = GLOBAL)]
    key_file: Option<PathBuf>,
    /// A file with certificates (PEM) to trust beside those of the system, for a service that made its own
    #[arg(long, global = true, value_name = "FILE", env = "REVAER_CA_CERTIFICATE", hide_env_values = true, help_heading = GLOBAL)]
    ca_certificate: Option<PathBuf>,
    /// How to print: for people, or the service's own JSON, one document (with `tail` one a line)
    #[arg(long, global = true, value_enum, default_value_t, help_heading = GLOBAL)]
    output: Format,
    /// Say less: of torrents that are listed or added the ids alone, no progress, no notes
    #[arg(long, short, global = true, help_heading = GLOBAL)]
    quiet: bool,
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let format = arguments.output;
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failure::report(&Failure::Local(error), format),
    };
    let ended = runtime.block_on(run(arguments));
    // Not dropped in order: a write to an output that nobody reads would be waited for.
    runtime.shutdown_background();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure::report(&failure, format),
    }
}

async fn run(arguments: Arguments) -> Result<(), Failure> {
    let Arguments { url, api_key, key_file, ca_certificate, output, quiet, command } = arguments;
    let keys = KeyFile::new(key_file.or_else(default_key_file));
    let key = match api_key.filter(|key| key.header().is_some()) {
        // What a shell completes needs no service, and no file that may be broken.
        None if !matches!(command, Command::Completions(_) | Command::Manual(_)) => kept(&keys, &url)?,
        given => given,
    };
    let roots = match &ca_certificate {
        Some(file) => std::fs::read(file)
            .map_err(|error| Failure::input(format!("{} cannot be read: {error}", file.display())))?,
        None => Vec::new(),
    };
    let client = Client::trusting(url, key.as_ref(), &roots)?;
    let context = Context { client, output: Output::new(output, quiet), keys };
    command.run(&context, <Arguments as clap::CommandFactory>::command).await
}

/// The key that is kept for a service.
fn kept(keys: &KeyFile, url: &ServiceUrl) -> Result<Option<ApiKey>, Failure> {
    let secret = keys.key_of(url.as_str())?;
    secret
        .map(|secret| secret.parse().map_err(|error| Failure::input(format!("the kept key: {error}"))))
        .transpose()
}

/// `$XDG_CONFIG_HOME/revaer/keys.json`, or the same in `~/.config` (XDG Base Directory Specification).
#[expect(clippy::disallowed_methods, reason = "this is the main of the program")]
fn default_key_file() -> Option<PathBuf> {
    // A path that is not absolute is to be ignored.
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let config = folder("XDG_CONFIG_HOME").or_else(|| Some(folder("HOME")?.join(".config")))?;
    Some(config.join("revaer/keys.json"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn arguments_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn help_of_every_command_is_as_documented() {
        let mut command = Arguments::command();
        command.build();
        let mut pages = String::new();
        write_help(&mut command, &mut pages);
        insta::assert_snapshot!(pages);
    }

    #[test]
    fn command_lines_of_the_documents_are_understood() {
        let lines = revaer_test_support::documented_lines("revaer");
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
        let committed = include_str!("../../../docs/reference/revaer.md");
        assert!(committed == page, "docs/reference/revaer.md is old: `make docs` writes it again");
    }

    fn write_help(command: &mut clap::Command, pages: &mut String) {
        if command.get_name() == "help" {
            return;
        }
        pages.push_str(&command.render_help().to_string());
        pages.push_str("\n----\n");
        for inner in command.get_subcommands_mut() {
            write_help(inner, pages);
        }
    }
}
