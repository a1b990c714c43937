//! Every command in every state: the whole of the rules on one page.

use revaer_domain::fsops::Step;
use revaer_domain::selection::SelectionRule;
use revaer_domain::settings::ShareAction;
use revaer_domain::torrent::{Phase, Reconciled, TorrentCommand};
use time::OffsetDateTime;

use crate::fixtures::{
    State, add, applied_as, cap, failure, files_as, labels, offer, place, rule, share_limits, shared_for,
    step_finished, totals,
};
use crate::harness::given;

/// `-` is no news, `!` a refusal, anything else the facts.
const TABLE: &str = include_str!("rules.txt");

/// A command of each kind. The patterns are matched without a wildcard, so that a new command cannot be left out.
macro_rules! commands {
    ($($name:literal: $pattern:pat => $example:expr,)*) => {
        const fn name(command: &TorrentCommand) -> &'static str {
            match command { $($pattern => $name),* }
        }

        pub(crate) fn examples() -> Vec<TorrentCommand> {
            vec![$($example),*]
        }
    };
}

commands! {
    "add": TorrentCommand::Add(_) => add(None, SelectionRule::default()),
    "select": TorrentCommand::Select(_) => TorrentCommand::Select(rule(1)),
    "pause": TorrentCommand::Pause => TorrentCommand::Pause,
    "resume": TorrentCommand::Resume => TorrentCommand::Resume,
    "remove": TorrentCommand::Remove { .. } => TorrentCommand::Remove { delete_data: false },
    "reannounce": TorrentCommand::Reannounce => TorrentCommand::Reannounce,
    "recheck": TorrentCommand::Recheck => TorrentCommand::Recheck,
    "sequential": TorrentCommand::SetSequential { .. } => TorrentCommand::SetSequential { enable: true },
    "rate cap": TorrentCommand::SetRateCap(_) => TorrentCommand::SetRateCap(cap(1000)),
    "share limits": TorrentCommand::SetShareLimits(_) => TorrentCommand::SetShareLimits(share_limits(1.5)),
    "move": TorrentCommand::Move { .. } => TorrentCommand::Move { save_path: place("other") },
    "label": TorrentCommand::SetLabels(_) => TorrentCommand::SetLabels(labels(&["films"])),
    "retry fsops": TorrentCommand::RetryFsops { .. } => {
        TorrentCommand::RetryFsops { profile: None, offer: Some(offer()) }
    },
    "cancel fsops": TorrentCommand::CancelFsops => TorrentCommand::CancelFsops,
    "undo fsops": TorrentCommand::UndoFsops => TorrentCommand::UndoFsops,
    "saw files": TorrentCommand::ObserveFiles(_) => TorrentCommand::ObserveFiles(files_as()),
    "saw selection": TorrentCommand::ObserveSelection(_) => {
        let mut applied = applied_as(0);
        applied.priorities = vec![(4, 7)];
        TorrentCommand::ObserveSelection(applied)
    },
    "saw phase": TorrentCommand::ObservePhase { .. } => {
        TorrentCommand::ObservePhase { phase: Phase::Queued, totals: totals(1) }
    },
    "saw completion": TorrentCommand::ObserveCompletion { .. } => {
        TorrentCommand::ObserveCompletion { at: OffsetDateTime::UNIX_EPOCH, totals: totals(400), offer: None }
    },
    "saw failure": TorrentCommand::ObserveFailure(_) => TorrentCommand::ObserveFailure(failure("disk_full")),
    "saw recovery": TorrentCommand::ObserveRecovery => TorrentCommand::ObserveRecovery,
    "saw announce": TorrentCommand::ObserveReannounced { .. } => {
        TorrentCommand::ObserveReannounced { request: 1 }
    },
    "saw check": TorrentCommand::ObserveRechecked { .. } => {
        TorrentCommand::ObserveRechecked { request: 1, totals: totals(1), complete: false }
    },
    "saw move": TorrentCommand::ObserveMoved { .. } => {
        TorrentCommand::ObserveMoved { save_path: place("new") }
    },
    "saw no move": TorrentCommand::ObserveMoveFailed { .. } => {
        TorrentCommand::ObserveMoveFailed { save_path: place("new"), detail: String::new() }
    },
    "saw removal": TorrentCommand::ObserveRemoved { .. } => {
        TorrentCommand::ObserveRemoved { data_deleted: false, left: vec![] }
    },
    "saw difference": TorrentCommand::ObserveDivergence(_) => {
        let field = "sequential".to_owned();
        TorrentCommand::ObserveDivergence(Reconciled { field, expected: "true".into(), found: "false".into() })
    },
    "shared": TorrentCommand::ReachShareLimit(_) => {
        TorrentCommand::ReachShareLimit(shared_for(60, ShareAction::Remove))
    },
    "saw fsops": TorrentCommand::ObserveFsops(_) => TorrentCommand::ObserveFsops(step_finished(Step::Verify)),
    "counters": TorrentCommand::RecordCounters(_) => TorrentCommand::RecordCounters(totals(7)),
}

/// What one command comes to in one state.
fn cell(state: State, command: TorrentCommand) -> String {
    // The name of a variant: what its `Debug` form begins with.
    fn word(of: &impl std::fmt::Debug) -> String {
        format!("{of:?}").split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned()
    }
    match given(state.facts()).when(command).0 {
        Err(refused) => format!("!{}", word(&refused)),
        Ok(facts) if facts.is_empty() => "-".to_owned(),
        Ok(facts) => facts.iter().map(word).collect::<Vec<_>>().join("+"),
    }
}

/// Columns as wide as their widest cell.
fn print(rows: &[Vec<String>]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or_default();
    let widths: Vec<_> = (0..rows[0].len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells: Vec<_> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        cells.join(" ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

#[test]
fn every_command_has_its_answer_in_every_state() {
    let head = std::iter::once(String::new()).chain(State::ALL.map(|state| format!("{state:?}")));
    let mut rows = vec![head.collect::<Vec<_>>()];
    for command in examples() {
        let cells = State::ALL.map(|state| cell(state, command.clone()));
        rows.push(std::iter::once(name(&command).to_owned()).chain(cells).collect());
    }
    let table = print(&rows);
    assert!(table == TABLE, "the rules are now:\n{table}");
}
