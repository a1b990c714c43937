//! The law of the index: whatever happened, every page from memory is the page from the rows.

use std::collections::HashMap;
use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use revaer_domain::selection::SelectionRule;
use revaer_domain::torrent::{
    Added, FilesDiscovered, LabelsChanged, Origin, Phase, Removed, StateChanged, Status, TorrentEvent, Totals,
};
use revaer_domain::values::{InfoHashes, Label, RateCap, TorrentId};
use revaer_event_log::{Append, EventLog, Options, Position, StreamId, migrate};
use revaer_event_schema::{Metadata, ProgressSample, encode_torrent, pack_progress};
use revaer_test_support::TestDatabase;
use time::OffsetDateTime;
use tokio_util::sync::{CancellationToken, DropGuard};
use ulid::Ulid;

use crate::cursor::Cursor;
use crate::{Projections, Projector, Sort, TorrentQuery, list, rebuild};

/// Longer than anything here takes.
const BOUND: Duration = Duration::from_secs(30);
/// Few enough that the same ones change again and again.
const TORRENTS: u64 = 80;

/// Parts of names, of one byte and of several, in one script and in others; some lie in others.
const PARTS: [&str; 9] = ["a", "B", "ab", "Film", "film 2", "1080p", "été", "東京", "%"];
const LABELS: [&str; 3] = ["good", "old", "rare"];
const HOSTS: [&str; 3] = ["one.example", "two.example", "Three.example"];
const EXTENSIONS: [&str; 3] = ["mkv", "TXT", "flac"];

/// Something that happens to a torrent, whether it is there or not.
#[derive(Debug, Clone)]
enum Happening {
    Add { at_seconds: i64, name: String, label: Option<&'static str>, host: &'static str, paused: bool },
    Discover { name: String, size_bytes: u64, extension: &'static str },
    Label(Option<&'static str>),
    Move(Phase, u64),
    Pause,
    Resume,
    Remove,
    Sample(u64),
}

fn name() -> impl Strategy<Value = String> {
    prop::collection::vec(select(&PARTS[..]), 1..4).prop_map(|parts| parts.concat())
}

fn happening() -> impl Strategy<Value = Happening> {
    let label = || prop::option::of(select(&LABELS[..]));
    prop_oneof![
        // Times repeat and go back, as those of two commands do that ran at once.
        4 => (0..40_i64, name(), label(), select(&HOSTS[..]), any::<bool>()).prop_map(
            |(at_seconds, name, label, host, paused)| Happening::Add { at_seconds, name, label, host, paused }
        ),
        3 => (name(), 0..6_u64, select(&EXTENSIONS[..])).prop_map(|(name, size, extension)| {
            Happening::Discover { name, size_bytes: size * 1000, extension }
        }),
        1 => label().prop_map(Happening::Label),
        2 => (select(vec![Phase::Downloading, Phase::Seeding, Phase::Checking]), 0..6_u64)
            .prop_map(|(phase, done)| Happening::Move(phase, done * 500)),
        1 => Just(Happening::Pause),
        1 => Just(Happening::Resume),
        1 => Just(Happening::Remove),
        2 => (0..6_u64).prop_map(|done| Happening::Sample(done * 700)),
    ]
}

fn query() -> impl Strategy<Value = TorrentQuery> {
    let one = |values: &'static [&'static str]| {
        prop::option::weighted(0.3, select(values).prop_map(str::to_owned)).boxed()
    };
    let name =
        prop::option::weighted(0.4, prop_oneof![3 => name(), 1 => "[a-f]{0,2}", 1 => Just("\0".to_owned())]);
    let state = prop::option::weighted(0.3, select(Status::ALL.to_vec()));
    let sort = select(vec![Sort::AddedAt, Sort::Name, Sort::Size, Sort::Progress]);
    let facets = (one(&HOSTS), one(&EXTENSIONS), one(&LABELS));
    (1..9_u32, name, state, facets, sort, any::<bool>()).prop_map(
        |(limit, name, state, (tracker, extension, label), sort, descending)| TorrentQuery {
            limit,
            cursor: None,
            name,
            state,
            tracker,
            extension,
            label,
            sort,
            descending,
        },
    )
}

struct World {
    log: EventLog,
    shutdown: CancellationToken,
    /// The id that each number has now, and the version of its stream.
    torrents: HashMap<u64, (TorrentId, u32)>,
    removed: u64,
    _end: DropGuard,
    _database: TestDatabase,
}

impl World {
    async fn new() -> Self {
        let database = TestDatabase::create().await;
        let pool = database.pool().await;
        migrate(&pool).await.expect("migrates");
        let (log, runner) = EventLog::open(pool, Options::default()).await.expect("opens");
        let shutdown = CancellationToken::new();
        tokio::spawn(runner.run(shutdown.clone()));
        let end = shutdown.clone().drop_guard();
        Self { log, shutdown, torrents: HashMap::new(), removed: 0, _end: end, _database: database }
    }

