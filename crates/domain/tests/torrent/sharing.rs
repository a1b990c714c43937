//! What becomes of a torrent that has shared enough.

use revaer_domain::settings::ShareAction;
use revaer_domain::torrent::{
    Phase, ReachedLimit, RemoveRequested, ShareLimitReached, TorrentCommand, TorrentEvent,
};
use rstest::rstest;

use crate::fixtures::{State, phase, shared_for};
use crate::harness::given;

fn reach(seed_time_seconds: u64, action: ShareAction) -> TorrentCommand {
    TorrentCommand::ReachShareLimit(shared_for(seed_time_seconds, action))
}

fn reached(seed_time_seconds: u64, action: ShareAction) -> TorrentEvent {
    TorrentEvent::ShareLimitReached(shared_for(seed_time_seconds, action))
}

#[rstest]
#[case::pause(ShareAction::Pause, TorrentEvent::Paused)]
#[case::remove(ShareAction::Remove, TorrentEvent::RemoveRequested(RemoveRequested { delete_data: false }))]
fn reason_comes_before_what_is_done(#[case] action: ShareAction, #[case] done: TorrentEvent) {
    given(State::Complete.facts()).when(reach(60, action)).then([reached(60, action), done]);
}

#[test]
fn nothing_is_done_and_nothing_told_where_that_is_the_action() {
    given(State::Complete.facts()).when(reach(60, ShareAction::Nothing)).then_nothing();
}

#[test]
fn torrent_that_is_resumed_after_a_limit_goes_on_until_another_one_holds() {
    let resumed = [reached(60, ShareAction::Pause), TorrentEvent::Paused, TorrentEvent::Resumed];
    let torrent = given(State::Complete.facts()).and(resumed);
    torrent.when(reach(60, ShareAction::Pause)).then_nothing();
    torrent.when(reach(90, ShareAction::Pause)).then([reached(90, ShareAction::Pause), TorrentEvent::Paused]);
}

#[test]
fn torrent_that_is_resumed_goes_on_also_when_it_came_to_the_other_limit_meanwhile() {
    let of_ratio = || ShareLimitReached {
        limit: ReachedLimit::ShareRatio(1.5.try_into().expect("a ratio")),
        ..shared_for(0, ShareAction::Pause)
    };
    let resumed = [
        reached(60, ShareAction::Pause),
        TorrentEvent::Paused,
        TorrentEvent::Resumed,
        TorrentEvent::ShareLimitReached(of_ratio()),
        TorrentEvent::Paused,
        TorrentEvent::Resumed,
    ];
    let torrent = given(State::Complete.facts()).and(resumed);
    torrent.when(reach(60, ShareAction::Pause)).then_nothing();
    torrent.when(TorrentCommand::ReachShareLimit(of_ratio())).then_nothing();
}

#[test]
fn torrent_that_is_not_complete_has_not_shared_enough() {
    given(State::Downloading.facts()).when(reach(60, ShareAction::Remove)).then_nothing();
    let torrent = given(State::Complete.facts()).and([phase(Phase::Downloading)]);
    torrent.when(reach(60, ShareAction::Remove)).then_nothing();
}
