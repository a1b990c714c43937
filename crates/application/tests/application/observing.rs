//! What the engine saw: the files of a magnet, the other half of a hybrid, and news of what is gone.

use revaer_application::{Caller, CommandError, DiscoveredFiles};
use revaer_domain::torrent::{Status, TorrentCommand};
use revaer_domain::values::{InfoHash, TorrentId};
use ulid::Ulid;

use crate::support::{World, magnet_v2, metadata, operator, parsed};

fn discovered(number: u8) -> DiscoveredFiles {
    DiscoveredFiles { metainfo: vec![number; 10], parsed: parsed(number) }
}

fn engine(id: TorrentId) -> Caller {
    Caller::system("engine", id.stream(), Some("position:1".to_owned()))
}

#[tokio::test]
async fn files_of_a_magnet_are_recorded_and_the_other_hash_is_claimed() {
    let world = World::new().await;
    let process = world.process().await;
    let id = process.add(1).await.id;
    let done = process.application.observe_files(id, discovered(1), &engine(id)).await.unwrap();
    assert_eq!(done.torrent.files.as_ref().map(|files| files.file_count), Some(2));
    for hash in [InfoHash::V1([1; 20]), InfoHash::V2([1; 32])] {
        assert_eq!(process.application.find(&hash).await.unwrap(), Some(id));
        assert_eq!(
            process.application.bodies().metainfo(&[hash]).await.unwrap().is_some(),
            matches!(hash, InfoHash::V1(_))
        );
    }
    let error = process.application.add(magnet_v2(1), &operator(None)).await.unwrap_err();
    assert!(matches!(error, CommandError::TorrentExists { id: by } if by == id), "{error}");
    // libtorrent tells it again after a restart.
    let again = process.application.observe_files(id, discovered(1), &engine(id)).await.unwrap();
    assert_eq!(again.version, done.version);
    process.remove(id).await;
    assert_eq!(world.count("claims").await, 0, "both are released");
}

#[tokio::test]
async fn half_of_a_hybrid_whose_other_half_is_here_fails_and_says_so() {
    let world = World::new().await;
    let process = world.process().await;
    let first = process.add(1).await.id;
    let second = process.application.add(magnet_v2(1), &operator(None)).await.unwrap().id;
    // Nobody could know before the metadata came.
    assert_ne!(first, second);
    let failed = process.application.observe_files(second, discovered(1), &engine(second)).await.unwrap();
    assert_eq!(failed.torrent.status(), Some(Status::Failed));
    let failure = failed.torrent.failure.expect("failed");
    assert_eq!(failure.code, "torrent_exists");
    assert!(failure.detail.contains(&first.to_string()), "{}", failure.detail);
    assert_eq!(world.kinds(second).await, ["added", "failed"]);
    // Told again, it is the same failure; what it holds is left to it.
    process.application.observe_files(second, discovered(1), &engine(second)).await.unwrap();
    assert_eq!(world.kinds(second).await.len(), 2);
    assert_eq!(process.application.find(&InfoHash::V2([1; 32])).await.unwrap(), Some(second));
}

#[tokio::test]
async fn news_of_what_is_not_there_is_no_news() {
    let world = World::new().await;
    let process = world.process().await;
    let nobody = TorrentId::new(Ulid(7));
    let done = process.application.command(nobody, TorrentCommand::ObserveRecovery, &engine(nobody)).await;
    assert_eq!(done.unwrap().version, 0);
    let error =
        process.application.command(nobody, TorrentCommand::Pause, &operator(None)).await.unwrap_err();
    assert!(matches!(error, CommandError::NotFound), "{error}");
    assert_eq!(process.application.torrent(nobody).await.unwrap(), None);
    assert_eq!(world.count("events").await, 0);
}

#[tokio::test]
async fn every_fact_says_who_and_why() {
    let world = World::new().await;
    let process = world.process().await;
    let id = process.add(1).await.id;
    process.application.observe_files(id, discovered(1), &engine(id)).await.unwrap();
    process.tell(id, TorrentCommand::Pause).await;
    let command = TorrentCommand::ObserveFailure(revaer_domain::torrent::Failure {
        code: "disk_full".to_owned(),
        detail: "no space".to_owned(),
    });
    process.application.command(id, command, &engine(id)).await.unwrap();
    let said: Vec<_> = world
        .facts()
        .await
        .iter()
        .map(|fact| {
            let metadata = metadata(fact);
            (
                fact.kind.clone(),
                metadata.actor,
                metadata.request_id,
                metadata.correlation_id,
                metadata.causation_id,
            )
        })
        .collect();
    let operator = |kind: &str| {
        (
            kind.to_owned(),
            "operator".to_owned(),
            Some("request-1".to_owned()),
            "correlation-1".to_owned(),
            None,
        )
    };
    let engine =
        |kind: &str| (kind.to_owned(), "engine".to_owned(), None, id.stream(), Some("position:1".to_owned()));
    let expected = [
        operator("torrent.added"),
        engine("torrent.files_discovered"),
        operator("torrent.paused"),
        engine("torrent.failed"),
    ];
    assert_eq!(said, expected);
}