    async fn project(&self) -> (Projections, CancellationToken) {
        let (projections, projector) = Projector::open(self.log.clone()).await.expect("opens");
        let shutdown = self.shutdown.child_token();
        tokio::spawn(projector.run(shutdown.clone()));
        (projections, shutdown)
    }

    async fn happen(&mut self, number: u64, happening: Happening) -> Option<Position> {
        let here = self.torrents.get(&number).copied();
        let event = match (here, happening) {
            (None, Happening::Add { at_seconds, name, label, host, paused }) => {
                // Not in the order of time, so that ties are broken against it.
                let ulid = Ulid((u128::from(number * 7919 % TORRENTS) << 64) + u128::from(self.removed));
                self.torrents.insert(number, (TorrentId::new(ulid), 0));
                TorrentEvent::Added(Box::new(add(number, at_seconds, name, label, host, paused)))
            }
            (Some((id, _)), Happening::Discover { name, size_bytes, extension }) => {
                self.store_file(id, &format!("x/y.{extension}"), size_bytes).await;
                discovered(number, name, size_bytes)
            }
            (Some(_), Happening::Label(label)) => {
                TorrentEvent::LabelsChanged(LabelsChanged { from: [].into(), to: labels(label) })
            }
            (Some(_), Happening::Move(to, wanted_done_bytes)) => TorrentEvent::StateChanged(StateChanged {
                from: None,
                to,
                totals: Totals { wanted_done_bytes, ..Totals::default() },
            }),
            (Some(_), Happening::Pause) => TorrentEvent::Paused,
            (Some(_), Happening::Resume) => TorrentEvent::Resumed,
            (Some(_), Happening::Remove) => {
                TorrentEvent::Removed(Removed { data_deleted: true, left: vec![] })
            }
            (Some((torrent, _)), Happening::Sample(wanted_done_bytes)) => {
                let sample = ProgressSample {
                    torrent,
                    wanted_done_bytes,
                    downloaded_bytes: 0,
                    uploaded_bytes: 0,
                    download_bytes_per_second: 1,
                    upload_bytes_per_second: 1,
                    peers: 1,
                    seeds: 1,
                };
                let sampled = self.log.append_samples("test", pack_progress(&[sample])).await;
                return Some(sampled.expect("appends"));
            }
            (Some(_), Happening::Add { .. }) | (None, _) => return None,
        };
        let (id, version) = self.torrents[&number];
        if matches!(event, TorrentEvent::Removed(_)) {
            self.torrents.remove(&number);
            self.removed += 1;
        } else {
            self.torrents.insert(number, (id, version + 1));
        }
        let append = Append {
            stream: StreamId::new(&id.stream()).expect("a stream"),
            expected: version,
            facts: vec![encode_torrent(&event, &Metadata::of_system("system", "test"))],
            command: None,
            claims: vec![],
            releases: vec![],
        };
        Some(self.log.append(append).await.expect("appends").position)
    }

