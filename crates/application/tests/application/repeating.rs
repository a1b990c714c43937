//! A command with a key happens once, however often it is given and to whom.

use std::sync::Arc;

use futures::future::join_all;
use revaer_application::CommandError;
use revaer_domain::torrent::TorrentCommand;

use crate::support::{Gate, TestParser, World, magnet, operator, torrent_file};

#[tokio::test]
async fn repeat_is_answered_with_what_was_answered_first() {
    let world = World::new().await;
    let process = world.process().await;
    let key = operator(Some("k"));
    let first = process.application.add(magnet(1), &key).await.unwrap();
    // By then the torrent has moved on, is gone, and the service was started again.
    process.tell(first.id, TorrentCommand::Pause).await;
    process.remove(first.id).await;
    process.kill().await;
    let again = world.process().await.application.add(magnet(1), &key).await.unwrap();
    assert!(again.repeated);
    assert_eq!((again.id, again.version, again.position), (first.id, first.version, first.position));
    assert_eq!(again.torrent, first.torrent, "as it was then");
    assert_eq!(world.count("events").await, 4);
}

#[tokio::test]
async fn repeats_in_flight_happen_once() {
    let world = World::new().await;
    let (one, other) = (world.process().await, world.process().await);
    for number in 0..10 {
        let key = operator(Some(&format!("k{number}")));
        let processes = [&one, &one, &other, &other];
        let answers = join_all(processes.map(|process| process.application.add(magnet(number), &key))).await;
        let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
        assert!(answers.iter().all(|done| done.id == answers[0].id), "{answers:?}");
        assert_eq!(answers.iter().filter(|done| !done.repeated).count(), 1);
    }
    assert_eq!((world.count("events").await, world.count("commands").await), (10, 10));
}

#[tokio::test]
async fn repeat_that_was_overtaken_by_the_first_is_a_repeat_and_no_duplicate() {
    let world = World::new().await;
    let gate = Arc::new(Gate::default());
    let (quick, slow) =
        (world.process().await, world.process_that_parses(TestParser::behind(gate.clone())).await);
    let key = operator(Some("k"));
    let overtaken = tokio::spawn({
        let (application, key) = (slow.application.clone(), key.clone());
        async move { application.add(torrent_file(1), &key).await }
    });
    // It has looked its key up and found nothing; then the other process carries the command out.
    tokio::task::spawn_blocking({
        let gate = gate.clone();
        move || gate.wait_for_somebody()
    })
    .await
    .unwrap();
    let first = quick.application.add(torrent_file(1), &key).await.unwrap();
    gate.open();
    let repeat = overtaken.await.unwrap().unwrap();
    assert!(repeat.repeated);
    assert_eq!(repeat.id, first.id);
}

#[tokio::test]
async fn key_that_was_used_for_another_command_is_refused() {
    let world = World::new().await;
    let process = world.process().await;
    let key = operator(Some("k"));
    let done = process.application.add(magnet(1), &key).await.unwrap();
    let mut paused = magnet(1);
    paused.start_paused = true;
    for other in [magnet(2), paused] {
        let error = process.application.add(other, &key).await.unwrap_err();
        assert!(matches!(error, CommandError::KeyReused), "{error}");
    }
    let error = process.application.command(done.id, TorrentCommand::Pause, &key).await.unwrap_err();
    assert!(matches!(error, CommandError::KeyReused), "{error}");
    // Another actor's key is another key, also where the two read alike side by side.
    for (actor, key) in [("operatork", ""), ("other", "k")] {
        let mut caller = operator(Some(key));
        actor.clone_into(&mut caller.actor);
        process.application.command(done.id, TorrentCommand::Reannounce, &caller).await.unwrap();
    }
    assert_eq!(world.kinds(done.id).await, ["added", "reannounce_requested"]);
}

#[tokio::test]
async fn command_that_changed_nothing_changes_nothing_later() {
    let world = World::new().await;
    let process = world.process().await;
    let id = process.add(1).await.id;
    let key = operator(Some("k"));
    let nothing = process.application.command(id, TorrentCommand::Resume, &key).await.unwrap();
    assert_eq!((nothing.version, nothing.repeated), (1, false));
    process.tell(id, TorrentCommand::Pause).await;
    // Decided again it would act now.
    let again = process.application.command(id, TorrentCommand::Resume, &key).await.unwrap();
    assert!(again.repeated && !again.torrent.paused, "the first answer");
    assert_eq!((again.version, again.position), (nothing.version, nothing.position));
    assert_eq!(world.kinds(id).await, ["added", "paused"]);
}

#[tokio::test]
async fn refusal_is_not_remembered() {
    let world = World::new().await;
    let process = world.process().await;
    let id = process.add(1).await.id;
    let key = operator(Some("k"));
    let refused = process.application.command(id, TorrentCommand::Recheck, &key).await;
    assert!(matches!(refused, Err(CommandError::Refused(_))), "{refused:?}");
    let discovered =
        revaer_application::DiscoveredFiles { metainfo: vec![1], parsed: crate::support::parsed(1) };
    process.application.observe_files(id, discovered, &operator(None)).await.unwrap();
    let done = process.application.command(id, TorrentCommand::Recheck, &key).await.unwrap();
    assert!(!done.repeated && done.torrent.recheck.is_pending());
}
