//! Versions: conditions that a caller sets, and others that were faster.

use futures::future::join_all;
use revaer_application::{CommandError, DiscoveredFiles};
use revaer_domain::torrent::TorrentCommand;
use sqlx::AssertSqlSafe;

use crate::support::{World, operator, parsed, place};

#[tokio::test]
async fn condition_on_the_version_is_kept() {
    let world = World::new().await;
    let process = world.process().await;
    let id = process.add(1).await.id;
    let at = |version| revaer_application::Caller { if_match: Some(version), ..operator(None) };
    for stale in [0, 2] {
        let error = process.application.command(id, TorrentCommand::Pause, &at(stale)).await.unwrap_err();
        assert!(matches!(error, CommandError::PreconditionFailed { actual: 1 }), "{error}");
    }
    let done = process.application.command(id, TorrentCommand::Pause, &at(1)).await.unwrap();
    assert_eq!(done.version, 2);
    // A command that would change nothing is held to it too.
    let error = process.application.command(id, TorrentCommand::Pause, &at(1)).await.unwrap_err();
    assert!(matches!(error, CommandError::PreconditionFailed { actual: 2 }), "{error}");
    assert_eq!(world.kinds(id).await, ["added", "paused"]);
}

#[tokio::test]
async fn condition_is_kept_though_another_process_was_faster() {
    let world = World::new().await;
    let (one, other) = (world.process().await, world.process().await);
    let id = one.add(1).await.id;
    other.tell(id, TorrentCommand::Pause).await;
    // This process has version 1 in mind, and so has its caller.
    let caller = revaer_application::Caller { if_match: Some(1), ..operator(None) };
    let sequential = TorrentCommand::SetSequential { enable: true };
    let error = one.application.command(id, sequential, &caller).await.unwrap_err();
    assert!(matches!(error, CommandError::PreconditionFailed { actual: 2 }), "{error}");
}

#[tokio::test]
async fn what_another_process_changed_is_decided_on_again() {
    let world = World::new().await;
    let (one, other) = (world.process().await, world.process().await);
    let id = one.add(1).await.id;
    other.tell(id, TorrentCommand::Pause).await;
    // Here it still runs; decided on that it would be paused twice.
    let done = one.application.command(id, TorrentCommand::Pause, &operator(Some("k"))).await.unwrap();
    assert!(done.torrent.paused);
    assert_eq!((done.version, world.kinds(id).await), (2, vec!["added".to_owned(), "paused".to_owned()]));
    // And a rule that holds by now refuses.
    other.remove(id).await;
    let refused = one.application.command(id, TorrentCommand::Resume, &operator(None)).await;
    assert!(matches!(refused, Err(CommandError::Refused(_))), "{refused:?}");
}

#[tokio::test]
async fn answer_without_an_append_rests_on_the_newest_version_too() {
    let world = World::new().await;
    let (one, other) = (world.process().await, world.process().await);
    let id = one.add(1).await.id;
    other.tell(id, TorrentCommand::Pause).await;
    // No news by what this process has in mind, and a fact by what is.
    assert_eq!(one.tell(id, TorrentCommand::Resume).await.version, 3);
    let discovered = DiscoveredFiles { metainfo: vec![1], parsed: parsed(1) };
    other.application.observe_files(id, discovered, &operator(None)).await.unwrap();
    // Refused by what this process has in mind.
    assert!(one.tell(id, TorrentCommand::Recheck).await.torrent.recheck.is_pending());
    other.tell(id, TorrentCommand::Pause).await;
    let (torrent, version, _) = one.application.torrent(id).await.unwrap().unwrap();
    assert_eq!((torrent.paused, version), (true, 6), "and so does a question");
}

#[tokio::test]
async fn commands_of_two_processes_to_one_torrent_leave_one_story() {
    let world = World::new().await;
    let (one, other) = (world.process().await, world.process().await);
    let id = one.add(1).await.id;
    let commands = (0..40).map(|number| {
        let process = if number % 2 == 0 { &one } else { &other };
        // No two of them are alike, so each that is obeyed leaves one fact.
        let label = format!("label-{number}").parse().unwrap();
        let command = TorrentCommand::SetLabels([label].into());
        async move { process.application.command(id, command, &operator(None)).await }
    });
    let answers = join_all(commands).await;
    let mut versions = vec![1];
    for answer in answers {
        match answer {
            Ok(done) => versions.push(done.version),
            Err(CommandError::VersionConflict) => {}
            Err(error) => panic!("{error}"),
        }
    }
    versions.sort_unstable();
    let (torrent, version, _) = other.application.torrent_since(id, u32::MAX).await.unwrap().unwrap();
    assert_eq!(versions, (1..=version).collect::<Vec<_>>(), "each answer is one fact");
    let told = world.facts().await;
    // Each fact tells from what to what: a decision on a stale state would show as a break.
    let mut before = serde_json::json!([]);
    for fact in &told[1..] {
        let data: serde_json::Value = serde_json::from_str(&fact.data).unwrap();
        assert_eq!(data["from"], before);
        before = data["to"].clone();
    }
    assert_eq!(serde_json::to_value(&torrent.labels).unwrap(), before);
}

#[tokio::test]
async fn command_that_others_keep_overtaking_is_given_up() {
    let world = World::new().await;
    let process = world.process().await;
    let id = process.add(1).await.id;
    // A database in which somebody else is always faster, and which counts how often it was asked.
    let source: String = sqlx::query_scalar("SELECT pg_get_functiondef('append'::regproc)")
        .fetch_one(&world.pool)
        .await
        .unwrap();
    let faster = source
        .replace("coalesce(newest.version, 0) <> c.expected", "nextval('asked') > 0")
        .replace("IF cardinality(v_command) > 0 AND EXISTS (", "IF true OR EXISTS (");
    assert_ne!(faster, source);
    sqlx::raw_sql(AssertSqlSafe(format!("CREATE SEQUENCE asked; {faster}")))
        .execute(&world.pool)
        .await
        .unwrap();
    let moved = TorrentCommand::Move { save_path: place("elsewhere") };
    let error = process.application.command(id, moved, &operator(Some("k"))).await.unwrap_err();
    assert!(matches!(error, CommandError::VersionConflict), "{error}");
    let asked: i64 = sqlx::query_scalar("SELECT last_value FROM asked").fetch_one(&world.pool).await.unwrap();
    assert_eq!(asked, 3);
    assert_eq!(world.kinds(id).await, ["added"]);
}
