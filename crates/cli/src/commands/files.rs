//! `revaer files`: what is in a torrent, what is wanted of it and what is there.

use clap::Args;
use revaer_wire::FileList;

use super::Context;
use crate::failure::Failure;
use crate::screen::{Column, Output, Table, percent, size};
use crate::values::{TorrentRef, priority_word};

/// Arguments of `files`.
#[derive(Debug, Args)]
pub(crate) struct Files {
    /// Its id or info hash
    #[arg(value_name = "ID")]
    torrent: TorrentRef,
}

impl Files {
    /// Reads them, and shows them.
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let document = context.client.get(&["v1", "torrents", self.torrent.as_str(), "files"], &[]).await?;
        let output = context.output;
        if output.is_json() {
            return Output::json(document.text());
        }
        Output::text(&render(&document.decode()?, Output::columns()))
    }
}

fn render(files: &FileList, columns: Option<usize>) -> String {
    let mut table = Table::new([
        Column::right("INDEX"),
        Column::left("PRIORITY"),
        Column::right("DONE"),
        Column::right("SIZE"),
        Column::flexible("PATH"),
    ]);
    for file in &files.items {
        table.row([
            file.index.to_string(),
            priority_word(file.priority),
            percent(file.progress),
            size(file.size_bytes),
            file.path.clone(),
        ]);
    }
    table.render(columns)
}

#[cfg(test)]
mod tests {
    use revaer_wire::FileEntry;

    use super::*;

    #[test]
    fn table_names_what_select_takes() {
        let file = |index, path: &str, priority, progress| FileEntry {
            index,
            path: path.to_owned(),
            size_bytes: 1_500_000 * u64::from(index),
            priority,
            progress,
        };
        let files = FileList {
            items: vec![
                file(0, "合集/a.mkv", 4, 0.5),
                file(10, "合集/b\u{7}.srt", 0, 0.0),
                file(11, "合集/c", 7, 1.0),
            ],
        };
        insta::assert_snapshot!(render(&files, None));
    }
}
