//! `revaer settings`: the document, its changes, and its past.

mod assignment;
mod catalogue;
mod history;

use clap::{Args, Subcommand};
use revaer_wire::{RevertRequest, SettingsAnswer};
use serde_json::{Map, Value};

use self::assignment::{Assignment, KeyName};
use super::Context;
use crate::client::{Condition, Document};
use crate::failure::Failure;
use crate::screen::{Column, Output, Table, note};

const PATH: [&str; 2] = ["v1", "settings"];

/// Arguments of `settings`.
#[derive(Debug, Args)]
pub(crate) struct Settings {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the settings, or one of them
    Get(Get),
    /// Change settings
    ///
    /// All of them together, or none: every key that fails is told.
    Set(Set),
    /// List what was changed, by whom and when
    History(history::History),
    /// Take a change back
    Revert(Revert),
}

/// Arguments of `settings get`.
#[derive(Debug, Args)]
struct Get {
    /// A key, with dots between its parts, or a section
    #[arg(value_parser = KeyName::parser())]
    key: Option<KeyName>,
    /// As they were at a position of the log, or at an RFC 3339 time
    #[arg(long, value_name = "MOMENT")]
    at: Option<String>,
}

/// Arguments of `settings set`.
#[derive(Debug, Args)]
struct Set {
    /// A key and its new value; a value that is no JSON is a text, @FILE the text in a file (@- standard input), `null` brings the default back
    #[arg(value_name = "KEY=VALUE", required = true, value_parser = Assignment::parser())]
    assignments: Vec<Assignment>,
    /// Judge it, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Only if the settings have this version
    #[arg(long, value_name = "VERSION")]
    if_version: Option<u32>,
}

/// Arguments of `settings revert`.
#[derive(Debug, Args)]
struct Revert {
    /// The position of the change, as the history tells it
    position: i64,
    /// Only if the settings have this version
    #[arg(long, value_name = "VERSION")]
    if_version: Option<u32>,
}

impl Settings {
    /// Does it.
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self.command {
            Command::Get(get) => get.run(context).await,
            Command::Set(set) => set.run(context).await,
            Command::History(history) => history.run(context).await,
            Command::Revert(revert) => revert.run(context).await,
        }
    }
}

impl Get {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let query: Vec<_> = self.at.map(|at| ("at", at)).into_iter().collect();
        let document = context.client.get(&PATH, &query).await?;
        let Some(key) = self.key else {
            if context.output.is_json() {
                return Output::json(document.text());
            }
            let answer: SettingsAnswer = document.decode()?;
            return Output::text(&listed(&answer.settings, ""));
        };
        let answer: SettingsAnswer = document.decode()?;
        let Some(value) = answer.settings.pointer(&key.pointer()) else {
            return Err(Failure::input(format!("the service has no setting `{}`", key.name())));
        };
        if context.output.is_json() {
            return Output::json(&value.to_string());
        }
        // A script that asks for one text wants the text, and not its JSON.
        match value {
            Value::String(text) => Output::text(&format!("{text}\n")),
            Value::Object(_) if !catalogue::is_key(key.name()) => Output::text(&listed(value, key.name())),
            value => Output::text(&format!("{value}\n")),
        }
    }
}

impl Set {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let patch = assignment::patch(&self.assignments).map_err(Failure::input)?;
        let query: &[_] = if self.dry_run { &[("dry_run", "true".to_owned())] } else { &[] };
        let condition = Condition { version: self.if_version, ..Condition::default() };
        let document = context.client.patch(&PATH, query, &patch, &condition).await?;
        let keys: Vec<_> = self.assignments.iter().map(Assignment::key).collect();
        shown(&document, context.output, &keys)
    }
}

impl Revert {
    async fn run(self, context: &Context) -> Result<(), Failure> {
        let path = ["v1", "settings", "revert"];
        let condition = Condition { version: self.if_version, ..Condition::default() };
        let document =
            context.client.post(&path, &RevertRequest { position: self.position }, &condition).await?;
        shown(&document, context.output, &[])
    }
}

/// What a change left: the keys that were set, and what needs a restart.
fn shown(document: &Document, output: Output, keys: &[&KeyName]) -> Result<(), Failure> {
    if output.is_json() {
        return Output::json(document.text());
    }
    let answer: SettingsAnswer = document.decode()?;
    let mut table = Table::new([Column::left("KEY"), Column::flexible("VALUE")]);
    for key in keys {
        let value = answer.settings.pointer(&key.pointer()).unwrap_or(&Value::Null);
        table.row([key.name().to_owned(), value.to_string()]);
    }
    if !keys.is_empty() {
        Output::text(&table.render(Output::columns()))?;
    }
    for pointer in &answer.restart_required {
        note(&format!("{} takes effect when the service starts again", key_name(pointer)));
    }
    Ok(())
}

/// Every key with its value, in the order of the names.
fn listed(document: &Value, at: &str) -> String {
    let mut table = Table::new([Column::left("KEY"), Column::flexible("VALUE")]);
    let mut rows = Vec::new();
    leaves(document, at, &mut rows);
    for (key, value) in rows {
        table.row([key, value]);
    }
    table.render(Output::columns())
}

fn leaves(value: &Value, at: &str, rows: &mut Vec<(String, String)>) {
    let none = Map::new();
    let members = value.as_object().filter(|_| !catalogue::is_key(at)).unwrap_or(&none);
    if members.is_empty() {
        return rows.push((at.to_owned(), value.to_string()));
    }
    for (name, member) in members {
        let at = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
        leaves(member, &at, rows);
    }
}

/// A pointer as a name with dots, as people write it.
pub(super) fn key_name(pointer: &str) -> String {
    let parts = pointer.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~"));
    parts.collect::<Vec<_>>().join(".")
}
