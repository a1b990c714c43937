//! `revaer settings history`: every change in a line for each key.

use clap::Args;
use revaer_wire::{SettingsHistoryEntry, SettingsHistoryPage};
use serde_json::Value;

use super::key_name;
use crate::commands::Context;
use crate::commands::page::{self, Extent};
use crate::failure::Failure;
use crate::screen::{Column, Output, Table};

/// Arguments of `settings history`.
#[derive(Debug, Args)]
pub(super) struct History {
    #[command(flatten)]
    extent: Extent,
}

impl History {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let path = ["v1", "settings", "history"];
        let document = page::read(&context.client, &path, &[], self.extent).await?;
        if context.output.is_json() {
            return Output::json(document.text());
        }
        let page: SettingsHistoryPage = document.decode()?;
        Output::text(&table(&page.items).render(Output::columns()))?;
        page::note_of_more(page.next_cursor.as_ref());
        Ok(())
    }
}

fn table(entries: &[SettingsHistoryEntry]) -> Table<5> {
    let columns = [
        Column::right("POSITION"),
        Column::left("TIME"),
        Column::left("ACTOR"),
        Column::left("KEY"),
        Column::flexible("CHANGE"),
    ];
    let mut table = Table::new(columns);
    for entry in entries {
        let why = match (entry.reverts, &entry.reason) {
            (Some(position), Some(reason)) => format!(" (takes {position} back: {reason})"),
            (Some(position), None) => format!(" (takes {position} back)"),
            _ => String::new(),
        };
        for change in &entry.changes {
            table.row([
                entry.position.to_string(),
                entry.recorded_at.clone(),
                entry.actor.clone().unwrap_or_default(),
                key_name(&change.path),
                format!("{} -> {}{why}", shown(change.old.as_ref()), shown(change.new.as_ref())),
            ]);
        }
    }
    table
}

fn shown(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "none".to_owned(),
        Some(value) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use revaer_wire::SettingChange;
    use serde_json::json;

    use super::*;

    #[test]
    fn each_key_has_its_line() {
        let change = |path: &str, old: Value, new: Value| SettingChange {
            path: path.to_owned(),
            old: Some(old),
            new: Some(new),
        };
        let entry = |position, changes| SettingsHistoryEntry {
            position,
            recorded_at: "2026-11-23T10:04:00Z".to_owned(),
            actor: Some("key ops-laptop".to_owned()),
            request_id: None,
            changes,
            reverts: None,
            reason: None,
        };
        let changes = vec![
            change("/limits/download_bytes_per_second", Value::Null, json!(5_000_000)),
            change("/limits/labels/a~1b", Value::Null, json!({"share_ratio": 1.5})),
        ];
        let mut taken_back = entry(19, vec![change("/engine/dht", json!(true), json!(false))]);
        (taken_back.reverts, taken_back.reason) = (Some(18), Some("no route".to_owned()));
        insta::assert_snapshot!(table(&[entry(17, changes), taken_back]).render(None));
    }
}
