//! Lists: filters, sorts, pages, and what samples add to a row.

use crate::common::{BOUND, World, added, discovered, id};
use proptest::prelude::*;
use revaer_domain::torrent::{Phase, Removed, SelectionApplied, StateChanged, Status, TorrentEvent, Totals};
use revaer_domain::values::InfoHash;
use revaer_event_schema::{ProgressSample, pack_progress};
use revaer_projections::{Projections, QueryError, Sort, TorrentQuery};

/// Forty torrents that differ in all that one can ask for; names repeat, and so do times and sizes.
async fn library(world: &World) {
    for number in 0..40_u64 {
        let name = format!("{} {}", if number % 2 == 0 { "Film" } else { "film" }, number % 7);
        let mut add = added(number, &name);
        add.paused = number % 5 == 0;
        if number % 3 == 0 {
            add.labels = ["good".parse().expect("a label")].into();
            add.trackers = vec!["udp://Tracker.example:6969/announce".to_owned()];
        }
        let mut events = vec![TorrentEvent::Added(Box::new(add))];
        if number % 4 != 0 {
            world.store_files(id(number), &[if number % 8 == 1 { "a/b.MKV" } else { "a/b.txt" }]).await;
            events.push(discovered(number, &name, (number % 6) * 1000, 1));
            events.push(TorrentEvent::StateChanged(StateChanged {
                from: None,
                to: Phase::Downloading,
                totals: Totals { wanted_done_bytes: number * 10, ..Totals::default() },
            }));
        }
        world.tell(id(number), 0, &events).await;
    }
}

async fn walk(projections: &Projections, query: &TorrentQuery, limit: u32) -> Vec<String> {
    let mut query = TorrentQuery { limit, ..query.clone() };
    let mut ids = Vec::new();
    loop {
        let page = projections.torrents(&query).await.expect("a page");
        assert!(page.items.len() <= limit as usize);
        ids.extend(page.items.iter().map(|row| row.id.to_string()));
        query.cursor = page.next_cursor;
        if query.cursor.is_none() {
            return ids;
        }
    }
}

