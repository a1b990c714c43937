//! Versions, order, bounds: what one append promises.

use futures::future::join_all;
use revaer_event_log::{AppendError, NewFact, Options, Position};

use crate::support::{TestLog, append, commanded, count, fact, recorded_positions, stream, wait_for};

#[tokio::test]
async fn facts_are_read_as_they_were_appended() {
    let test = TestLog::start().await;
    let mut first = commanded("torrent-1", 0, 2, 1);
    // Neither order of keys, nor spaces, nor doubled keys are the log's to change.
    first.facts[1].data = "{\"b\" : 1.0, \"a\":2, \"a\":  3, \"\u{1f600}\": \"\\u0000\"}".to_owned();
    first.facts[1].meta = "{\"actor\":\"operator\"}".to_owned();
    first.facts[1].schema_version = 3;
    let appended = test.log.append(first.clone()).await.unwrap();
    assert_eq!((appended.position, appended.version), (Position(2), 2));
    let appended = test.log.append(append("torrent-2", 0, 1)).await.unwrap();
    assert_eq!((appended.position, appended.version), (Position(3), 1));

    let facts = test.log.read_stream(&stream("torrent-1"), 0, 10).await.unwrap();
    assert_eq!(
        facts.iter().map(|fact| (fact.position.0, fact.version)).collect::<Vec<_>>(),
        [(1, 1), (2, 2)]
    );
    let second = &facts[1];
    assert_eq!((&second.data, &second.meta), (&first.facts[1].data, &first.facts[1].meta));
    assert_eq!((second.kind.as_str(), second.schema_version), ("test.happened", 3));
    assert_eq!(second.command_id, first.command.map(|command| command.id));
    assert_eq!(test.log.read_stream(&stream("torrent-1"), 1, 10).await.unwrap(), facts[1..]);
    assert_eq!(
        test.log.read_stream_until(&stream("torrent-1"), Position(1), 0, 10).await.unwrap(),
        facts[..1]
    );
    assert_eq!(test.log.read_facts(Position(1), 10).await.unwrap().len(), 2);
    assert_eq!(test.log.head().await.unwrap(), Position(3));
}

#[tokio::test]
async fn stale_version_is_refused_and_says_the_actual_one() {
    let test = TestLog::start().await;
    test.log.append(append("s", 0, 2)).await.unwrap();
    for (expected, facts) in [(0, 1), (1, 1), (3, 1), (7, 1), (1, 0), (3, 0)] {
        let error = test.log.append(append("s", expected, facts)).await.unwrap_err();
        assert!(matches!(error, AppendError::VersionConflict { actual: 2, .. }), "{expected}: {error}");
    }
    let error = test.log.append(append("new", 3, 1)).await.unwrap_err();
    assert!(matches!(error, AppendError::VersionConflict { actual: 0, .. }), "{error}");
    // Nothing of the refused ones is left, and what follows is unaffected.
    assert_eq!(test.log.append(append("s", 2, 1)).await.unwrap().version, 3);
    assert_eq!(count(&test.pool, "events").await, 3);
}

#[tokio::test]
async fn stream_that_another_process_moved_on_is_a_conflict_however_well_it_is_known() {
    let test = TestLog::start().await;
    let other = test.another().await;
    test.log.append(append("s", 0, 2)).await.unwrap();
    other.log.append(append("s", 2, 2)).await.unwrap();
    for expected in [0, 1, 2, 3, 5] {
        for log in [&test.log, &other.log] {
            let error = log.append(append("s", expected, 1)).await.unwrap_err();
            assert!(matches!(error, AppendError::VersionConflict { actual: 4, .. }), "{expected}: {error}");
        }
    }
    for (version, log) in [(4, &test.log), (5, &test.log), (6, &other.log), (7, &test.log)] {
        assert_eq!(log.append(append("s", version, 1)).await.unwrap().version, version + 1);
    }
    // What changes nothing meets no constraint, and is looked up each time.
    let error = other.log.append(append("s", 7, 0)).await.unwrap_err();
    assert!(matches!(error, AppendError::VersionConflict { actual: 8, .. }), "{error}");
    assert_eq!(count(&test.pool, "events").await, 8);
}

