//! What an operator may ask for, and what comes of it.

use revaer_domain::selection::{InvalidSelection, SelectionRule};
use revaer_domain::torrent::{
    LabelsChanged, Lifecycle, MoveFailed, Moved, RateCapChanged, Refused, Requested, SelectionChanged,
    SequentialChanged, ShareLimitsChanged, Status, TorrentCommand, TorrentEvent,
};
use revaer_domain::values::{RateCap, ShareLimits};
use rstest::rstest;

use crate::fixtures::{
    State, add, added, cap, discovered, failed, files_as, labels, move_requested, place, remove_requested,
    rule, share_limits,
};
use crate::harness::given;

#[test]
fn magnet_is_added_and_its_files_are_awaited() {
    given([]).when(add(None, SelectionRule::default())).then([added()]);
    assert_eq!(given([added()]).0.status(), Some(Status::Metadata));
}

#[test]
fn torrent_file_is_added_with_its_files() {
    given([]).when(add(Some(files_as()), SelectionRule::default())).then([added(), discovered()]);
    let torrent = given([added(), discovered()]).0;
    assert_eq!((torrent.status(), torrent.name.as_str()), (Some(Status::Downloading), "real name"));
    assert_eq!(torrent.info_hashes.iter().count(), 2, "the other half of a hybrid is learned");
    assert_eq!(torrent.trackers.len(), 2, "each tracker once");
}

#[test]
fn rule_that_names_a_file_beyond_the_last_is_refused_once_the_files_are_known() {
    let no_such_file = || Refused::Selection(InvalidSelection::NoSuchFile { index: 4, count: 4 });
    given([]).when(add(Some(files_as()), rule(4))).then_refused(no_such_file());
    given(State::Downloading.facts()).when(TorrentCommand::Select(rule(4))).then_refused(no_such_file());
    // Of a magnet nobody can tell yet.
    let changed = SelectionChanged { from: SelectionRule::default(), to: rule(4) };
    given([added()]).when(TorrentCommand::Select(rule(4))).then([TorrentEvent::SelectionChanged(changed)]);
}

#[test]
fn rule_that_does_not_compile_is_refused_by_add_and_by_select() {
    let broken = || SelectionRule { include: vec!["[".to_owned()], ..SelectionRule::default() };
    for decided in
        [given([]).when(add(None, broken())), given([added()]).when(TorrentCommand::Select(broken()))]
    {
        let refused = decided.0.expect_err("refused");
        assert!(matches!(refused, Refused::Selection(InvalidSelection::Glob { field: "include", .. })));
    }
}

#[rstest]
#[case::pause(TorrentCommand::Pause, TorrentEvent::Paused)]
#[case::sequential(
    TorrentCommand::SetSequential { enable: true },
    TorrentEvent::SequentialChanged(SequentialChanged { enabled: true })
)]
#[case::rate_cap(
    TorrentCommand::SetRateCap(cap(1000)),
    TorrentEvent::RateCapChanged(RateCapChanged { from: RateCap::default(), to: cap(1000) })
)]
#[case::share_limits(
    TorrentCommand::SetShareLimits(share_limits(1.5)),
    TorrentEvent::ShareLimitsChanged(ShareLimitsChanged { from: ShareLimits::default(), to: share_limits(1.5) })
)]
#[case::label(
    TorrentCommand::SetLabels(labels(&["films"])),
    TorrentEvent::LabelsChanged(LabelsChanged { from: labels(&[]), to: labels(&["films"]) })
)]
#[case::select(
    TorrentCommand::Select(rule(1)),
    TorrentEvent::SelectionChanged(SelectionChanged { from: SelectionRule::default(), to: rule(1) })
)]
#[case::relocate(TorrentCommand::Move { save_path: place("new") }, move_requested("new"))]
#[case::reannounce(TorrentCommand::Reannounce, TorrentEvent::ReannounceRequested(Requested { request: 1 }))]
#[case::recheck(TorrentCommand::Recheck, TorrentEvent::RecheckRequested(Requested { request: 1 }))]
#[case::remove(TorrentCommand::Remove { delete_data: true }, remove_requested(true))]
fn command_is_recorded_once(#[case] command: TorrentCommand, #[case] fact: TorrentEvent) {
    let torrent = given(State::Downloading.facts());
    torrent.when(command.clone()).then([fact.clone()]);
    torrent.and([fact]).when(command).then_nothing();
}

#[test]
fn one_shot_that_was_carried_out_may_be_asked_for_again() {
    let asked = |request| TorrentEvent::ReannounceRequested(Requested { request });
    let done = TorrentEvent::Reannounced(Requested { request: 1 });
    given(State::Downloading.facts()).and([asked(1), done]).when(TorrentCommand::Reannounce).then([asked(2)]);
}

#[test]
fn torrent_without_metadata_cannot_be_checked() {
    given([added()]).when(TorrentCommand::Recheck).then_refused(Refused::NoMetadata);
}

#[test]
fn resume_ends_a_pause_and_is_no_news_otherwise() {
    given(State::Paused.facts()).when(TorrentCommand::Resume).then([TorrentEvent::Resumed]);
    given(State::Downloading.facts()).when(TorrentCommand::Resume).then_nothing();
}

#[test]
fn resume_tries_again_after_a_failure_and_once_at_a_time() {
    let torrent = given(State::Failed.facts());
    torrent.when(TorrentCommand::Resume).then([TorrentEvent::Resumed]);
    let trying = torrent.and([TorrentEvent::Resumed]);
    assert!(trying.0.retry.is_pending());
    assert_eq!(trying.0.status(), Some(Status::Failed), "until it is seen to go on");
    trying.when(TorrentCommand::Resume).then_nothing();
    // The attempt ended as the one before: now another one may be made.
    let again = trying.and([failed("disk_full")]);
    again.when(TorrentCommand::Resume).then([TorrentEvent::Resumed]);
}

#[test]
fn failed_torrent_may_be_moved_where_there_is_room() {
    given(State::Failed.facts())
        .when(TorrentCommand::Move { save_path: place("new") })
        .then([move_requested("new")]);
}

#[test]
fn torrent_is_moved_to_one_place_at_a_time() {
    let moving = given(State::Moving.facts());
    assert_eq!(moving.0.status(), Some(Status::Moving));
    moving.when(TorrentCommand::Move { save_path: place("new") }).then_nothing();
    for elsewhere in ["other", "old"] {
        moving.when(TorrentCommand::Move { save_path: place(elsewhere) }).then_refused(Refused::Moving);
    }
    let moved = moving.clone().and([TorrentEvent::Moved(Moved { save_path: place("new") })]);
    assert_eq!(moved.0.save_path, place("new"));
    moved.when(TorrentCommand::Move { save_path: place("new") }).then_nothing();
    let stayed = moving
        .and([TorrentEvent::MoveFailed(MoveFailed { to: place("new"), detail: "not writable".to_owned() })]);
    stayed.when(TorrentCommand::Move { save_path: place("new") }).then([move_requested("new")]);
}

#[test]
fn files_may_still_be_asked_to_go_and_cannot_be_asked_back() {
    let keeping = given(State::Removing.facts());
    keeping.when(TorrentCommand::Remove { delete_data: true }).then([remove_requested(true)]);
    let deleting = keeping.and([remove_requested(true)]);
    assert_eq!(deleting.0.lifecycle, Lifecycle::Removing { delete_data: true });
    deleting.when(TorrentCommand::Remove { delete_data: false }).then_nothing();
}