async fn count(projections: &Projections, query: TorrentQuery) -> usize {
    projections.torrents(&query).await.expect("a page").items.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_and_sorts_answer_what_is_asked() {
    let world = World::new().await;
    let (projections, _) = world.project().await;
    library(&world).await;
    assert!(projections.wait_for(world.log.head().await.unwrap(), BOUND).await);
    let all = || TorrentQuery { limit: 1000, ..TorrentQuery::default() };

    assert_eq!(count(&projections, all()).await, 40);
    assert_eq!(count(&projections, TorrentQuery { name: Some("FILM 6".into()), ..all() }).await, 5);
    assert_eq!(count(&projections, TorrentQuery { name: Some("%".into()), ..all() }).await, 0);
    assert_eq!(count(&projections, TorrentQuery { name: Some("a\0b".into()), ..all() }).await, 0);
    assert_eq!(count(&projections, TorrentQuery { label: Some("good".into()), ..all() }).await, 14);
    assert_eq!(count(&projections, TorrentQuery { label: Some("goo".into()), ..all() }).await, 0);
    let tracker = TorrentQuery { tracker: Some("tracker.example".into()), ..all() };
    assert_eq!(count(&projections, tracker.clone()).await, 14);
    assert_eq!(count(&projections, TorrentQuery { state: Some(Status::Paused), ..tracker }).await, 3);
    assert_eq!(count(&projections, TorrentQuery { tracker: Some("late.example".into()), ..all() }).await, 30);
    assert_eq!(count(&projections, TorrentQuery { extension: Some("mkv".into()), ..all() }).await, 5);
    // Numbers 0, 5, … 35 are paused, whether their files are known or not.
    assert_eq!(count(&projections, TorrentQuery { state: Some(Status::Paused), ..all() }).await, 8);
    assert_eq!(count(&projections, TorrentQuery { state: Some(Status::Metadata), ..all() }).await, 8);

    for (sort, descending) in [
        (Sort::AddedAt, false),
        (Sort::AddedAt, true),
        (Sort::Name, false),
        (Sort::Size, true),
        (Sort::Progress, false),
    ] {
        let items = projections.torrents(&TorrentQuery { sort, descending, ..all() }).await.unwrap().items;
        let sorted = items.windows(2).all(|pair| {
            let (a, b) = if descending { (&pair[1], &pair[0]) } else { (&pair[0], &pair[1]) };
            match sort {
                Sort::AddedAt => (a.added_at, a.id) <= (b.added_at, b.id),
                Sort::Name => (a.name.to_lowercase(), a.id) <= (b.name.to_lowercase(), b.id),
                Sort::Size => (a.size_bytes, a.id) <= (b.size_bytes, b.id),
                Sort::Progress => a.progress <= b.progress,
            }
        });
        assert!(sorted, "{sort:?} {descending}");
    }

    let first = projections.torrents(&TorrentQuery { limit: 3, ..TorrentQuery::default() }).await.unwrap();
    let other =
        TorrentQuery { cursor: first.next_cursor, label: Some("good".into()), ..TorrentQuery::default() };
    assert!(matches!(projections.torrents(&other).await, Err(QueryError::Cursor)));

    // The law of pages: whatever the sort, the filter and the length, walking gives the whole list once.
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(24));
    let sorts = prop::sample::select(vec![Sort::AddedAt, Sort::Name, Sort::Size, Sort::Progress]);
    let labels = prop::option::of(Just("good".to_owned()));
    let handle = tokio::runtime::Handle::current();
    tokio::task::block_in_place(|| {
        runner
            .run(&(sorts, any::<bool>(), 1..15_u32, labels), |(sort, descending, limit, label)| {
                let query = TorrentQuery { sort, descending, label, ..TorrentQuery::default() };
                let whole = handle.block_on(walk(&projections, &query, 1000));
                let paged = handle.block_on(walk(&projections, &query, limit));
                prop_assert_eq!(whole, paged);
                Ok(())
            })
            .expect("pages have no gap and no repeat");
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn torrent_is_found_by_its_hash_with_its_files_until_it_is_removed() {
    let world = World::new().await;
    let (projections, _) = world.project().await;
    let torrent = id(7);
    world.store_files(torrent, &["a/1", "a/2", "a/3"]).await;
    let applied = SelectionApplied { revision: 0, priorities: vec![(1, 7), (1, 0)], wanted_bytes: 20 };
    let events = [
        TorrentEvent::Added(Box::new(added(7, "a\0b"))),
        discovered(7, "a\0b", 30, 3),
        TorrentEvent::SelectionApplied(applied),
    ];
    let told = world.tell(torrent, 0, &events).await;
    assert!(projections.wait_for(told, BOUND).await);

    let row = projections.torrent(torrent).await.unwrap().expect("a row");
    assert_eq!((row.version, row.position, row.wanted_bytes), (3, told, Some(20)));
    assert_eq!(row.name, "a\u{fffd}b");
    let hash = InfoHash::V1(row.info_hashes.v1.expect("v1"));
    assert_eq!(projections.resolve(&hash).await.unwrap(), Some(torrent));
    let files = projections.files(torrent).await.unwrap();
    let seen: Vec<_> = files.iter().map(|file| (file.index, file.path.as_str(), file.priority)).collect();
    assert_eq!(seen, [(0, "a/1", 7), (1, "a/2", 0), (2, "a/3", 4)]);

    let gone =
        world.tell(torrent, 3, &[TorrentEvent::Removed(Removed { data_deleted: false, left: vec![] })]).await;
    assert!(projections.wait_for(gone, BOUND).await);
    assert_eq!(projections.torrent(torrent).await.unwrap(), None);
    assert_eq!(projections.resolve(&hash).await.unwrap(), None);
    assert_eq!(projections.files(torrent).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn younger_of_sample_and_fact_tells_the_progress() {
    let world = World::new().await;
    let (projections, _) = world.project().await;
    let torrent = id(1);
    world.tell(torrent, 0, &[TorrentEvent::Added(Box::new(added(1, "x"))), discovered(1, "x", 100, 1)]).await;
    let sample = ProgressSample {
        torrent,
        wanted_done_bytes: 50,
        downloaded_bytes: 60,
        uploaded_bytes: 5,
        download_bytes_per_second: 9,
        upload_bytes_per_second: 8,
        peers: 3,
        seeds: 2,
    };
    let stranger = ProgressSample { torrent: id(2), ..sample };
    let sampled = world.log.append_samples("test", pack_progress(&[sample, stranger])).await.unwrap();
    assert!(projections.wait_for(sampled, BOUND).await);
    let row = projections.torrent(torrent).await.unwrap().expect("a row");
    assert!((row.progress - 0.5).abs() < 1e-9);
    assert_eq!((row.downloaded_bytes, row.download_bytes_per_second, row.peers), (60, 9, 3));
    let kept: i64 =
        sqlx::query_scalar("SELECT count(*) FROM torrent_live").fetch_one(world.log.pool()).await.unwrap();
    assert_eq!(kept, 1, "a torrent that is not in the list has no counters");

    let recorded = TorrentEvent::CountersRecorded(Totals { wanted_done_bytes: 20, ..Totals::default() });
    let told = world.tell(torrent, 2, &[recorded, TorrentEvent::Paused]).await;
    assert!(projections.wait_for(told, BOUND).await);
    let row = projections.torrent(torrent).await.unwrap().expect("a row");
    assert!((row.progress - 0.2).abs() < 1e-9);
    assert_eq!((row.download_bytes_per_second, row.peers), (0, 0), "what is paused stands still");
}