#[tokio::test]
async fn conflict_rejects_its_own_append_alone() {
    let test = TestLog::start().await;
    test.log.append(append("taken", 0, 1)).await.unwrap();
    let names: Vec<_> =
        (0..100).map(|n| if n % 10 == 3 { "taken".to_owned() } else { format!("s{n}") }).collect();
    let answers = join_all(names.iter().map(|name| test.log.append(append(name, 0, 2)))).await;
    for (name, answer) in names.iter().zip(answers) {
        match answer {
            Ok(appended) => {
                let facts = test.log.read_stream(&stream(name), 0, 10).await.unwrap();
                assert_eq!((facts.len(), facts[1].position), (2, appended.position), "{name}");
            }
            Err(error) => {
                assert_eq!(name, "taken");
                assert!(matches!(error, AppendError::VersionConflict { actual: 1, .. }), "{error}");
            }
        }
    }
    assert_eq!(count(&test.pool, "events").await, 1 + 90 * 2);
}

#[tokio::test]
async fn appends_of_one_stream_in_flight_together_go_one_after_another() {
    let test = TestLog::start().await;
    // Each rests on the one before it, which is not answered yet.
    let answers = join_all((0..50).map(|version| test.log.append(append("s", version, 1)))).await;
    let versions: Vec<_> = answers.into_iter().map(|answer| answer.unwrap().version).collect();
    assert_eq!(versions, (1..=50).collect::<Vec<_>>());
}

#[tokio::test]
async fn append_that_changes_nothing_is_checked_and_answered_with_the_last_position() {
    let test = TestLog::start().await;
    let nothing = test.log.append(commanded("s", 0, 0, 1)).await.unwrap();
    assert_eq!((nothing.position, nothing.version), (Position::ZERO, 0));
    test.log.append(append("s", 0, 3)).await.unwrap();
    test.log.append(append("other", 0, 3)).await.unwrap();
    let (nothing, something) =
        tokio::join!(test.log.append(commanded("s", 3, 0, 2)), test.log.append(append("other", 3, 1)));
    assert_eq!(nothing.map(|nothing| (nothing.position, nothing.version)).unwrap(), (Position(3), 3));
    assert_eq!(something.unwrap().position, Position(7));
    let outcome = test.log.find_command(uuid::Uuid::from_u128(2)).await.unwrap().unwrap();
    assert_eq!((outcome.first_position, outcome.last_position), (Position::ZERO, Position(3)));
    assert_eq!((outcome.event_count, outcome.version_after), (0, 3));
    assert_eq!(count(&test.pool, "events").await, 7);
}

#[tokio::test]
async fn append_that_hangs_is_overtaken_by_neither_facts_nor_samples() {
    let test = TestLog::start().await;
    let mut hanging = test.pool.begin().await.unwrap();
    sqlx::query(crate::oracle::RAW_APPEND).bind("slow").execute(&mut *hanging).await.unwrap();
    let (log, other) = (test.log.clone(), test.log.clone());
    let later = tokio::spawn(async move { log.append(append("quick", 0, 1)).await.unwrap().position });
    let sampled = tokio::spawn(async move { other.append_samples("node", vec![0]).await.unwrap() });
    // Of this database alone: others have tests of their own.
    let both_wait = "SELECT count(*) = 2 FROM pg_stat_activity
                     WHERE datname = current_database() AND wait_event_type = 'Lock' AND wait_event = 'advisory'";
    wait_for(&test.pool, both_wait).await;
    assert!(!later.is_finished() && !sampled.is_finished());
    assert_eq!(recorded_positions(&test.pool).await, [], "whoever reads now must not see a later one");
    hanging.commit().await.unwrap();
    let mut positions = [later.await.unwrap(), sampled.await.unwrap()];
    positions.sort();
    assert_eq!(positions, [Position(2), Position(3)]);
    assert_eq!(recorded_positions(&test.pool).await, [Position(1), Position(2), Position(3)]);
}

