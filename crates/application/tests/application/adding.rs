//! Adding: bodies before facts, one torrent for each info hash, a new life after a removal.

use revaer_application::CommandError;
use revaer_domain::torrent::{Origin, Status};
use revaer_domain::values::InfoHash;
use sqlx::Executor;

use crate::support::{World, magnet, magnet_v2, metadata, operator, parsed, torrent_file};

#[tokio::test]
async fn magnet_becomes_a_torrent_that_waits_for_its_metadata() {
    let world = World::new().await;
    let process = world.process().await;
    let done = process.application.add(magnet(1), &operator(None)).await.unwrap();
    assert_eq!((done.version, done.repeated), (1, false));
    assert_eq!(done.torrent.status(), Some(Status::Metadata));
    assert!(matches!(&done.torrent.origin, Some(Origin::Magnet(uri)) if uri.starts_with("magnet:?")));
    let [fact] = &world.facts().await[..] else { panic!("one fact") };
    assert_eq!((fact.kind.as_str(), fact.position), ("torrent.added", done.position));
    let metadata = metadata(fact);
    assert_eq!((metadata.actor.as_str(), metadata.request_id.as_deref()), ("operator", Some("request-1")));
    assert_eq!((metadata.correlation_id.as_str(), metadata.causation_id), ("correlation-1", None));
    assert_eq!(process.application.find(&InfoHash::V1([1; 20])).await.unwrap(), Some(done.id));
}

#[tokio::test]
async fn bodies_commit_before_the_facts_that_rely_on_them() {
    let world = World::new().await;
    let process = world.process().await;
    // Seen from within the append, bodies of a transaction that is still open would not be there.
    let witness = "
        CREATE TABLE witnessed (stream_id text, metainfo bigint, files bigint);
        CREATE FUNCTION witness() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NEW.kind = 'torrent.files_discovered' THEN
                INSERT INTO witnessed SELECT NEW.stream_id, (SELECT count(*) FROM metainfo),
                    (SELECT count(*) FROM file_lists WHERE 'torrent-' || torrent_id = NEW.stream_id);
            END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER witness AFTER INSERT ON events FOR EACH ROW EXECUTE FUNCTION witness();";
    world.pool.execute(witness).await.unwrap();
    let by_file = process.application.add(torrent_file(1), &operator(None)).await.unwrap();
    let by_magnet = process.add(2).await;
    let discovered = revaer_application::DiscoveredFiles { metainfo: vec![2], parsed: parsed(2) };
    process.application.observe_files(by_magnet.id, discovered, &operator(None)).await.unwrap();
    let witnessed: Vec<(String, i64, i64)> =
        sqlx::query_as("SELECT * FROM witnessed ORDER BY metainfo").fetch_all(&world.pool).await.unwrap();
    assert_eq!(witnessed, [(by_file.id.stream(), 1, 1), (by_magnet.id.stream(), 2, 1)]);
    let files = process.application.bodies().files(by_file.id).await.unwrap();
    assert_eq!(files, Some(parsed(1).files));
}

#[tokio::test]
async fn torrent_that_is_there_is_answered_with_its_id_by_either_hash() {
    let world = World::new().await;
    let process = world.process().await;
    let first = process.application.add(torrent_file(1), &operator(None)).await.unwrap();
    for again in [torrent_file(1), magnet(1), magnet_v2(1)] {
        let error = process.application.add(again, &operator(None)).await.unwrap_err();
        assert!(matches!(error, CommandError::TorrentExists { id } if id == first.id), "{error}");
    }
    assert_eq!(world.facts().await.len(), 2);
}

#[tokio::test]
async fn of_two_concurrent_adds_one_wins_and_the_other_learns_its_id() {
    let world = World::new().await;
    let (one, other) = (world.process().await, world.process().await);
    for number in 0..20 {
        // Two processes; and in odd rounds one, where both may be in one batch.
        let second = if number % 2 == 0 { &other } else { &one };
        let (key_1, key_2) = (format!("a{number}"), format!("b{number}"));
        let (callers, add) = ([operator(Some(&key_1)), operator(Some(&key_2))], magnet(number));
        let answers = tokio::join!(
            one.application.add(add.clone(), &callers[0]),
            second.application.add(add, &callers[1])
        );
        let (done, error) = match answers {
            (Ok(done), Err(error)) | (Err(error), Ok(done)) => (done, error),
            both => panic!("{both:?}"),
        };
        assert!(matches!(error, CommandError::TorrentExists { id } if id == done.id), "{error}");
    }
    assert_eq!((world.count("events").await, world.count("claims").await), (20, 20));
    assert_eq!(world.count("commands").await, 20, "who was refused may come again");
}

#[tokio::test]
async fn torrent_that_was_removed_and_is_added_again_is_another_one() {
    let world = World::new().await;
    let process = world.process().await;
    let first = process.add(1).await;
    process.tell(first.id, revaer_domain::torrent::TorrentCommand::Remove { delete_data: false }).await;
    let error = process.application.add(magnet(1), &operator(None)).await.unwrap_err();
    assert!(matches!(error, CommandError::TorrentExists { id } if id == first.id), "on its way out: {error}");
    process.remove(first.id).await;
    let second = process.add(1).await;
    assert_ne!(first.id, second.id);
    assert_eq!(world.kinds(first.id).await, ["added", "remove_requested", "removed"]);
    assert_eq!(world.kinds(second.id).await, ["added"]);
    assert_eq!(process.application.live_torrents().await.unwrap(), [second.id]);
}

#[tokio::test]
async fn torrent_file_that_does_not_parse_leaves_nothing() {
    let world = World::new().await;
    let process = world.process().await;
    let mut empty = torrent_file(1);
    empty.source = revaer_application::AddSource::Metainfo(vec![]);
    let error = process.application.add(empty, &operator(Some("k"))).await.unwrap_err();
    assert!(matches!(&error, CommandError::InvalidMetainfo(why) if why == "it is empty"), "{error}");
    assert_eq!((world.count("events").await, world.count("metainfo").await), (0, 0));
    // A refusal is not remembered: the key is free for what was meant.
    process.application.add(torrent_file(1), &operator(Some("k"))).await.unwrap();
}
