//! `revaer trackers`: where a torrent is announced, and what was answered.

use clap::Args;
use revaer_wire::TrackerList;

use super::Context;
use crate::failure::Failure;
use crate::screen::{Column, Output, Table};
use crate::values::TorrentRef;

/// Arguments of `trackers`.
#[derive(Debug, Args)]
pub(crate) struct Trackers {
    /// Its id or info hash
    #[arg(value_name = "ID")]
    torrent: TorrentRef,
}

impl Trackers {
    /// Reads them, and shows them.
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let document =
            context.client.get(&["v1", "torrents", self.torrent.as_str(), "trackers"], &[]).await?;
        let output = context.output;
        if output.is_json() {
            return Output::json(document.text());
        }
        let trackers: TrackerList = document.decode()?;
        let mut table = Table::new([
            Column::right("TIER"),
            Column::left("STATUS"),
            Column::left("URL"),
            Column::flexible("MESSAGE"),
        ]);
        for tracker in trackers.items {
            let message = tracker.message.unwrap_or_default();
            table.row([tracker.tier.to_string(), tracker.status, tracker.url, message]);
        }
        Output::text(&table.render(Output::columns()))
    }
}
