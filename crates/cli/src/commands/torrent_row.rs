//! A torrent on one line.

use revaer_wire::Torrent;

use crate::client::Document;
use crate::failure::Failure;
use crate::screen::{Column, Output, Table, duration, escape, percent, rate, ratio, size};

/// A table of torrents, without rows.
pub(super) fn table() -> Table<9> {
    Table::new([
        Column::left("ID"),
        Column::flexible("NAME"),
        Column::left("STATE"),
        Column::right("DONE"),
        Column::right("SIZE"),
        Column::right("DOWN"),
        Column::right("UP"),
        Column::right("RATIO"),
        Column::right("LEFT"),
    ])
}

/// Its row.
pub(super) fn cells(torrent: &Torrent) -> [String; 9] {
    [
        torrent.id.clone(),
        torrent.name.clone(),
        torrent.state.clone(),
        percent(torrent.progress),
        torrent.size_bytes.map_or_else(|| "-".to_owned(), size),
        rate(torrent.download_bytes_per_second),
        rate(torrent.upload_bytes_per_second),
        ratio(torrent.ratio),
        torrent.eta_seconds.map_or_else(|| "-".to_owned(), duration),
    ]
}

/// Which torrent it is and how it is: what a command that changed it shows. If quiet, its id.
pub(super) fn brief(torrent: &Torrent, output: Output) -> String {
    let id = escape(&torrent.id);
    if output.is_quiet() {
        return id.into_owned();
    }
    format!("{id}  {}  {}", escape(&torrent.state), escape(&torrent.name))
}

/// Shows what a command that changed a torrent was answered. If quiet, nothing: the id was given.
pub(super) fn print_changed(document: &Document, output: Output) -> Result<(), Failure> {
    if output.is_json() {
        return Output::json(document.text());
    }
    if output.is_quiet() {
        return Ok(());
    }
    Output::text(&format!("{}\n", brief(&document.decode()?, output)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::samples;

    #[test]
    fn table_shows_what_differs_between_torrents() {
        let mut table = table();
        table.row(cells(&samples::torrent()));
        table.row(cells(&samples::magnet_without_metadata()));
        insta::assert_snapshot!(table.render(None));
    }
}
