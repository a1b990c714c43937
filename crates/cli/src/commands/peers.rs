//! `revaer peers`: with whom a torrent is connected now.

use clap::Args;
use revaer_wire::PeerList;

use super::Context;
use crate::failure::Failure;
use crate::screen::{Column, Output, Table, percent, rate};
use crate::values::TorrentRef;

/// Arguments of `peers`.
#[derive(Debug, Args)]
pub(crate) struct Peers {
    /// Its id or info hash
    #[arg(value_name = "ID")]
    torrent: TorrentRef,
}

impl Peers {
    /// Reads them, and shows them.
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let document = context.client.get(&["v1", "torrents", self.torrent.as_str(), "peers"], &[]).await?;
        let output = context.output;
        if output.is_json() {
            return Output::json(document.text());
        }
        let peers: PeerList = document.decode()?;
        let mut table = Table::new([
            Column::left("ADDRESS"),
            Column::right("HAS"),
            Column::right("DOWN"),
            Column::right("UP"),
            Column::flexible("CLIENT"),
        ]);
        for peer in peers.items {
            table.row([
                peer.address,
                percent(peer.progress),
                rate(peer.download_bytes_per_second),
                rate(peer.upload_bytes_per_second),
                peer.client,
            ]);
        }
        Output::text(&table.render(Output::columns()))
    }
}
