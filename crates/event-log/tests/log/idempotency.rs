//! A command happens once, however often it is given.

use futures::future::join_all;
use revaer_event_log::{AppendError, CommandOutcome, Position};
use uuid::Uuid;

use crate::support::{TestLog, append, commanded, count, once, stream};

fn recorded(answer: Result<revaer_event_log::Appended, AppendError>) -> CommandOutcome {
    match answer {
        Err(AppendError::AlreadyRecorded(outcome)) => *outcome,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn repeat_is_answered_with_the_first_outcome() {
    let test = TestLog::start().await;
    test.log.append(append("before", 0, 1)).await.unwrap();
    let appended = test.log.append(commanded("s", 0, 3, 1)).await.unwrap();
    // By then the stream has moved on; a repeat is a repeat all the same, for whatever stream and version it comes.
    test.log.append(append("s", 3, 1)).await.unwrap();
    let (same, other_body) = {
        let mut other_body = commanded("elsewhere", 5, 1, 1);
        other_body.command.as_mut().unwrap().fingerprint = [8; 32];
        (
            recorded(test.log.append(commanded("s", 0, 3, 1)).await),
            recorded(test.log.append(other_body).await),
        )
    };
    assert_eq!(same, other_body);
    assert_eq!(test.log.find_command(Uuid::from_u128(1)).await.unwrap(), Some(same.clone()));
    let expected = CommandOutcome {
        id: Uuid::from_u128(1),
        fingerprint: [7; 32],
        stream: stream("s"),
        first_position: Position(2),
        last_position: Position(4),
        event_count: 3,
        version_after: 3,
        result: Some("{\"id\": 1}".to_owned()),
        recorded_at: appended.recorded_at,
    };
    assert_eq!(same, expected);
    assert_eq!(test.log.find_command(Uuid::from_u128(2)).await.unwrap(), None);
    assert_eq!(count(&test.pool, "events").await, 5);
}

#[tokio::test]
async fn repeats_in_flight_happen_once() {
    let test = TestLog::start().await;
    let other = test.another().await;
    for round in 0..10_u128 {
        let name = format!("s{round}");
        // Two of one process, of which both may be taken into one batch, and two of another.
        let logs = [&test.log, &test.log, &other.log, &other.log];
        let answers = join_all(logs.map(|log| log.append(commanded(&name, 0, 2, round)))).await;
        let (appended, repeats): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
        assert_eq!(appended.len(), 1, "{repeats:?}");
        let position = appended.into_iter().next().unwrap().unwrap().position;
        for repeat in repeats {
            assert_eq!(recorded(repeat).last_position, position);
        }
    }
    assert_eq!((count(&test.pool, "events").await, count(&test.pool, "commands").await), (20, 10));
}

#[tokio::test]
async fn repeat_of_what_changed_nothing_changes_nothing_later() {
    let test = TestLog::start().await;
    test.log.append(append("s", 0, 1)).await.unwrap();
    test.log.append(commanded("s", 1, 0, 1)).await.unwrap();
    test.log.append(append("s", 1, 1)).await.unwrap();
    // Decided again it would act now; the first answer stands.
    let outcome = recorded(test.log.append(commanded("s", 2, 1, 1)).await);
    assert_eq!((outcome.event_count, outcome.version_after, outcome.last_position), (0, 1, Position(1)));
    assert_eq!(count(&test.pool, "events").await, 2);
}

#[tokio::test]
async fn refused_command_is_not_remembered() {
    let test = TestLog::start().await;
    test.log.append(append("s", 0, 1)).await.unwrap();
    let refused = test.log.append(commanded("s", 0, 1, 1)).await;
    assert!(matches!(refused, Err(AppendError::VersionConflict { .. })), "{refused:?}");
    assert_eq!(test.log.append(commanded("s", 1, 1, 1)).await.unwrap().version, 2);
}

#[tokio::test]
async fn command_without_a_repeat_leaves_no_row_and_given_again_unchanged_happens_once() {
    let test = TestLog::start().await;
    let appended = test.log.append(once("s", 0, 2, 1)).await.unwrap();
    test.log.append(once("s", 2, 1, 2)).await.unwrap();
    test.log.append(once("s", 3, 0, 3)).await.unwrap();
    assert_eq!((count(&test.pool, "events").await, count(&test.pool, "commands").await), (3, 0));
    // As a caller may who was told that the log is not available. The stream has moved on by now.
    assert_eq!(test.log.append(once("s", 0, 2, 1)).await.unwrap(), appended);
    // The same id for something else, or the same for somebody else: no more than a version that is old.
    for (expected, id) in [(2, 1), (0, 4)] {
        let conflict = test.log.append(once("s", expected, 1, id)).await;
        assert!(matches!(conflict, Err(AppendError::VersionConflict { actual: 3, .. })), "{conflict:?}");
    }
    assert_eq!(count(&test.pool, "events").await, 3);
}
