//! `revaer ls`: torrents, filtered and sorted by the service.

use clap::{Args, ValueEnum};
use revaer_wire::TorrentPage;

use super::page::{self, Extent};
use super::{Context, torrent_row};
use crate::failure::Failure;
use crate::screen::Output;

/// Arguments of `ls`.
#[derive(Debug, Args)]
pub(crate) struct Ls {
    /// Only names that hold this, upper or lower case
    #[arg(long)]
    name: Option<String>,
    /// Only in this state, such as downloading, seeding or failed
    #[arg(long)]
    state: Option<String>,
    /// Only with a tracker on this host
    #[arg(long, value_name = "HOST")]
    tracker: Option<String>,
    /// Only with a file of this extension, without the dot
    #[arg(long)]
    extension: Option<String>,
    /// Only with this label
    #[arg(long)]
    label: Option<String>,
    /// In this order; with a leading - the other way round
    #[arg(long, value_enum, allow_hyphen_values = true)]
    sort: Option<Sort>,
    #[command(flatten)]
    extent: Extent,
}

/// Orders that the service knows.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Sort {
    AddedAt,
    #[value(name = "-added_at")]
    AddedAtDescending,
    Name,
    #[value(name = "-name")]
    NameDescending,
    Size,
    #[value(name = "-size")]
    SizeDescending,
    Progress,
    #[value(name = "-progress")]
    ProgressDescending,
}

impl Ls {
    /// Reads the list, and shows it.
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let document = page::read(&context.client, &["v1", "torrents"], &self.query(), self.extent).await?;
        let output = context.output;
        if output.is_json() {
            return Output::json(document.text());
        }
        let page: TorrentPage = document.decode()?;
        if output.is_quiet() {
            let ids: Vec<_> =
                page.items.iter().map(|torrent| torrent_row::brief(torrent, output) + "\n").collect();
            return Output::text(&ids.concat());
        }
        let mut table = torrent_row::table();
        for torrent in &page.items {
            table.row(torrent_row::cells(torrent));
        }
        Output::text(&table.render(Output::columns()))?;
        page::note_of_more(page.next_cursor.as_ref());
        Ok(())
    }

    fn query(&self) -> Vec<(&'static str, String)> {
        let sort = self.sort.and_then(|sort| sort.to_possible_value()).map(|sort| sort.get_name().to_owned());
        let given = [
            ("name", self.name.clone()),
            ("state", self.state.clone()),
            ("tracker", self.tracker.clone()),
            ("extension", self.extension.clone()),
            ("label", self.label.clone()),
            ("sort", sort),
        ];
        given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Arguments {
        #[command(flatten)]
        ls: Ls,
    }

    fn query(arguments: &[&str]) -> Vec<(&'static str, String)> {
        Arguments::parse_from(std::iter::once(&"ls").chain(arguments)).ls.query()
    }

    #[test]
    fn filters_are_sent_as_given_and_no_others() {
        assert_eq!(query(&[]), []);
        let given =
            ["--name", "a b", "--state", "seeding", "--tracker", "h", "--extension", "mkv", "--label", "l"];
        let expected =
            [("name", "a b"), ("state", "seeding"), ("tracker", "h"), ("extension", "mkv"), ("label", "l")];
        assert_eq!(query(&given), expected.map(|(name, value)| (name, value.to_owned())));
    }

    #[test]
    fn order_may_be_turned_round() {
        assert_eq!(query(&["--sort", "size"]), [("sort", "size".to_owned())]);
        assert_eq!(query(&["--sort", "-added_at"]), [("sort", "-added_at".to_owned())]);
    }
}
