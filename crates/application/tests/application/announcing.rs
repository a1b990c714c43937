//! Keys for private trackers: in no fact, whole for the session, gone with their torrent.

use revaer_application::{AddSource, AddTorrent, SecretSweeper};
use tokio_util::sync::CancellationToken;

use crate::support::{Process, World, magnet, operator};

const PLAIN: &str = "udp://tracker.example:6969/announce";
const SECRET: &str = "https://private.example/0123abcd/announce";
const KEY: &str = "0123abcd";

/// A magnet that names one tracker of each sort.
fn private(number: u8) -> AddTorrent {
    let encoded = |url: &str| url.replace(':', "%3A").replace('/', "%2F");
    let uri = format!("magnet:?xt=urn:btih:{number:040x}&tr={}&dn=x&tr={}", encoded(SECRET), encoded(PLAIN));
    AddTorrent { source: AddSource::Magnet(uri.parse().expect("a magnet")), ..magnet(number) }
}

async fn urls(process: &Process, number: u8) -> (revaer_domain::values::TorrentId, Vec<String>) {
    let done = process.application.add(private(number), &operator(None)).await.expect("added");
    let urls = process.application.announce_urls(done.id, &done.torrent.trackers).await.expect("read");
    (done.id, urls)
}

#[tokio::test]
async fn key_for_a_private_tracker_is_in_no_row_and_whole_for_the_session() {
    let world = World::new().await;
    let process = world.process().await;
    let (id, whole) = urls(&process, 1).await;
    assert_eq!(whole, [SECRET, PLAIN]);
    let facts = world.facts().await;
    let added = &facts.last().expect("a fact").data;
    assert!(added.contains("https://private.example/{") && added.contains(PLAIN), "{added}");
    assert!(!world.dump().await.contains(KEY));
    assert!(process.application.shown_tracker(SECRET).starts_with("https://private.example/{"));
    assert_eq!(process.application.shown_tracker(PLAIN), PLAIN);

    // What stands for a URL in one torrent is nothing in another.
    let (torrent, ..) = process.application.torrent(id).await.expect("read").expect("is there");
    let other = process.add(2).await.id;
    let urls = process.application.announce_urls(other, &torrent.trackers).await.expect("read");
    assert_eq!(urls, [PLAIN]);
}

#[tokio::test]
async fn key_for_a_private_tracker_goes_with_its_torrent() {
    let world = World::new().await;
    let process = world.process().await;
    let ((gone, _), (stays, _)) = (urls(&process, 1).await, urls(&process, 2).await);
    process.remove(gone).await;
    sqlx::query("UPDATE announce_urls SET recorded_at = recorded_at - interval '2 hours'")
        .execute(&world.pool)
        .await
        .expect("is changed");
    tokio::spawn(SecretSweeper::new(process.application.clone()).run(CancellationToken::new()));
    world.wait_for("SELECT count(*) = 1 FROM announce_urls").await;
    let (torrent, ..) = process.application.torrent(stays).await.expect("read").expect("is there");
    let whole = process.application.announce_urls(stays, &torrent.trackers).await.expect("read");
    assert_eq!(whole, [SECRET, PLAIN]);
}
