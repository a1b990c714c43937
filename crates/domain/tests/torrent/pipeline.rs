//! The job in the file pipeline: when it begins, what may be asked of it, and what of what was seen is news.

use revaer_domain::fsops::{
    FsopsCancelled, FsopsEvent, FsopsHeld, FsopsJob, FsopsObservation, FsopsRequested, FsopsStarted,
    JobState, ProfileOffer, Step,
};
use revaer_domain::selection::SelectionRule;
use revaer_domain::torrent::{Refused, Status, TorrentCommand, TorrentEvent};
use revaer_domain::values::{JobId, Labels};
use rstest::rstest;
use time::OffsetDateTime;
use ulid::Ulid;

use crate::fixtures::{
    JOB, State, applied, applied_as, completed, completed_with_job, job_failed, labels, offer, phase, place,
    placed_as, remove_requested, step_finished, totals,
};
use crate::harness::{Given, given};

fn state(state: State) -> Given {
    given(state.facts())
}

fn fact(event: FsopsEvent) -> TorrentEvent {
    TorrentEvent::Fsops(event)
}

fn completion(offer: Option<ProfileOffer>) -> TorrentCommand {
    TorrentCommand::ObserveCompletion { at: OffsetDateTime::UNIX_EPOCH, totals: totals(400), offer }
}

fn seen(observation: FsopsObservation) -> TorrentCommand {
    TorrentCommand::ObserveFsops(observation)
}

fn started(attempt: u32, from: Step) -> FsopsStarted {
    FsopsStarted {
        job: JOB,
        attempt,
        from,
        rules: serde_json::json!({ "library_root": "/srv/films" }),
        library: "/srv/films".to_owned(),
        destination: "real name".to_owned(),
        files: 1,
        bytes: 400,
    }
}

fn job_state(torrent: &Given) -> JobState {
    torrent.0.fsops.as_ref().expect("it has a job").state
}

#[test]
fn torrent_is_processing_from_the_very_fact_of_its_completion() {
    let torrent = state(State::Downloading);
    torrent.when(completion(Some(offer()))).then([completed_with_job()]);
    assert_eq!(torrent.and([completed_with_job()]).0.status(), Some(Status::Processing));
}

#[test]
fn torrent_that_no_profile_applies_to_seeds_at_once() {
    let torrent = state(State::Downloading);
    let offer = ProfileOffer { default_profile: None, ..offer() };
    torrent.when(completion(Some(offer))).then([completed()]);
    torrent.when(completion(None)).then([completed()]);
    assert_eq!(torrent.and([completed()]).0.status(), Some(Status::Seeding));
}

#[test]
fn label_at_the_moment_of_completion_chooses() {
    let facts = State::Downloading.facts();
    let labels = labels(&["films"]);
    let labelled = revaer_domain::torrent::LabelsChanged { from: Labels::new(), to: labels };
    let torrent = given(facts).and([TorrentEvent::LabelsChanged(labelled)]);
    let profiles = vec![("films".to_owned(), vec!["films".to_owned()])];
    let offer = ProfileOffer { profiles, default_profile: None, ..offer() };
    torrent.when(completion(Some(offer))).then([completed_with_job()]);
}

#[test]
fn files_on_their_way_into_the_library_stay_where_they_are() {
    let torrent = state(State::Processing);
    torrent.when(TorrentCommand::Move { save_path: place("other") }).then_refused(Refused::Processing);
    let shared = crate::fixtures::shared_for(60, revaer_domain::settings::ShareAction::Remove);
    torrent.when(TorrentCommand::ReachShareLimit(shared)).then_nothing();
}

#[test]
fn each_step_is_finished_once() {
    let torrent = state(State::Processing);
    let finished = |step| match step_finished(step) {
        FsopsObservation::StepFinished(finished) => fact(FsopsEvent::StepFinished(finished)),
        _ => unreachable!("it is a finished step"),
    };
    torrent.when(seen(step_finished(Step::Verify))).then([finished(Step::Verify)]);
    let torrent = torrent.and([finished(Step::Verify), finished(Step::Extract)]);
    torrent.when(seen(step_finished(Step::Extract))).then_nothing();
    torrent.when(seen(step_finished(Step::Verify))).then_nothing();
    assert_eq!(torrent.0.fsops.as_ref().and_then(|job| job.stage()), Some(Step::Flatten));
}

