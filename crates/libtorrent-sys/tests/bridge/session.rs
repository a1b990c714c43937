//! The session as a whole: settings, state, wake-ups, its end.

use crate::support::{KEY, Node, add, loopback_settings, payload, seeder};
use libtorrent_sys::{EventKind, Format, Session, Setting, Source, header_version, version};
use rstest::rstest;
use tempfile::tempdir;

#[test]
fn library_is_the_one_that_the_bridge_was_built_for() {
    assert_eq!(version(), header_version());
}

#[rstest]
#[case::unknown(Setting::int("no_such_setting", 1))]
#[case::empty(Setting::int("", 1))]
#[case::other_type(Setting::text("tick_interval", "100"))]
#[case::integer_for_boolean(Setting::int("enable_dht", 0))]
#[case::out_of_range(Setting::int("tick_interval", i64::MAX))]
fn setting_that_cannot_be_is_an_error_and_changes_nothing(#[case] wrong: Setting) {
    let node = Node::start();
    let before = node.session.int_setting("tick_interval").unwrap();
    let error = node.session.apply_settings(&[Setting::int("tick_interval", 77), wrong.clone()]).unwrap_err();
    assert_eq!(error.category, "settings");
    assert_eq!(node.session.int_setting("tick_interval").unwrap(), before);
    assert!(Session::start(&[wrong], None).is_err());
    node.session.apply_settings(&[Setting::int("tick_interval", 77)]).unwrap();
    assert_eq!(node.session.int_setting("tick_interval").unwrap(), 77);
    assert!(node.session.int_setting("user_agent").is_err());
}

#[test]
fn saved_state_starts_another_session_and_malformed_state_is_an_error() {
    let node = Node::start();
    let state = node.session.save_state().unwrap();
    assert!(state.starts_with(b"d"));
    drop(node);
    Node::with(&loopback_settings(), Some(&state)).session.ping().unwrap();
    for malformed in [&b"x"[..], b"d", &state[..state.len() - 1], &vec![b'l'; 100_000]] {
        assert!(Session::start(&loopback_settings(), Some(malformed)).is_err());
    }
}

#[test]
fn alert_wakes_the_one_who_waits_and_a_drained_wakeup_is_silent() {
    let mut node = Node::start();
    let heard = node.hear("listening", |kind| matches!(kind, EventKind::ListenSucceeded { .. }));
    assert!(matches!(heard.kind, EventKind::ListenSucceeded { port } if port != 0));
    assert!(node.wakeups > 0);
    // A round trip, so that nothing is on its way any more.
    node.session.ping().unwrap();
    // An alert may be taken before its wake-up is written: that one is cleared by the next turn.
    node.turn(std::time::Duration::from_millis(20));
    let before = node.wakeups;
    node.turn(std::time::Duration::from_millis(20));
    assert_eq!(node.wakeups, before, "nothing waits, so nothing wakes");
    node.session.post_stats().unwrap();
    node.turn(crate::support::PATIENCE);
    assert!(node.wakeups > before);
    node.until("counters", |node| (!node.stats.is_empty()).then_some(()));
}

#[test]
fn after_the_end_every_call_is_an_error_and_a_second_end_is_none() {
    let dir = tempdir().unwrap();
    let metainfo = payload(dir.path(), Format::V1);
    let mut node = seeder(dir.path(), &metainfo);
    let session = node.session.clone();
    session.shutdown().unwrap();
    session.shutdown().unwrap();
    assert_eq!(session.ping().unwrap_err().category, "session");
    assert!(session.status(KEY).is_err());
    assert!(session.add(KEY + 1, &add(Source::Metainfo(metainfo), dir.path())).is_err());
    assert!(node.pump.pump().is_err());
}

#[test]
fn end_waits_for_calls_of_other_threads() {
    let dir = tempdir().unwrap();
    let metainfo = payload(dir.path(), Format::V1);
    let mut node = seeder(dir.path(), &metainfo);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let session = node.session.clone();
            scope.spawn(move || while session.status(KEY).is_ok() && session.peers(KEY).is_ok() {});
        }
        scope.spawn(|| while node.pump.pump().is_ok() {});
        node.session.shutdown().unwrap();
    });
}