    async fn store_file(&self, id: TorrentId, path: &str, size_bytes: u64) {
        let body = serde_json::json!([{ "path": path, "size_bytes": size_bytes }]);
        sqlx::query(
            "INSERT INTO file_lists (torrent_id, body) VALUES ($1, $2) ON CONFLICT (torrent_id) DO NOTHING",
        )
        .bind(id.to_string())
        .bind(sqlx::types::Json(body))
        .execute(self.log.pool())
        .await
        .expect("stores");
    }
}

fn add(number: u64, at_seconds: i64, name: String, label: Option<&str>, host: &str, paused: bool) -> Added {
    Added {
        at: OffsetDateTime::UNIX_EPOCH
            + time::Duration::seconds(at_seconds)
            + time::Duration::nanoseconds(1_999),
        origin: Origin::Metainfo,
        info_hashes: hashes(number),
        name,
        save_path: "films".parse().expect("a path"),
        paused,
        sequential: false,
        rate_cap: RateCap::default(),
        share_limits: revaer_domain::values::ShareLimits::default(),
        labels: labels(label),
        selection: SelectionRule::default(),
        trackers: vec![format!("udp://{host}:6969/announce")],
        peers: vec![],
    }
}

fn discovered(number: u64, name: String, size_bytes: u64) -> TorrentEvent {
    TorrentEvent::FilesDiscovered(FilesDiscovered {
        info_hashes: hashes(number),
        name,
        file_count: 1,
        size_bytes,
        piece_length_bytes: 16_384,
        piece_count: 1,
        trackers: vec![],
    })
}

fn hashes(number: u64) -> InfoHashes {
    let mut v1 = [0; 20];
    v1[..8].copy_from_slice(&number.to_be_bytes());
    InfoHashes { v1: Some(v1), v2: None }
}

fn labels(label: Option<&str>) -> std::collections::BTreeSet<Label> {
    label.into_iter().map(|label| label.parse().expect("a label")).collect()
}

/// Walks a list by both ways, each with the cursors of the other: they go on where the other ended, too.
async fn assert_same_pages(projections: &Projections, mut query: TorrentQuery) -> usize {
    let mut pages = 0;
    loop {
        assert!(*projections.lists_in_memory().borrow(), "the index answers");
        let page = projections.torrents(&query).await.expect("a page from memory");
        let after = query.cursor.as_deref().map(|cursor| Cursor::decode(cursor, &query).expect("a cursor"));
        let (rows, next_cursor) = list::page_of_rows(&projections.pool, &query, after, query.limit as usize)
            .await
            .expect("a page of rows");
        assert_eq!(page.items, rows, "{query:?}");
        assert_eq!(page.next_cursor, next_cursor, "{query:?}");
        pages += 1;
        if next_cursor.is_none() {
            return pages;
        }
        query.cursor = if pages % 2 == 0 { next_cursor } else { page.next_cursor };
    }
}

/// Rows that are younger than the index may be of torrents that are not wanted any more; asked for all there are, those that are
/// wanted come, and no others.
async fn assert_rows_are_held_to_the_filters(projections: &Projections, query: &TorrentQuery) {
    let all = TorrentQuery { limit: 1000, ..TorrentQuery::default() };
    let ids: Vec<_> =
        projections.torrents(&all).await.expect("a page").items.into_iter().map(|row| row.id).collect();
    let by_id = TorrentQuery { sort: Sort::AddedAt, descending: false, ..query.clone() };
    let fetched = list::fetch(&projections.pool, &by_id, &ids).await.expect("rows");
    let (rows, _) = list::page_of_rows(&projections.pool, &by_id, None, 1000).await.expect("a page of rows");
    assert_eq!(fetched, rows, "{query:?}");
}

/// Draws values; it says its seed, with which a failure is repeated as far as the timing of the parts allows.
struct Chance(TestRunner);

impl Chance {
    fn new() -> Self {
        let half = Ulid::generate().to_bytes();
        let seed = [half, half].concat();
        println!("the seed is {seed:?}");
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
        Self(TestRunner::new_with_rng(ProptestConfig::default(), rng))
    }

    fn draw<S: Strategy>(&mut self, strategy: &S) -> S::Value {
        strategy.new_tree(&mut self.0).expect("no value is refused").current()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_from_memory_are_the_pages_from_rows_whatever_happens() {
    let mut world = World::new().await;
    // One that has just started follows, so this one stands by from then on.
    let (standing_by, _standing) = world.project().await;
    let (mut projections, mut running) = world.project().await;
    let mut chance = Chance::new();
    let mut pages = 0;
    for round in 0..12 {
        let happenings = chance.draw(&prop::collection::vec((0..TORRENTS, happening()), 100));
        let mut told = Position::ZERO;
        for (number, happening) in happenings {
            told = world.happen(number, happening).await.unwrap_or(told).max(told);
        }
        for projections in [&projections, &standing_by] {
            assert!(projections.wait_for(told, BOUND).await);
            is_loaded(projections).await;
        }
        for _ in 0..30 {
            let query = chance.draw(&query());
            assert_rows_are_held_to_the_filters(&projections, &query).await;
            pages += assert_same_pages(&standing_by, query.clone()).await;
            pages += assert_same_pages(&projections, query).await;
        }
        match round % 4 {
            // Another generation, which the index has to notice, while facts keep coming.
            1 => drop(rebuild(&world.log, "torrents").await.expect("rebuilds")),
            // Another process, which takes over and loads what is there.
            3 => {
                let before = std::mem::replace(&mut running, CancellationToken::new());
                (projections, running) = world.project().await;
                before.cancel();
            }
            _ => {}
        }
    }
    assert!(pages > 1000, "{pages}");
}

/// Waits until lists are found in memory.
async fn is_loaded(projections: &Projections) {
    let mut loaded = projections.lists_in_memory();
    tokio::time::timeout(BOUND, loaded.wait_for(|loaded| *loaded)).await.expect("in time").expect("runs");
}

#[tokio::test(flavor = "multi_thread")]
async fn process_that_stands_by_answers_from_memory_too() {
    let mut world = World::new().await;
    let (first, running) = world.project().await;
    is_loaded(&first).await;
    // It has just started, so it takes the lease; the first has to let go of it, and stands by from then on.
    let (second, _running) = world.project().await;
    is_loaded(&second).await;
    for number in 0..3 {
        let named = Happening::Add {
            at_seconds: 1,
            name: format!("number {number}"),
            label: None,
            host: HOSTS[0],
            paused: false,
        };
        let told = world.happen(number, named).await.expect("appended");
        for projections in [&first, &second] {
            assert!(projections.wait_for(told, BOUND).await);
            is_loaded(projections).await;
            let page = projections.torrents(&TorrentQuery::default()).await.expect("a page");
            assert_eq!(page.items.len() as u64, number + 1);
        }
    }
    running.cancel();
}
