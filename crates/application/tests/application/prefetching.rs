//! Many torrents looked up together: the same answers as one by one, and what is long or large is left out.

use revaer_application::ResumeRow;
use revaer_domain::torrent::TorrentCommand;
use revaer_domain::values::{InfoHash, TorrentId};

use crate::support::{World, operator, torrent_file};

/// More facts than are read of one torrent with others.
const LONG: usize = 70;
/// A body that is larger than those that are read with others.
const LARGE: usize = (256 << 10) + 1;

#[tokio::test]
async fn torrents_that_were_prefetched_are_told_as_when_asked_for_one_by_one() {
    let world = World::new().await;
    let process = world.process().await;
    let mut ids = Vec::new();
    for number in 1..=4 {
        ids.push(process.add(number).await.id);
    }
    process.tell(ids[1], TorrentCommand::Pause).await;
    process.remove(ids[2]).await;
    for round in 0..LONG {
        process.tell(ids[3], TorrentCommand::SetSequential { enable: round % 2 == 0 }).await;
    }

    let (together, alone) = (world.process().await, world.process().await);
    together.application.prefetch(&ids).await.unwrap();
    for id in ids {
        let prefetched = together.application.torrent_since(id, 0).await.unwrap();
        assert_eq!(prefetched, alone.application.torrent(id).await.unwrap());
    }
}

#[tokio::test]
async fn bodies_are_prefetched_unless_they_are_large_or_damaged() {
    let world = World::new().await;
    let process = world.process().await;
    let mut torrents: Vec<(TorrentId, InfoHash)> = Vec::new();
    for number in 1..=3 {
        let done = process.application.add(torrent_file(number), &operator(None)).await.unwrap();
        torrents.push((done.id, done.torrent.info_hashes.primary().unwrap()));
    }
    let bodies = process.application.bodies();
    let sizes = [10, LARGE, 20];
    let rows: Vec<_> = torrents
        .iter()
        .zip(sizes)
        .map(|(&(id, _), size)| ResumeRow { id, piece_count: 1, body: vec![7; size] })
        .collect();
    bodies.put_resume_data(&rows).await.unwrap();
    sqlx::query("UPDATE resume_data SET body = 'torn' WHERE torrent_id = $1")
        .bind(torrents[2].0.to_string())
        .execute(&world.pool)
        .await
        .unwrap();

    let (ids, hashes): (Vec<_>, Vec<_>) = torrents.iter().copied().unzip();
    let prefetched = bodies.prefetch(&ids, &hashes).await.unwrap();
    assert_eq!(prefetched.resume_data.into_iter().collect::<Vec<_>>(), [(ids[0], vec![7; 10])]);
    assert_eq!(prefetched.metainfo.len(), 3);
    for hash in hashes {
        assert_eq!(prefetched.metainfo.get(&hash).cloned(), bodies.metainfo(&[hash]).await.unwrap());
    }
}
