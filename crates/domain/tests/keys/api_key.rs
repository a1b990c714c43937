//! Keys: issued, rotated, revoked, expired.

use revaer_domain::api_key::{Issued, KeyCommand, KeyEvent, KeyRefused, KeyRules, Replaced, Rotated, Scope};
use revaer_domain::values::{Fingerprint, KeyId};
use rstest::rstest;
use ulid::Ulid;

use crate::harness::{Given, at};

fn given(facts: impl IntoIterator<Item = KeyEvent>) -> Given<KeyRules> {
    crate::harness::given(KeyRules, KeyId::new(Ulid(1)), facts)
}

fn print(number: u8) -> Fingerprint {
    Fingerprint::new([number; 8])
}

fn details(expires_at: Option<i64>) -> Issued {
    Issued {
        label: "laptop".parse().expect("a label"),
        scope: Scope::Control,
        expires_at: expires_at.map(at),
        fingerprint: print(1),
        rate_limit: None,
    }
}

fn issued(expires_at: Option<i64>) -> KeyEvent {
    KeyEvent::Issued(details(expires_at))
}

fn rotate(number: u8, seconds: i64) -> KeyCommand {
    KeyCommand::Rotate { fingerprint: print(number), previous_valid_until: at(seconds + 60), at: at(seconds) }
}

fn rotated(number: u8, seconds: i64) -> KeyEvent {
    KeyEvent::Rotated(Rotated { fingerprint: print(number), previous_valid_until: at(seconds + 60) })
}

#[rstest]
#[case::without_an_end(None)]
#[case::with_an_end(Some(10))]
fn key_is_issued_once(#[case] expires_at: Option<i64>) {
    let issue = KeyCommand::Issue { issued: details(expires_at), at: at(0) };
    given([]).when(issue.clone()).then([issued(expires_at)]);
    given([issued(expires_at)]).when(issue).then_refused(KeyRefused::Exists);
}

#[rstest]
#[case::earlier(-1)]
#[case::now(0)]
fn key_cannot_end_before_it_begins(#[case] expires_at: i64) {
    let issue = KeyCommand::Issue { issued: details(Some(expires_at)), at: at(0) };
    given([]).when(issue).then_refused(KeyRefused::ExpiresInThePast);
}

#[test]
fn rotation_keeps_the_secret_before_for_a_time_and_only_that_one() {
    let once = given([issued(None)]);
    once.when(rotate(2, 0)).then([rotated(2, 0)]);
    let twice = given([issued(None), rotated(2, 0), rotated(3, 10)]);
    assert_eq!(twice.state.issued.as_ref().map(|issued| issued.fingerprint), Some(print(3)));
    assert_eq!(twice.state.replaced, Some(Replaced { fingerprint: print(2), valid_until: at(70) }));
}

#[test]
fn revocation_is_recorded_once_and_is_for_good() {
    given([issued(None)]).when(KeyCommand::Revoke).then([KeyEvent::Revoked]);
    let revoked = given([issued(None), KeyEvent::Revoked]);
    revoked.when(KeyCommand::Revoke).then_nothing();
    revoked.when(rotate(2, 0)).then_refused(KeyRefused::Revoked);
    revoked.when(KeyCommand::Issue { issued: details(None), at: at(0) }).then_refused(KeyRefused::Exists);
}

#[test]
fn key_that_has_expired_gets_no_new_secret_and_may_be_revoked() {
    let key = given([issued(Some(10))]);
    key.when(rotate(2, 9)).then([rotated(2, 9)]);
    key.when(rotate(2, 10)).then_refused(KeyRefused::Expired);
    key.when(KeyCommand::Revoke).then([KeyEvent::Revoked]);
}

#[rstest]
#[case::rotate(rotate(2, 0))]
#[case::revoke(KeyCommand::Revoke)]
fn key_that_was_never_issued_cannot_be_changed(#[case] command: KeyCommand) {
    given([]).when(command).then_refused(KeyRefused::Absent);
}
