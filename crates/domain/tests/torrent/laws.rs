//! What holds for every torrent, whatever happened to it.

use proptest::prelude::*;
use revaer_domain::selection::SelectionRule;
use revaer_domain::settings::ShareAction;
use revaer_domain::torrent::{Lifecycle, Phase, Refused, Torrent, TorrentCommand};

use crate::fixtures::{
    add, applied_as, cap, failure, files_as, labels, place, rule, share_limits, shared_for, totals,
};
use crate::harness::{Given, decide};

/// Any command; those with a value take one of a few, so that they meet.
fn command() -> impl Strategy<Value = TorrentCommand> {
    let small = 0..4_u32;
    let examples = prop::sample::select(crate::table::examples());
    let varied = (small, 0..4_u64, any::<bool>()).prop_flat_map(|(number, bytes, flag)| {
        let path = place(if flag { "old" } else { "new" });
        let phase = if flag { Phase::Downloading } else { Phase::Seeding };
        prop::sample::select(vec![
            add(flag.then(files_as), SelectionRule::default()),
            TorrentCommand::Select(if flag { rule(number) } else { SelectionRule::default() }),
            TorrentCommand::Remove { delete_data: flag },
            TorrentCommand::SetSequential { enable: flag },
            TorrentCommand::SetRateCap(cap(number + 1)),
            TorrentCommand::SetShareLimits(share_limits(f64::from(number))),
            TorrentCommand::ReachShareLimit(shared_for(bytes, ShareAction::Pause)),
            TorrentCommand::Move { save_path: path.clone() },
            TorrentCommand::SetLabels(labels(if flag { &["a"] } else { &[] })),
            TorrentCommand::ObserveSelection(applied_as(number)),
            TorrentCommand::ObservePhase { phase, totals: totals(bytes) },
            TorrentCommand::ObserveFailure(failure(if flag { "disk_full" } else { "not_writable" })),
            TorrentCommand::ObserveReannounced { request: number },
            TorrentCommand::ObserveRechecked { request: number, totals: totals(bytes), complete: flag },
            TorrentCommand::ObserveMoved { save_path: path },
            TorrentCommand::RecordCounters(totals(bytes)),
        ])
    });
    prop_oneof![examples, varied]
}

/// A life: it mostly begins with an add, and mostly does not end at once.
fn life() -> impl Strategy<Value = Vec<TorrentCommand>> {
    let begin = prop_oneof![
        4 => any::<bool>().prop_map(|files| Some(add(files.then(files_as), SelectionRule::default()))),
        1 => Just(None),
    ];
    (begin, prop::collection::vec(command(), 0..40))
        .prop_map(|(begin, rest)| begin.into_iter().chain(rest).collect())
}

/// Calls for each command of a life, with the torrent before it.
fn live(life: Vec<TorrentCommand>, mut check: impl FnMut(&Torrent, &TorrentCommand)) {
    let mut torrent = Torrent::default();
    for command in life {
        check(&torrent, &command);
        if let Ok(facts) = decide(&torrent, command) {
            torrent = Given(torrent).and(facts).0;
        }
    }
}

const fn rank(lifecycle: Lifecycle) -> u8 {
    match lifecycle {
        Lifecycle::Absent => 0,
        Lifecycle::Live => 1,
        Lifecycle::Removing { delete_data: false } => 2,
        Lifecycle::Removing { delete_data: true } => 3,
        Lifecycle::Removed => 4,
    }
}

proptest! {
    #[test]
    fn command_that_was_obeyed_is_no_news_when_repeated(life in life()) {
        live(life, |torrent, command| {
            let Ok(facts) = decide(torrent, command.clone()) else { return };
            let after = Given(torrent.clone()).and(facts.clone()).0;
            let repeated = decide(&after, command.clone());
            match command {
                TorrentCommand::Add(_) => assert_eq!(repeated, Err(Refused::Exists)),
                // An occurrence: it is told as often as it is met.
                TorrentCommand::ObserveDivergence(_) => assert_eq!(repeated, Ok(facts)),
                _ => assert_eq!(repeated, Ok(vec![]), "{command:?} after {facts:?}"),
            }
        });
    }

    #[test]
    fn observation_is_never_refused(life in life()) {
        live(life, |torrent, command| {
            if command.is_observation() {
                assert!(decide(torrent, command.clone()).is_ok(), "{command:?}");
            }
        });
    }

    #[test]
    fn refusal_and_no_news_are_the_only_answers_of_what_was_removed(life in life()) {
        live(life, |torrent, command| {
            if torrent.lifecycle == Lifecycle::Removed {
                let silent = if command.is_observation() { Ok(vec![]) } else { Err(Refused::Removed) };
                assert_eq!(decide(torrent, command.clone()), silent);
            }
        });
    }

    #[test]
    fn life_never_goes_back(life in life()) {
        let mut before = 0;
        live(life, |torrent, _| {
            assert!(rank(torrent.lifecycle) >= before);
            before = rank(torrent.lifecycle);
        });
    }

    #[test]
    fn progress_is_a_part_and_counters_never_count_more_than_was_asked_for(life in life()) {
        live(life, |torrent, _| {
            assert!((0.0..=1.0).contains(&torrent.progress()));
            for one_shot in [torrent.reannounce, torrent.recheck, torrent.retry] {
                assert!(one_shot.done <= one_shot.requested);
            }
            assert_eq!(torrent.status().is_some(), matches!(rank(torrent.lifecycle), 1..=3));
        });
    }
}