#[tokio::test]
async fn megabyte_is_taken_and_more_is_refused() {
    let test = TestLog::start().await;
    let of = |bytes: usize| NewFact { data: format!("\"{}\"", "x".repeat(bytes - 2)), ..fact(0) };
    let mut large = append("s", 0, 0);
    large.facts = vec![of(1 << 20)];
    test.log.append(large.clone()).await.unwrap();
    let facts = test.log.read_stream(&stream("s"), 0, 1).await.unwrap();
    assert_eq!(facts[0].data, large.facts[0].data);

    let too_large = |change: fn(&mut revaer_event_log::Append)| {
        let mut append = append("s", 1, 1);
        change(&mut append);
        test.log.append(append)
    };
    let refused = [
        too_large(|append| append.facts[0].data = format!("\"{}\"", "x".repeat(1 << 20))).await,
        too_large(|append| append.facts[0].meta = format!("\"{}\"", "x".repeat(1 << 16))).await,
        too_large(|append| append.facts[0].kind = "x".repeat(129).into()).await,
        too_large(|append| append.facts = (0..1001).map(fact).collect()).await,
        too_large(|append| append.claims = (0..65).map(|n| n.to_string()).collect()).await,
        too_large(|append| {
            let half = NewFact { data: format!("\"{}\"", "x".repeat(1 << 19)), ..fact(0) };
            append.facts = vec![half; 17];
        })
        .await,
    ];
    for answer in refused {
        assert!(matches!(answer, Err(AppendError::TooLarge { .. })), "{answer:?}");
    }
    let samples = test.log.append_samples("node", vec![0; (1 << 20) + 1]).await;
    assert!(matches!(samples, Err(AppendError::TooLarge { .. })), "{samples:?}");
    assert_eq!(test.log.append(append("s", 1, 1)).await.unwrap().version, 2);
}

#[tokio::test]
async fn page_is_bounded_by_bytes() {
    let test = TestLog::with(Options { page_bytes_max: 10_000, ..Options::default() }).await;
    let mut large = append("s", 0, 20);
    for fact in &mut large.facts {
        fact.data = format!("\"{}\"", "x".repeat(3000));
    }
    test.log.append(large).await.unwrap();
    assert_eq!(test.log.read_all(Position::ZERO, 1000).await.unwrap().len(), 4);
    assert_eq!(test.log.read_facts(Position::ZERO, 1000).await.unwrap().len(), 4);
    let mut subscription = test.log.subscribe(Position::ZERO);
    let seen = crate::support::follow_until(&mut subscription, Position(20)).await;
    assert_eq!(seen, (1..=20).map(Position).collect::<Vec<_>>());
}

#[tokio::test]
async fn malformed_payload_is_refused_and_its_neighbours_are_not() {
    let test = TestLog::start().await;
    for malformed in ["", "{", "{'a': 1}", "nul\0l", &"[".repeat(500_000)] {
        let mut bad = append("bad", 0, 1);
        malformed.clone_into(&mut bad.facts[0].data);
        let (before, bad, after) = tokio::join!(
            test.log.append(append(&format!("before-{}", malformed.len()), 0, 1)),
            test.log.append(bad),
            test.log.append(append(&format!("after-{}", malformed.len()), 0, 1)),
        );
        assert!(matches!(bad, Err(AppendError::Invalid(_))), "{bad:?}");
        assert!(before.is_ok() && after.is_ok(), "{before:?} {after:?}");
    }
    assert_eq!(count(&test.pool, "events").await, 10);
}

#[tokio::test]
async fn queue_is_bounded_and_stops_with_the_log() {
    let options =
        Options { queue_max: 2, queue_timeout: std::time::Duration::from_millis(1), ..Options::default() };
    let database = revaer_test_support::TestDatabase::create().await;
    let pool = database.pool().await;
    revaer_event_log::migrate(&pool).await.unwrap();
    // Nobody runs the runner: what is appended waits.
    let (log, runner) = revaer_event_log::EventLog::open(pool.clone(), options).await.unwrap();
    let waiting: Vec<_> = (0..2)
        .map(|n| {
            let log = log.clone();
            tokio::spawn(async move { log.append(append(&format!("s{n}"), 0, 1)).await })
        })
        .collect();
    tokio::task::yield_now().await;
    let refused = log.append(append("third", 0, 1)).await;
    let full = revaer_event_log::Unavailable::QueueFull;
    assert!(
        matches!(&refused, Err(AppendError::Unavailable(why)) if why.to_string() == full.to_string()),
        "{refused:?}"
    );

    // Shut down at once: what was taken is appended, what comes later is refused.
    let shutdown = tokio_util::sync::CancellationToken::new();
    shutdown.cancel();
    runner.run(shutdown).await;
    for appended in waiting {
        appended.await.unwrap().unwrap();
    }
    assert!(matches!(log.append(append("late", 0, 1)).await, Err(AppendError::Stopped)));
    assert_eq!(count(&pool, "events").await, 2);
}
