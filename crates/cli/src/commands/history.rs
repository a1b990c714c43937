//! `revaer history`: the facts about a torrent, the removed ones' too.

use clap::Args;
use revaer_wire::HistoryPage;

use super::Context;
use super::events_table::{self, Whose};
use super::page::{self, Extent};
use crate::failure::Failure;
use crate::screen::Output;
use crate::values::TorrentRef;

/// Arguments of `history`.
#[derive(Debug, Args)]
pub(crate) struct History {
    /// Its id, or the info hash of one that is there
    #[arg(value_name = "ID")]
    torrent: TorrentRef,
    #[command(flatten)]
    extent: Extent,
}

impl History {
    /// Reads it, and shows it.
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let path = ["v1", "torrents", self.torrent.as_str(), "history"];
        let document = page::read(&context.client, &path, &[], self.extent).await?;
        let output = context.output;
        if output.is_json() {
            return Output::json(document.text());
        }
        let page: HistoryPage = document.decode()?;
        let columns = Output::columns();
        let lines: String =
            page.items.iter().map(|frame| events_table::line(frame, Whose::Known, columns) + "\n").collect();
        Output::text(&lines)?;
        page::note_of_more(page.next_cursor.as_ref());
        Ok(())
    }
}
