//! What the session was seen to do: news is recorded, the rest is not, and nothing is refused.

use revaer_domain::selection::SelectionRule;
use revaer_domain::torrent::{
    Completed, FilesDiscovered, MoveFailed, Moved, Phase, Rechecked, Removed, Requested, SelectionApplied,
    SelectionChanged, StateChanged, Status, TorrentCommand, TorrentEvent,
};
use rstest::rstest;
use time::OffsetDateTime;

use crate::fixtures::{
    State, added, applied, applied_as, completed, discovered, failed, failure, files_as, phase, place, rule,
    totals,
};
use crate::harness::given;

fn completion() -> TorrentCommand {
    TorrentCommand::ObserveCompletion { at: OffsetDateTime::UNIX_EPOCH, totals: totals(400), offer: None }
}

fn selection_changed() -> TorrentEvent {
    TorrentEvent::SelectionChanged(SelectionChanged { from: SelectionRule::default(), to: rule(0) })
}

#[test]
fn files_of_a_magnet_are_learned_once() {
    given([added()]).when(TorrentCommand::ObserveFiles(files_as())).then([discovered()]);
    let other = FilesDiscovered { name: "other".to_owned(), ..files_as() };
    given([added(), discovered()]).when(TorrentCommand::ObserveFiles(other)).then_nothing();
}

#[test]
fn finished_counts_only_for_the_selection_in_force() {
    given([added(), discovered()]).when(completion()).then_nothing();
    let torrent = given([added(), discovered(), applied(0)]);
    let at = OffsetDateTime::UNIX_EPOCH;
    torrent.when(completion()).then([TorrentEvent::Completed(Completed {
        at,
        totals: totals(400),
        fsops: None,
    })]);
    torrent.and([selection_changed()]).when(completion()).then_nothing();
}

#[test]
fn priorities_of_an_older_rule_are_no_news() {
    let torrent = given([added(), discovered(), selection_changed()]);
    torrent.when(TorrentCommand::ObserveSelection(applied_as(0))).then_nothing();
    torrent.when(TorrentCommand::ObserveSelection(applied_as(1))).then([applied(1)]);
    given([added()]).when(TorrentCommand::ObserveSelection(applied_as(0))).then_nothing();
}

#[rstest]
#[case::more(vec![(1, 4), (3, 0)], vec![(2, 4), (2, 0)], false)]
#[case::others(vec![(1, 4), (3, 0)], vec![(1, 0), (3, 4)], false)]
#[case::fewer(vec![(2, 4), (2, 0)], vec![(1, 4), (3, 0)], true)]
#[case::sooner(vec![(4, 4)], vec![(4, 7)], true)]
fn complete_torrent_stays_so_while_no_further_file_is_wanted(
    #[case] before: Vec<(u32, u8)>,
    #[case] after: Vec<(u32, u8)>,
    #[case] complete: bool,
) {
    let applied = |revision, priorities| {
        TorrentEvent::SelectionApplied(SelectionApplied { revision, priorities, wanted_bytes: 100 })
    };
    // Paused, so that no phase will tell.
    let torrent = given([added(), discovered(), applied(0, before), completed(), TorrentEvent::Paused])
        .and([selection_changed(), applied(1, after)])
        .0;
    assert_eq!(torrent.is_complete(), complete);
    assert_eq!(torrent.status(), Some(if complete { Status::Completed } else { Status::Paused }));
}

#[test]
fn check_that_finds_something_missing_ends_the_completion() {
    let asked = TorrentEvent::RecheckRequested(Requested { request: 1 });
    let torrent = given(State::Complete.facts()).and([asked]);
    let found = |request| TorrentCommand::ObserveRechecked { request, totals: totals(300), complete: false };
    let rechecked = TorrentEvent::Rechecked(Rechecked { request: 1, totals: totals(300), complete: false });
    torrent.when(found(1)).then([rechecked.clone()]);
    torrent.when(found(2)).then_nothing();
    let torrent = torrent.and([rechecked]);
    assert!(!torrent.0.is_complete() && !torrent.0.recheck.is_pending());
    torrent.when(found(1)).then_nothing();
}

#[test]
fn torrent_that_downloads_again_is_complete_no_more() {
    let torrent = given(State::Complete.facts()).and([phase(Phase::Seeding)]);
    let changed = StateChanged { from: Some(Phase::Seeding), to: Phase::Downloading, totals: totals(300) };
    torrent
        .when(TorrentCommand::ObservePhase { phase: Phase::Downloading, totals: totals(300) })
        .then([TorrentEvent::StateChanged(changed)]);
    assert!(!torrent.and([TorrentEvent::StateChanged(changed)]).0.is_complete());
}

#[test]
fn full_disk_is_one_failure_however_many_pieces_it_hits() {
    let torrent = given(State::Failed.facts());
    torrent.when(TorrentCommand::ObserveFailure(failure("disk_full"))).then_nothing();
    torrent.when(TorrentCommand::ObserveFailure(failure("not_writable"))).then([failed("not_writable")]);
    // Somebody tried again, and it failed in the same way: that is news.
    torrent
        .and([TorrentEvent::Resumed])
        .when(TorrentCommand::ObserveFailure(failure("disk_full")))
        .then([failed("disk_full")]);
}

#[test]
fn recovery_ends_a_failure() {
    let torrent = given(State::Failed.facts()).and([TorrentEvent::Resumed]);
    torrent.when(TorrentCommand::ObserveRecovery).then([TorrentEvent::Recovered]);
    let well = torrent.and([TorrentEvent::Recovered]);
    assert_eq!(well.0.status(), Some(Status::Downloading));
    assert!(!well.0.retry.is_pending());
    well.when(TorrentCommand::ObserveRecovery).then_nothing();
}

#[test]
fn move_counts_only_for_the_place_that_was_asked_for() {
    let moving = given(State::Moving.facts());
    moving.when(TorrentCommand::ObserveMoved { save_path: place("elsewhere") }).then_nothing();
    moving
        .when(TorrentCommand::ObserveMoved { save_path: place("new") })
        .then([TorrentEvent::Moved(Moved { save_path: place("new") })]);
    let detail = "not writable".to_owned();
    moving
        .when(TorrentCommand::ObserveMoveFailed { save_path: place("new"), detail: detail.clone() })
        .then([TorrentEvent::MoveFailed(MoveFailed { to: place("new"), detail })]);
}

#[test]
fn removal_learns_where_the_files_went() {
    let torrent = given(State::Moving.facts()).and([crate::fixtures::remove_requested(true)]);
    let moved = TorrentEvent::Moved(Moved { save_path: place("new") });
    torrent.when(TorrentCommand::ObserveMoved { save_path: place("new") }).then([moved.clone()]);
    let torrent = torrent.and([moved]);
    assert_eq!((torrent.0.save_path.as_str(), torrent.0.status()), ("new", Some(Status::Removing)));
}

#[test]
fn torrent_is_gone_only_when_that_was_asked_for() {
    let gone = || TorrentCommand::ObserveRemoved { data_deleted: true, left: vec![] };
    given(State::Downloading.facts()).when(gone()).then_nothing();
    given(State::Removing.facts())
        .when(gone())
        .then([TorrentEvent::Removed(Removed { data_deleted: true, left: vec![] })]);
    given(State::Removed.facts()).when(gone()).then_nothing();
}
