//! One file for each command: its arguments, its requests, what it shows.

mod action;
mod add;
mod audit;
mod audit_sentence;
mod completions;
mod events_table;
mod files;
mod health;
mod history;
mod key;
mod ls;
mod now;
mod page;
mod peers;
#[cfg(test)]
pub(crate) mod samples;
mod select;
mod selection;
mod settings;
mod setup;
mod status;
mod tail;
mod torrent_row;
mod trackers;
mod watch;

use clap::Subcommand;

use crate::client::Client;
use crate::failure::Failure;
use crate::key_file::KeyFile;
use crate::screen::Output;

/// What every command works with.
#[derive(Debug)]
pub(crate) struct Context {
    /// To whom it speaks.
    pub(crate) client: Client,
    /// Where results go.
    pub(crate) output: Output,
    /// The keys that this client keeps.
    pub(crate) keys: KeyFile,
}

/// What is to be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Set a new service up
    #[command(subcommand)]
    Setup(setup::Setup),
    /// Add a torrent
    Add(Box<add::Add>),
    /// List torrents
    Ls(ls::Ls),
    /// Show a torrent
    Status(status::Status),
    /// List a torrent's files
    Files(files::Files),
    /// List the peers that a torrent is connected to
    Peers(peers::Peers),
    /// List a torrent's trackers
    Trackers(trackers::Trackers),
    /// Choose which files are wanted; replaces the rule that was in force
    Select(select::Select),
    /// Do something with a torrent
    Action(action::Action),
    /// Print events as they happen
    ///
    /// The first connection has to succeed; one that is lost later is opened again for as long as it takes, and goes on where
    /// it ended. With --resume-file the next run goes on where this one ended.
    Tail(tail::Tail),
    /// List what happened to a torrent
    History(history::History),
    /// Show or change the settings of the service
    Settings(settings::Settings),
    /// Issue, list, rotate and revoke keys
    #[command(subcommand)]
    Key(key::Key),
    /// List who did what, newest first
    Audit(audit::Audit),
    /// Show how the service is
    Health(health::Health),
    /// Print a completion script for a shell
    Completions(completions::Completions),
    /// Describe the command line: for packages and documents
    #[command(hide = true)]
    Manual(revaer_manual::Manual),
}

impl Command {
    /// Does it. `definition` makes the definition of all arguments, which completions are made from.
    pub(crate) async fn run(
        self,
        context: &Context,
        definition: fn() -> clap::Command,
    ) -> Result<(), Failure> {
        match self {
            Command::Setup(setup) => setup.run(context).await,
            Command::Add(add) => add.run(context).await,
            Command::Ls(ls) => ls.run(context).await,
            Command::Status(status) => status.run(context).await,
            Command::Files(files) => files.run(context).await,
            Command::Peers(peers) => peers.run(context).await,
            Command::Trackers(trackers) => trackers.run(context).await,
            Command::Select(select) => select.run(context).await,
            Command::Action(action) => action.run(context).await,
            Command::Tail(tail) => tail.run(context).await,
            Command::History(history) => history.run(context).await,
            Command::Settings(settings) => settings.run(context).await,
            Command::Key(key) => key.run(context).await,
            Command::Audit(audit) => audit.run(context).await,
            Command::Health(health) => health.run(context).await,
            Command::Completions(completions) => completions.run(definition()),
            Command::Manual(manual) => match manual.run(definition()).map_err(Failure::Local)? {
                Some(page) => Output::text(&page),
                None => Ok(()),
            },
        }
    }
}
