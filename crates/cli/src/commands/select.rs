//! `revaer select`: another rule for which files are wanted.

use clap::Args;
use revaer_wire::SelectRequest;

use super::selection::{SelectionArguments, given};
use super::{Context, torrent_row};
use crate::client::Condition;
use crate::failure::Failure;
use crate::values::TorrentRef;

/// Arguments of `select`. A rule without anything in it wants everything, which has to be said: it may start large downloads.
#[derive(Debug, Args)]
#[group(id = "rule", required = true, multiple = true, args = ["include", "exclude", "priority", "all"])]
pub(crate) struct Select {
    /// Its id or info hash
    #[arg(value_name = "ID")]
    torrent: TorrentRef,
    #[command(flatten)]
    selection: SelectionArguments,
    /// Want every file: a rule without globs and priorities
    #[arg(long, conflicts_with_all = ["include", "exclude", "priority", "case_sensitive"])]
    all: bool,
}

impl Select {
    /// Replaces the rule, and shows the torrent.
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let path = ["v1", "torrents", self.torrent.as_str(), "select"];
        let request = SelectRequest {
            priorities: self.selection.priorities(),
            include: given(self.selection.include),
            exclude: given(self.selection.exclude),
            case_sensitive: self.selection.case_sensitive.then_some(true),
            ..SelectRequest::default()
        };
        let document = context.client.post(&path, &request, &Condition::default()).await?;
        torrent_row::print_changed(&document, context.output)
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use rstest::rstest;

    use super::*;

    #[derive(Parser)]
    struct Arguments {
        #[command(flatten)]
        select: Select,
    }

    #[rstest]
    #[case::include(&["--include", "*"], true)]
    #[case::all_kinds(&["--include", "*", "--exclude", "a", "--priority", "1=skip", "--case-sensitive"], true)]
    #[case::everything(&["--all"], true)]
    #[case::nothing(&[], false)]
    #[case::case_alone(&["--case-sensitive"], false)]
    #[case::everything_and_less(&["--all", "--exclude", "a"], false)]
    fn rule_has_to_be_said(#[case] arguments: &[&str], #[case] accepted: bool) {
        let arguments = [&["select", "01ARZ3NDEKTSV4RRFFQ69G5FAV"], arguments].concat();
        assert_eq!(Arguments::try_parse_from(arguments).is_ok(), accepted);
    }
}
