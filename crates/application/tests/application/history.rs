//! A torrent's own story, and the torrent as of then.

use revaer_application::At;
use revaer_domain::torrent::TorrentCommand;
use revaer_domain::values::TorrentId;
use revaer_event_log::Position;
use time::Duration;
use ulid::Ulid;

use crate::support::World;

#[tokio::test]
async fn history_is_paged_by_version() {
    let world = World::new().await;
    let process = world.process().await;
    let id = process.add(1).await.id;
    process.add(2).await;
    for enable in [true, false, true] {
        process.tell(id, TorrentCommand::SetSequential { enable }).await;
    }
    let page = process.application.history(id, 0, 3).await.unwrap();
    assert_eq!(page.iter().map(|fact| fact.version).collect::<Vec<_>>(), [1, 2, 3]);
    let rest = process.application.history(id, 3, 3).await.unwrap();
    assert_eq!(rest.iter().map(|fact| fact.version).collect::<Vec<_>>(), [4]);
    assert!(page.iter().chain(&rest).all(|fact| fact.stream.as_str() == id.stream()));
}

#[tokio::test]
async fn torrent_is_told_as_of_a_position_and_of_a_time_also_when_it_is_gone() {
    let world = World::new().await;
    let process = world.process().await;
    let added = process.add(1).await;
    let paused = process.tell(added.id, TorrentCommand::Pause).await;
    let resumed = process.tell(added.id, TorrentCommand::Resume).await;
    process.remove(added.id).await;
    let at = |at| process.application.torrent_at(added.id, at);

    assert_eq!(at(At::Position(Position(added.position.0 - 1))).await.unwrap(), None);
    let (torrent, version, position) = at(At::Position(paused.position)).await.unwrap().unwrap();
    assert_eq!((torrent, version, position), (paused.torrent, 2, paused.position));
    let (torrent, version, _) = at(At::Position(resumed.position)).await.unwrap().unwrap();
    assert_eq!((torrent.paused, version), (false, 3));

    let facts = world.facts().await;
    let time = facts[1].recorded_at;
    let (torrent, ..) = at(At::Time(time)).await.unwrap().unwrap();
    assert!(torrent.paused);
    assert_eq!(at(At::Time(facts[0].recorded_at - Duration::microseconds(1))).await.unwrap(), None);
    let nobody = TorrentId::new(Ulid(7));
    assert_eq!(process.application.torrent_at(nobody, At::Position(Position(99))).await.unwrap(), None);
}

#[tokio::test]
async fn torrent_is_read_at_least_as_new_as_was_seen_in_the_log() {
    let world = World::new().await;
    let (one, other) = (world.process().await, world.process().await);
    let id = one.add(1).await.id;
    let seen = other.tell(id, TorrentCommand::Pause).await;
    let (torrent, version, position) =
        one.application.torrent_since(id, seen.version).await.unwrap().unwrap();
    assert_eq!((torrent, version, position), (seen.torrent, seen.version, seen.position));
}