#[test]
fn start_is_told_once_for_an_attempt_wherever_it_goes_on() {
    let torrent = state(State::Processing);
    let start = |attempt, from| {
        seen(FsopsObservation::Started { of: JOB, started: Box::new(started(attempt, from)) })
    };
    let told = |attempt, from| fact(FsopsEvent::Started(Box::new(started(attempt, from))));
    torrent.when(start(1, Step::Verify)).then([told(1, Step::Verify)]);
    let torrent = torrent.and([told(1, Step::Verify)]);
    torrent.when(start(1, Step::Transfer)).then_nothing();
    torrent.when(start(2, Step::Transfer)).then([told(2, Step::Transfer)]);
}

#[test]
fn held_job_keeps_its_torrent_processing_and_says_so_once() {
    let held = FsopsHeld {
        job: JOB,
        step: Some(Step::Verify),
        code: "root_absent".to_owned(),
        path: Some("/srv/films".to_owned()),
        detail: "in words".to_owned(),
    };
    let torrent = state(State::Processing);
    torrent.when(seen(FsopsObservation::Resumed(FsopsJob { job: JOB }))).then_nothing();
    torrent.when(seen(FsopsObservation::Held(held.clone()))).then([fact(FsopsEvent::Held(held.clone()))]);
    let torrent = torrent.and([fact(FsopsEvent::Held(held.clone()))]);
    torrent.when(seen(FsopsObservation::Held(held))).then_nothing();
    assert_eq!(torrent.0.status(), Some(Status::Processing));
    let resumed = FsopsJob { job: JOB };
    torrent.when(seen(FsopsObservation::Resumed(resumed))).then([fact(FsopsEvent::Resumed(resumed))]);
    assert_eq!(job_state(&torrent.and([fact(FsopsEvent::Resumed(resumed))])), JobState::Running);
}

#[test]
fn end_of_the_job_and_removal_of_its_torrent_are_one() {
    let torrent = state(State::Processing);
    let end = |remove_torrent| seen(FsopsObservation::Completed { completed: placed_as(), remove_torrent });
    let placed = fact(FsopsEvent::Completed(Box::new(placed_as())));
    torrent.when(end(false)).then([placed.clone()]);
    torrent.when(end(true)).then([placed, remove_requested(true)]);
    state(State::Placed).when(end(true)).then_nothing();
}

#[test]
fn failed_pipeline_leaves_the_torrent_seeding() {
    let torrent = state(State::Misplaced);
    assert_eq!(torrent.0.status(), Some(Status::Seeding));
    assert_eq!(job_state(&torrent), JobState::Failed);
    torrent.when(seen(FsopsObservation::Failed(job_failed("conflict")))).then_nothing();
}

#[test]
fn retry_goes_on_with_the_job_and_counts() {
    let retry = TorrentCommand::RetryFsops { profile: None, offer: Some(offer()) };
    let requested = FsopsRequested { job: JOB, profile: "films".to_owned(), attempt: 2 };
    let torrent = state(State::Misplaced);
    torrent.when(retry.clone()).then([fact(FsopsEvent::Requested(requested.clone()))]);
    let torrent = torrent.and([fact(FsopsEvent::Requested(requested))]);
    assert_eq!(torrent.0.status(), Some(Status::Processing));
    torrent.when(retry).then_nothing();
}

#[test]
fn retry_begins_the_job_of_a_torrent_that_never_had_one() {
    let torrent = state(State::Complete);
    let requested = FsopsRequested { job: JOB, profile: "films".to_owned(), attempt: 1 };
    let retry = TorrentCommand::RetryFsops { profile: None, offer: Some(offer()) };
    torrent.when(retry).then([fact(FsopsEvent::Requested(requested))]);
}

