//! `revaer select`: another rule for which files are wanted.

use clap::Args;
use revaer_wire::{ExplainedFile, SelectRequest, SelectionExplanation};

use super::selection::{SelectionArguments, given};
use super::{Context, torrent_row};
use crate::client::Condition;
use crate::failure::Failure;
use crate::screen::{Column, Output, Table, size};
use crate::values::{TorrentRef, priority_word};

/// Arguments of `select`. A rule without anything in it wants everything, which has to be said: it may start large downloads.
#[derive(Debug, Args)]
#[group(id = "rule", required = true, multiple = true,
    args = ["include", "exclude", "priority", "skip_fluff", "first_last_piece_first", "all", "explain"])]
pub(crate) struct Select {
    /// Its id or info hash
    #[arg(value_name = "ID")]
    torrent: TorrentRef,
    #[command(flatten)]
    selection: SelectionArguments,
    /// Want every file: a rule without globs and priorities
    #[arg(long, conflicts_with_all = ["include", "exclude", "priority", "case_sensitive", "skip_fluff"])]
    all: bool,
    /// Show what the rule comes to and which part of it decides about each file, and change nothing; without a rule, of the
    /// one in force
    #[arg(long)]
    explain: bool,
}

impl Select {
    /// Replaces the rule, and shows the torrent; or explains a rule.
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let explain = self.explain;
        let torrent = self.torrent.clone();
        let rule = self.into_rule();
        let document = match (explain, rule) {
            (false, rule) => {
                let path = ["v1", "torrents", torrent.as_str(), "select"];
                let rule = rule.unwrap_or_default();
                let document = context.client.post(&path, &rule, &Condition::default()).await?;
                return torrent_row::print_changed(&document, context.output);
            }
            (true, None) => {
                context.client.get(&["v1", "torrents", torrent.as_str(), "selection"], &[]).await?
            }
            (true, Some(rule)) => {
                context.client.try_out(&["v1", "torrents", torrent.as_str(), "select"], &rule).await?
            }
        };
        if context.output.is_json() {
            return Output::json(document.text());
        }
        Output::text(&render(&document.decode()?, Output::columns()))
    }

    /// The rule, if one is given.
    fn into_rule(self) -> Option<SelectRequest> {
        let rule = SelectRequest {
            priorities: self.selection.priorities(),
            include: given(self.selection.include),
            exclude: given(self.selection.exclude),
            case_sensitive: self.selection.case_sensitive.then_some(true),
            skip_fluff: self.selection.skip_fluff.then_some(true),
            first_last_piece_first: self.selection.first_last_piece_first.then_some(true),
        };
        (self.all || rule != SelectRequest::default()).then_some(rule)
    }
}

fn render(explained: &SelectionExplanation, columns: Option<usize>) -> String {
    let mut table = Table::new([
        Column::right("INDEX"),
        Column::left("PRIORITY"),
        Column::left("DECIDED BY"),
        Column::right("SIZE"),
        Column::flexible("PATH"),
    ]);
    for file in &explained.items {
        table.row([
            file.index.to_string(),
            priority_word(file.priority),
            decided_by(file),
            size(file.size_bytes),
            file.path.clone(),
        ]);
    }
    table.render(columns)
}

/// The part of the rule, and the glob in it: `skip_fluff *.nfo (notes)`.
fn decided_by(file: &ExplainedFile) -> String {
    let part = file.decided_by.as_deref().unwrap_or("-").to_owned();
    let glob = match (&file.glob, part.as_str()) {
        (None, "include") => Some("no glob of it".to_owned()),
        (None, "priorities") => Some(format!("index {}", file.index)),
        (glob, _) => glob.clone(),
    };
    let fluff = file.fluff.as_ref().map(|fluff| format!("({fluff})"));
    [Some(part), glob, fluff].into_iter().flatten().collect::<Vec<_>>().join(" ")
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
    #[case::fluff(&["--skip-fluff"], true)]
    #[case::order_alone(&["--first-last-piece-first"], true)]
    #[case::everything_in_another_order(&["--all", "--first-last-piece-first"], true)]
    #[case::explained(&["--explain"], true)]
    #[case::everything_and_no_fluff(&["--all", "--skip-fluff"], false)]
    #[case::nothing(&[], false)]
    #[case::case_alone(&["--case-sensitive"], false)]
    #[case::everything_and_less(&["--all", "--exclude", "a"], false)]
    fn rule_has_to_be_said(#[case] arguments: &[&str], #[case] accepted: bool) {
        let arguments = [&["select", "01ARZ3NDEKTSV4RRFFQ69G5FAV"], arguments].concat();
        assert_eq!(Arguments::try_parse_from(arguments).is_ok(), accepted);
    }

    #[rstest]
    #[case::in_force(&["--explain"], false)]
    #[case::everything(&["--explain", "--all"], true)]
    #[case::another(&["--explain", "--skip-fluff"], true)]
    fn explanation_is_of_the_rule_that_is_given(#[case] arguments: &[&str], #[case] given: bool) {
        let arguments = [&["select", "01ARZ3NDEKTSV4RRFFQ69G5FAV"], arguments].concat();
        let select = Arguments::try_parse_from(arguments).unwrap().select;
        assert_eq!(select.into_rule().is_some(), given);
    }

    #[test]
    fn table_says_what_decides() {
        let file = |index, priority, decided_by: Option<&str>, glob: Option<&str>, fluff: Option<&str>| {
            let owned = |text: Option<&str>| text.map(str::to_owned);
            ExplainedFile {
                index,
                path: format!("合集/{index}.x"),
                size_bytes: 1_500_000,
                priority,
                decided_by: owned(decided_by),
                glob: owned(glob),
                fluff: owned(fluff),
            }
        };
        let explained = SelectionExplanation {
            selection: crate::commands::samples::torrent().selection,
            wanted_bytes: 3_000_000,
            items: vec![
                file(0, 4, None, None, None),
                file(1, 4, Some("include"), Some("*.x"), None),
                file(2, 0, Some("include"), None, None),
                file(3, 0, Some("exclude"), Some("b\u{7}*"), None),
                file(4, 0, Some("skip_fluff"), Some("*.nfo"), Some("notes")),
                file(5, 7, Some("priorities"), None, None),
                file(6, 1, Some("priorities"), Some("*.srt"), None),
            ],
        };
        insta::assert_snapshot!(render(&explained, None));
    }
}
