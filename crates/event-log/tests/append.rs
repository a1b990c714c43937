//! What an append promises: versions, conflicts, commands that happen once, claims that one stream holds, and bounds.

mod support;

use futures::future::join_all;
use revaer_event_log::{Append, AppendError, Position};
use support::{append, command, fact, new_log, stream};
use uuid::Uuid;

fn claiming(name: &str, claim: &str) -> Append {
    Append { claims: vec![claim.to_owned()], ..append(name, 0, 1) }
}

#[tokio::test(flavor = "multi_thread")]
async fn facts_get_the_versions_after_the_expected_one_and_keep_their_bytes() {
    let (_database, running) = new_log().await;
    let odd = "{ \"b\" : 1.0,\"a\":2, \"a\":3 }";
    let first = running.log.append(Append { facts: vec![fact(odd)], ..append("a", 0, 0) }).await.unwrap();
    let second = running.log.append(append("a", 1, 3)).await.unwrap();
    assert_eq!((first.version, second.version), (1, 4));
    assert!(first.position < second.position);
    let facts = running.log.read_stream(&stream("a"), 0, 10).await.unwrap();
    assert_eq!(facts.iter().map(|fact| fact.version).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!(facts[0].data, odd);
    assert_eq!(facts[3].position, second.position);
    assert_eq!(running.log.head().await.unwrap(), second.position);
    assert_eq!(running.log.read_stream(&stream("a"), 3, 10).await.unwrap(), facts[3..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_version_than_expected_is_refused_and_writes_nothing() {
    let (_database, running) = new_log().await;
    running.log.append(append("a", 0, 2)).await.unwrap();
    for expected in [0, 1, 3, 7] {
        let refused = running.log.append(append("a", expected, 1)).await.unwrap_err();
        assert!(
            matches!(&refused, AppendError::VersionConflict { actual: 2, expected: said, .. } if *said == expected),
            "{refused:?}"
        );
    }
    assert_eq!(running.log.read_stream(&stream("a"), 0, 10).await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_writers_of_one_version_one_wins() {
    let (_database, running) = new_log().await;
    let results = join_all((0..20).map(|_| running.log.append(append("a", 0, 1)))).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    let conflicts =
        |result: &&Result<_, _>| matches!(result, Err(AppendError::VersionConflict { actual: 1, .. }));
    assert_eq!(results.iter().filter(conflicts).count(), 19);
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_command_leaves_its_neighbours_alone() {
    let (_database, running) = new_log().await;
    running.log.append(append("stale", 0, 1)).await.unwrap();
    let names: Vec<_> = (0..40).map(|nth| format!("s{nth}")).collect();
    let appends = names.iter().flat_map(|name| [append(name, 0, 1), append("stale", 0, 1)]);
    let results = join_all(appends.map(|append| running.log.append(append))).await;
    for pair in results.chunks(2) {
        assert!(pair[0].is_ok(), "{:?}", pair[0]);
        assert!(matches!(pair[1], Err(AppendError::VersionConflict { .. })), "{:?}", pair[1]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_command_is_told_what_the_first_did() {
    let (_database, running) = new_log().await;
    let id = Uuid::new_v4();
    let done = running.log.append(command(id, "a", 0, 2)).await.unwrap();
    // Decided again on the new state, and decided on the old one: both are repeats.
    for expected in [0, 2] {
        let AppendError::AlreadyRecorded(outcome) =
            running.log.append(command(id, "a", expected, 1)).await.unwrap_err()
        else {
            panic!("a repeat is not carried out")
        };
        assert_eq!(outcome.fingerprint, [7; 32]);
        assert_eq!((outcome.last_position, outcome.version_after), (done.position, 2));
        assert_eq!((outcome.first_position, outcome.event_count), (Position(done.position.0 - 1), 2));
        assert_eq!(outcome.result.as_deref(), Some(r#"{"is":"kept"}"#));
    }
    assert_eq!(running.log.read_stream(&stream("a"), 0, 10).await.unwrap().len(), 2);
    assert_eq!(running.log.find_command(id).await.unwrap().unwrap().event_count, 2);
    assert!(running.log.find_command(Uuid::new_v4()).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn command_given_many_times_at_once_happens_once() {
    let (_database, running) = new_log().await;
    let id = Uuid::new_v4();
    // Two streams, so that the versions alone would let two through; others, so that they meet in one batch.
    let filler = (0..10).map(|nth| append(&format!("filler{nth}"), 0, 1));
    let repeats = (0..10).map(|nth| command(id, if nth % 2 == 0 { "a" } else { "b" }, 0, 1));
    let appends: Vec<_> = filler.zip(repeats).flat_map(|(one, other)| [one, other]).collect();
    let results = join_all(appends.into_iter().map(|append| running.log.append(append))).await;
    let repeats: Vec<_> = results.iter().skip(1).step_by(2).collect();
    assert_eq!(repeats.iter().filter(|result| result.is_ok()).count(), 1);
    let known = |result: &&&Result<_, _>| matches!(result, Err(AppendError::AlreadyRecorded(_)));
    assert_eq!(repeats.iter().filter(known).count(), 9, "{repeats:?}");
    let facts = running.log.read_facts(Position::ZERO, 100).await.unwrap();
    assert_eq!(facts.iter().filter(|fact| fact.command_id == Some(id)).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn command_without_facts_is_recorded_and_its_version_checked() {
    let (_database, running) = new_log().await;
    let (id, on_nothing, stale) = (Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4());
    let done = running.log.append(append("a", 0, 2)).await.unwrap();
    let no_op = running.log.append(command(id, "a", 2, 0)).await.unwrap();
    assert_eq!((no_op.position, no_op.version), (done.position, 2));
    let outcome = running.log.find_command(id).await.unwrap().unwrap();
    assert_eq!((outcome.first_position, outcome.event_count, outcome.version_after), (Position::ZERO, 0, 2));
    let refused = running.log.append(command(id, "a", 2, 1)).await.unwrap_err();
    assert!(matches!(refused, AppendError::AlreadyRecorded(_)), "{refused:?}");
    let nothing = running.log.append(command(on_nothing, "never", 0, 0)).await.unwrap();
    assert_eq!((nothing.position, nothing.version), (Position::ZERO, 0));
    let refused = running.log.append(command(stale, "a", 1, 0)).await.unwrap_err();
    assert!(matches!(refused, AppendError::VersionConflict { actual: 2, .. }), "{refused:?}");
    assert!(running.log.find_command(stale).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn claim_is_held_by_one_stream_until_it_is_released() {
    let (_database, running) = new_log().await;
    let rivals = join_all(["a", "b"].map(|name| running.log.append(claiming(name, "beef")))).await;
    let winner = if rivals[0].is_ok() { "a" } else { "b" };
    let loser = if winner == "a" { "b" } else { "a" };
    let lost = rivals.into_iter().find_map(Result::err).expect("one of them loses");
    assert!(
        matches!(&lost, AppendError::Claimed { claim, by } if claim == "beef" && by.as_str() == winner),
        "{lost:?}"
    );
    assert_eq!(running.log.find_claim("beef").await.unwrap(), Some(stream(winner)));
    assert!(running.log.read_stream(&stream(loser), 0, 10).await.unwrap().is_empty());

    let release = Append { releases: vec!["beef".to_owned()], ..append(winner, 1, 1) };
    running.log.append(release).await.unwrap();
    assert_eq!(running.log.find_claim("beef").await.unwrap(), None);
    running.log.append(claiming(loser, "beef")).await.unwrap();
    assert_eq!(running.log.find_claim("beef").await.unwrap(), Some(stream(loser)));
}

#[tokio::test(flavor = "multi_thread")]
async fn stream_neither_loses_by_claiming_again_nor_releases_what_is_not_its_own() {
    let (_database, running) = new_log().await;
    running.log.append(claiming("a", "beef")).await.unwrap();
    let again = Append { claims: vec!["beef".to_owned()], ..append("a", 1, 1) };
    running.log.append(again).await.unwrap();
    let foreign = Append { releases: vec!["beef".to_owned()], ..append("b", 0, 1) };
    running.log.append(foreign).await.unwrap();
    assert_eq!(running.log.find_claim("beef").await.unwrap(), Some(stream("a")));
}

#[tokio::test(flavor = "multi_thread")]
async fn fact_of_one_mebibyte_is_taken_and_a_larger_one_is_not() {
    let (_database, running) = new_log().await;
    let sized = |bytes: usize| Append {
        facts: vec![fact(&format!("\"{}\"", "x".repeat(bytes - 2)))],
        ..append("a", 0, 0)
    };
    let refused = running.log.append(sized((1 << 20) + 1)).await.unwrap_err();
    assert!(matches!(refused, AppendError::TooLarge { .. }), "{refused:?}");
    running.log.append(sized(1 << 20)).await.unwrap();
    let facts = running.log.read_facts(Position::ZERO, 10).await.unwrap();
    assert_eq!(facts[0].data.len(), 1 << 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn fact_that_is_no_json_is_refused_alone() {
    let (_database, running) = new_log().await;
    let names: Vec<_> = (0..10).map(|nth| format!("s{nth}")).collect();
    let broken = Append { facts: vec![fact("{")], ..append("broken", 0, 0) };
    let appends = names.iter().map(|name| append(name, 0, 1)).chain([broken]);
    let mut results = join_all(appends.map(|append| running.log.append(append))).await;
    assert!(results.pop().is_some_and(|result| result.is_err()));
    assert!(results.iter().all(Result::is_ok), "{results:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn stopped_log_says_so() {
    let (_database, running) = new_log().await;
    let log = running.log.clone();
    running.stop().await;
    let refused = log.append(append("a", 0, 1)).await.unwrap_err();
    assert!(matches!(refused, AppendError::Stopped), "{refused:?}");
}