#[rstest]
#[case::nothing_is_offered(State::Complete, None, None, Refused::NoProfile)]
#[case::unknown(State::Complete, Some("other"), Some(offer()), Refused::UnknownProfile("other".to_owned()))]
#[case::incomplete(State::Downloading, None, Some(offer()), Refused::Incomplete)]
fn retry_without_files_or_profile_is_refused(
    #[case] of: State,
    #[case] profile: Option<&str>,
    #[case] offer: Option<ProfileOffer>,
    #[case] refused: Refused,
) {
    let retry = TorrentCommand::RetryFsops { profile: profile.map(str::to_owned), offer };
    state(of).when(retry).then_refused(refused);
}

#[test]
fn cancelled_job_is_not_begun_again_by_itself() {
    let cancelled = FsopsCancelled { job: JOB, step: Some(Step::Transfer) };
    let torrent = state(State::Processing);
    torrent.when(seen(FsopsObservation::Cancelled(cancelled.clone()))).then_nothing();
    let asked = fact(FsopsEvent::CancelRequested(FsopsJob { job: JOB }));
    torrent.when(TorrentCommand::CancelFsops).then([asked.clone()]);
    let torrent = torrent.and([asked]);
    let told = fact(FsopsEvent::Cancelled(cancelled.clone()));
    torrent.when(seen(FsopsObservation::Cancelled(cancelled))).then([told.clone()]);
    let torrent = torrent.and([told, phase(revaer_domain::torrent::Phase::Downloading)]);
    torrent.when(completion(Some(offer()))).then([completed()]);
}

#[test]
fn what_is_in_the_library_is_placed_again_for_other_files_alone() {
    let torrent = state(State::Placed).and([phase(revaer_domain::torrent::Phase::Downloading)]);
    torrent.when(completion(Some(offer()))).then([completed()]);
    let to = crate::fixtures::rule(1);
    let changed = revaer_domain::torrent::SelectionChanged { from: SelectionRule::default(), to };
    let torrent = torrent.and([TorrentEvent::SelectionChanged(changed), applied(1)]);
    torrent.when(completion(Some(offer()))).then([completed_with_job()]);
    assert_eq!(applied_as(1).revision, torrent.0.selection_revision);
}

#[test]
fn job_that_an_earlier_database_began_keeps_its_id() {
    let elsewhere = JobId::new(Ulid(8));
    let adopted = Box::new(FsopsStarted { job: elsewhere, ..started(1, Step::Transfer) });
    let torrent = state(State::Processing);
    let start = seen(FsopsObservation::Started { of: JOB, started: adopted.clone() });
    torrent.when(start).then([fact(FsopsEvent::Started(adopted.clone()))]);
    let torrent = torrent.and([fact(FsopsEvent::Started(adopted))]);
    assert_eq!(
        torrent.0.fsops.as_ref().map(|job| (job.id, job.stage())),
        Some((elsewhere, Some(Step::Transfer)))
    );
    torrent.when(seen(step_finished(Step::Transfer))).then_nothing();
}

#[test]
fn removal_ends_the_job() {
    let torrent = state(State::Processing).and([remove_requested(false)]);
    let cancelled = FsopsCancelled { job: JOB, step: None };
    let told = fact(FsopsEvent::Cancelled(cancelled.clone()));
    torrent.when(seen(FsopsObservation::Cancelled(cancelled))).then([told]);
    torrent.when(seen(step_finished(Step::Verify))).then_nothing();
}

#[test]
fn only_what_is_in_the_library_can_be_taken_back() {
    let asked = fact(FsopsEvent::UndoRequested(FsopsJob { job: JOB }));
    let torrent = state(State::Placed);
    torrent.when(TorrentCommand::UndoFsops).then([asked.clone()]);
    let torrent = torrent.and([asked]);
    torrent.when(TorrentCommand::UndoFsops).then_nothing();
    assert_eq!((torrent.0.status(), job_state(&torrent)), (Some(Status::Seeding), JobState::Undoing));
    state(State::Misplaced).when(TorrentCommand::UndoFsops).then_refused(Refused::NoJob);
    state(State::Complete).when(TorrentCommand::UndoFsops).then_refused(Refused::NoJob);
}
