//! The setup: a token, attempts with it, the end.

use revaer_domain::setup::{
    Attempted, Completed, Outcome, Phase, Presented, SetupCommand, SetupEvent, SetupRefused, SetupRules,
    TokenIssued,
};
use revaer_domain::values::{Fingerprint, KeyId};
use rstest::rstest;
use ulid::Ulid;

use crate::harness::{Given, at};

fn given(facts: impl IntoIterator<Item = SetupEvent>) -> Given<SetupRules> {
    crate::harness::given(SetupRules, revaer_domain::setup::STREAM, facts)
}

fn print(number: u8) -> Fingerprint {
    Fingerprint::new([number; 8])
}

fn token(number: u8, expires_at: i64) -> SetupEvent {
    SetupEvent::TokenIssued(TokenIssued { expires_at: at(expires_at), fingerprint: print(number) })
}

fn start(number: u8, expires_at: i64) -> SetupCommand {
    SetupCommand::Start { fingerprint: print(number), expires_at: at(expires_at) }
}

fn end() -> Completed {
    Completed { instance_name: "home".parse().expect("a name"), key_id: KeyId::new(Ulid(1)) }
}

fn complete(presented: Presented, seconds: i64) -> SetupCommand {
    SetupCommand::Complete { presented, completed: end(), at: at(seconds) }
}

fn attempted(outcome: Outcome) -> SetupEvent {
    SetupEvent::Attempted(Attempted { outcome })
}

#[test]
fn token_is_issued_and_takes_the_place_of_the_one_before() {
    given([]).when(start(1, 900)).then([token(1, 900)]);
    given([token(1, 900)]).when(start(2, 1000)).then([token(2, 1000)]);
}

#[test]
fn right_token_in_time_ends_the_setup() {
    given([token(1, 900)])
        .when(complete(Presented::Issued(print(1)), 899))
        .then([attempted(Outcome::Accepted), SetupEvent::Completed(end())]);
}

#[rstest]
#[case::unknown(Presented::Unknown, 0, Outcome::WrongToken)]
#[case::expired(Presented::Issued(print(2)), 900, Outcome::ExpiredToken)]
#[case::replaced(Presented::Issued(print(1)), 0, Outcome::UsedToken)]
#[case::of_another_log(Presented::Issued(print(9)), 0, Outcome::WrongToken)]
fn token_that_fails_is_a_fact_and_nothing_else(
    #[case] presented: Presented,
    #[case] seconds: i64,
    #[case] outcome: Outcome,
) {
    let setup = given([token(1, 900), token(2, 900)]);
    setup.when(complete(presented, seconds)).then([attempted(outcome)]);
    let after = given([token(1, 900), token(2, 900), attempted(outcome)]);
    assert_eq!((after.state.failed_attempts, after.state.phase()), (1, Phase::TokenIssued));
}

#[test]
fn token_of_a_file_needs_no_start() {
    given([])
        .when(complete(Presented::OfFile, 0))
        .then([attempted(Outcome::Accepted), SetupEvent::Completed(end())]);
}

#[rstest]
#[case::start(start(2, 900))]
#[case::the_same_token_again(complete(Presented::Issued(print(1)), 0))]
#[case::token_of_a_file(complete(Presented::OfFile, 0))]
fn setup_ends_once(#[case] command: SetupCommand) {
    let over = given([token(1, 900), attempted(Outcome::Accepted), SetupEvent::Completed(end())]);
    assert_eq!((over.state.failed_attempts, over.state.phase()), (0, Phase::Complete));
    over.when(command).then_refused(SetupRefused::Complete);
}
