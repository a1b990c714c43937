//! Laws of reading, for whatever chance does: a list and what follows it are the present, and a replay from anywhere is the
//! tail of the whole.
//!
//! The client of these tests is a few lines that trust the documented contract and nothing else: ids, versions, positions.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use poem::http::StatusCode;
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use proptest::test_runner::{Config, TestRunner};
use revaer_api::Limits;
use revaer_domain::api_key::RequestLimit;
use revaer_domain::torrent::TorrentCommand;
use revaer_domain::values::TorrentId;
use revaer_event_schema::{ProgressSample, pack_progress};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::stream::{Frame, Stream};
use crate::world::{World, magnet};

/// What somebody does. The torrent is one of those that this somebody has added.
#[derive(Debug, Clone)]
enum Step {
    Add { labels: Vec<&'static str>, sequential: bool },
    Act { torrent: Index, action: Value },
    Remove { torrent: Index },
    Sample { torrent: Index },
}

const LABELS: [&str; 3] = ["films", "linux", "music"];

fn step() -> impl Strategy<Value = Step> {
    let labels = || subsequence(LABELS.to_vec(), 0..=LABELS.len());
    let act = prop_oneof![
        Just(json!({ "action": "pause" })),
        Just(json!({ "action": "resume" })),
        any::<bool>().prop_map(|enable| json!({ "action": "sequential", "enable": enable })),
        labels().prop_map(|labels| json!({ "action": "label", "labels": labels })),
        proptest::option::of(16_384..20_000_u32)
            .prop_map(|cap| json!({ "action": "rate_cap", "download_bytes_per_second": cap })),
    ];
    prop_oneof![
        3 => (labels(), any::<bool>()).prop_map(|(labels, sequential)| Step::Add { labels, sequential }),
        6 => (any::<Index>(), act).prop_map(|(torrent, action)| Step::Act { torrent, action }),
        1 => any::<Index>().prop_map(|torrent| Step::Remove { torrent }),
        2 => any::<Index>().prop_map(|torrent| Step::Sample { torrent }),
    ]
}

/// Somebody with torrents of their own.
struct Somebody<'a> {
    world: &'a World,
    /// Of the next magnet; nobody else has it.
    next: u64,
    torrents: Vec<TorrentId>,
}

impl<'a> Somebody<'a> {
    fn new(world: &'a World, number: u64) -> Self {
        Self { world, next: number << 32, torrents: Vec::new() }
    }

    async fn does(&mut self, step: &Step) {
        let world = self.world;
        match step {
            Step::Add { labels, sequential } => {
                self.next += 1;
                let body = json!({ "magnet": magnet(self.next), "labels": labels, "sequential": sequential });
                let added = world.post("/v1/torrents", &body).await;
                assert_eq!(added.status, StatusCode::CREATED, "{}", added.body);
                self.torrents.push(added.id());
            }
            _ if self.torrents.is_empty() => {}
            Step::Act { torrent, action } => {
                let id = torrent.get(&self.torrents);
                let done = world.post(&format!("/v1/torrents/{id}/action"), action).await;
                assert!(done.status.is_success(), "{action}: {}", done.body);
            }
            Step::Remove { torrent } => {
                let id = self.torrents.swap_remove(torrent.index(self.torrents.len()));
                world.post(&format!("/v1/torrents/{id}/action"), &json!({ "action": "remove" })).await;
                let gone = TorrentCommand::ObserveRemoved { data_deleted: false, left: vec![] };
                world.observe(id, gone).await;
            }
            Step::Sample { torrent } => {
                world.sample(&[*torrent.get(&self.torrents)]).await;
            }
        }
    }

    async fn does_all(&mut self, steps: &[Step]) {
        for step in steps {
            self.does(step).await;
        }
    }
}

/// What a client knows of torrents, by id: the version, and what a few kinds of events tell.
type Known = BTreeMap<String, Value>;

/// What the client keeps of an item of a list.
fn known_of(item: &Value) -> (String, Value) {
    let kept = json!({
        "version": item["version"], "name": item["name"], "labels": item["labels"],
        "sequential": item["sequential"], "rate_cap": item["rate_cap"],
    });
    (item["id"].as_str().expect("an id").to_owned(), kept)
}

/// Applies an event by its version: what a row says already is not applied again.
fn apply(known: &mut Known, event: &Frame) {
    let stream = event.data["stream"].as_str().expect("a stream");
    let (Some(id), Some(version)) = (stream.strip_prefix("torrent-"), event.data["version"].as_u64()) else {
        return;
    };
    let told = &event.data["data"];
    let kind = event.data["kind"].as_str().expect("a kind");
    if kind == "torrent.added" && version == 1 && !known.contains_key(id) {
        let added = json!({
            "version": 1, "name": told["name"], "labels": told["labels"],
            "sequential": told["sequential"], "rate_cap": told["rate_cap"],
        });
        known.insert(id.to_owned(), added);
        return;
    }
    // Unknown: it was gone already when the list was read, and what is told of it ends with that.
    let Some(torrent) = known.get_mut(id) else { return };
    if version <= torrent["version"].as_u64().expect("a version") {
        return;
    }
    torrent["version"] = version.into();
    match kind {
        "torrent.labels_changed" => torrent["labels"] = told["to"].clone(),
        "torrent.rate_cap_changed" => torrent["rate_cap"] = told["to"].clone(),
        "torrent.sequential_changed" => torrent["sequential"] = told["enabled"].clone(),
        "torrent.removed" => drop(known.remove(id)),
        _ => {}
    }
}

/// All pages of a list, and the position of the first.
async fn list(world: &World, query: &str, limit: u32) -> (Known, i64) {
    let (mut known, mut position, mut cursor) = (Known::new(), None, String::new());
    loop {
        let page = world.get(&format!("/v1/torrents?limit={limit}{query}{cursor}")).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        // From the first page on: what changes while the others are read is told again, and known by its version.
        position = position.or(page.body["position"].as_i64());
        known.extend(page.body["items"].as_array().expect("items").iter().map(known_of));
        let Some(next) = page.body["next_cursor"].as_str() else {
            return (known, position.expect("a position"));
        };
        cursor = format!("&cursor={next}");
    }
}

async fn list_and_follow_are_the_present(world: &World, case: u64, drawn: &Drawn) {
    let (mut one, mut other) = (Somebody::new(world, 2 * case), Somebody::new(world, 2 * case + 1));
    one.does_all(&drawn.before).await;
    // A client lists page after page, and two others give commands meanwhile.
    let sort = format!("&sort={}", drawn.sort);
    let ((known, position), ..) = tokio::join!(
        list(world, &sort, drawn.limit),
        one.does_all(&drawn.by_one),
        other.does_all(&drawn.by_other),
    );
    one.does_all(&drawn.after).await;
    other.does(&Step::Add { labels: vec![], sequential: false }).await;
    let last = other.torrents.last().expect("just added").stream();
    let mut stream = Stream::open(world, &format!("?after={position}"), None).await;
    let mut followed = known;
    for event in stream.until(|event| event.data["stream"] == last.as_str()).await {
        apply(&mut followed, &event);
    }
    let head = world.application.log().head().await.expect("reads");
    let (present, _) = list(world, &format!("&min_position={head}"), 1000).await;
    assert_eq!(followed, present, "from {position} to {head}");
}

/// One case: commands before, while and after a client lists.
#[derive(Debug, Clone)]
struct Drawn {
    before: Vec<Step>,
    by_one: Vec<Step>,
    by_other: Vec<Step>,
    after: Vec<Step>,
    sort: &'static str,
    limit: u32,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let steps = || proptest::collection::vec(step(), 0..16);
    // Orders that no command changes, so that every torrent has one place among the pages.
    let sort = select(vec!["added_at", "-added_at", "name", "-name"]);
    (steps(), steps(), steps(), steps(), sort, 1..6_u32).prop_map(
        |(before, by_one, by_other, after, sort, limit)| Drawn {
            before,
            by_one,
            by_other,
            after,
            sort,
            limit,
        },
    )
}

#[test]
fn list_and_what_follows_it_are_the_present() {
    let runtime = Runtime::new().expect("starts");
    let world = runtime.block_on(World::with(bounds()));
    let case = std::cell::Cell::new(0);
    let config = Config { cases: 24, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&drawn(), |drawn| {
            case.set(case.get() + 1);
            runtime.block_on(list_and_follow_are_the_present(&world, case.get(), &drawn));
            Ok(())
        })
        .expect("the law holds");
    // Dropping it talks to the database.
    let _runtime = runtime.enter();
    drop(world);
}

/// Bounds with which a stream soon says how far it has looked, whatever its filter holds back, and that nobody here reaches.
fn bounds() -> Limits {
    let key_rate = RequestLimit::new(1_000_000, 1_000_000).expect("is a limit");
    Limits { sse_heartbeat: Duration::from_millis(20), key_rate, ..Limits::default() }
}

/// What a client asks for.
#[derive(Debug, Clone)]
struct Asked {
    types: Vec<&'static str>,
    torrent: Option<Index>,
    samples: bool,
    /// Where it was, as a part of the way to the head, and whether it says of which log.
    from: Index,
    tagged: bool,
}

fn asked() -> impl Strategy<Value = Asked> {
    const TYPES: [&str; 6] =
        ["torrent.*", "torrent.progress", "torrent.added", "*.paused", "torrent.labels_changed", "health.*"];
    (
        subsequence(TYPES.to_vec(), 0..3),
        proptest::option::weighted(0.3, any::<Index>()),
        any::<bool>(),
        any::<Index>(),
        any::<bool>(),
    )
        .prop_map(|(types, torrent, samples, from, tagged)| Asked {
            types,
            torrent,
            samples,
            from,
            tagged,
        })
}

impl Asked {
    fn wants_samples(&self) -> bool {
        self.samples && self.wants_kind("torrent.progress")
    }

    fn wants_kind(&self, kind: &str) -> bool {
        let fits = |pattern: &&str| match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
            (Some(end), _) => kind.ends_with(end),
            (_, Some(start)) => kind.starts_with(start),
            _ => kind == *pattern,
        };
        self.types.is_empty() || self.types.iter().any(|pattern| fits(&pattern))
    }

    fn wants(&self, frame: &Frame, torrent: Option<TorrentId>) -> bool {
        let kind = frame.data["kind"].as_str().expect("a kind");
        let of_torrent = torrent.is_none_or(|id| frame.data["stream"] == id.stream().as_str());
        of_torrent && self.wants_kind(kind) && (kind != "torrent.progress" || self.samples)
    }

    fn query(&self, torrent: Option<TorrentId>) -> String {
        let types =
            if self.types.is_empty() { String::new() } else { format!("&types={}", self.types.join(",")) };
        let torrent = torrent.map(|id| format!("&torrent={id}")).unwrap_or_default();
        format!("?samples={}{types}{torrent}", self.samples)
    }
}

/// Facts and samples of which the first are of five hours ago; gives the torrents.
async fn story(world: &World, steps: &[Step]) -> Vec<TorrentId> {
    let mut somebody = Somebody::new(world, 1);
    let (long_ago, lately) = steps.split_at(steps.len() / 2);
    somebody.does(&Step::Add { labels: vec![], sequential: false }).await;
    for step in long_ago {
        match step {
            Step::Sample { torrent } if !somebody.torrents.is_empty() => {
                sample_of_long_ago(world, *torrent.get(&somebody.torrents)).await;
            }
            step => somebody.does(step).await,
        }
    }
    somebody.does_all(lately).await;
    // Of torrents that are gone nobody can ask.
    somebody.torrents
}

async fn sample_of_long_ago(world: &World, torrent: TorrentId) {
    let sample = ProgressSample {
        torrent,
        wanted_done_bytes: 5,
        downloaded_bytes: 6,
        uploaded_bytes: 7,
        download_bytes_per_second: 8,
        upload_bytes_per_second: 9,
        peers: 2,
        seeds: 1,
    };
    let mut transaction = world.application.log().pool().begin().await.expect("begins");
    // As append_samples() does it, at another hour.
    for statement in [
        "SELECT make_sample_partition(now() - interval '5 hours')",
        "SET LOCAL revaer.appending = 'yes'",
        "SELECT pg_advisory_xact_lock(8245925716347)",
    ] {
        sqlx::query(statement).execute(&mut *transaction).await.expect("is made");
    }
    sqlx::query("INSERT INTO samples SELECT take_positions(1) + 1, now() - interval '5 hours', 'test', $1")
        .bind(pack_progress(&[sample]))
        .execute(&mut *transaction)
        .await
        .expect("appends");
    transaction.commit().await.expect("commits");
}

/// Everything that comes up to a position, quiet ids included, which say how far the service has looked.
async fn replay(world: &World, query: &str, id: &str, head: i64) -> Vec<Frame> {
    let mut stream = Stream::open(world, query, Some(id)).await;
    let mut events = Vec::new();
    loop {
        let frame = stream.frame().await.expect("goes on");
        let reached = frame.id.as_ref().and_then(|id| id.split('.').next()?.parse::<i64>().ok());
        events.extend(frame.event.is_some().then_some(frame));
        if reached >= Some(head) {
            return events;
        }
    }
}

/// What of the whole has to come from a position on, and what must be said first.
fn expected(whole: &[Frame], asked: &Asked, torrent: Option<TorrentId>, from: i64, floor: i64) -> Vec<Value> {
    let mut expected = Vec::new();
    if asked.wants_samples() && from < floor {
        expected.push(json!({ "from": from, "to": floor }));
    }
    let above = whole.iter().filter(|frame| frame.data["position"].as_i64() > Some(from));
    let kept =
        |frame: &&Frame| frame.data["version"].is_u64() || frame.data["position"].as_i64() > Some(floor);
    expected.extend(
        above.filter(kept).filter(|frame| asked.wants(frame, torrent)).map(|frame| frame.data.clone()),
    );
    expected
}

async fn replays_are_tails(steps: &[Step], asked: &[Asked]) {
    let world = World::with(bounds()).await;
    let torrents = story(&world, steps).await;
    let last = world.add(7).await;
    let head = world.sample(&[last]).await.0;
    let began = world.began.0;
    let log = world.application.log();
    let whole = replay(&world, "", &began.to_string(), head).await;
    let positions: BTreeSet<_> = whole.iter().map(|frame| frame.data["position"].as_i64()).collect();
    let recorded: Vec<Option<i64>> = sqlx::query_scalar(
        "SELECT position FROM events WHERE position > $1 UNION ALL SELECT position FROM samples ORDER BY position",
    )
    .bind(began)
    .fetch_all(log.pool())
    .await
    .expect("reads");
    assert!(positions.into_iter().eq(recorded), "the whole is whole");
    let is_dropped: bool =
        sqlx::query_scalar("SELECT drop_sample_partition(now())").fetch_one(log.pool()).await.expect("drops");
    let floor = log.samples_floor().await.expect("reads").0;
    assert_eq!(is_dropped, floor > 0);
    // Another process has nothing in memory: what it tells is read from the tables.
    let other = world.another(bounds()).await;
    for asked in asked {
        let from = began
            + i64::try_from(asked.from.index(usize::try_from(head - began).expect("grows") + 1))
                .expect("fits");
        let torrent = asked.torrent.filter(|_| !torrents.is_empty()).map(|index| *index.get(&torrents));
        let id = if asked.tagged { format!("{from}.{}", log.log_tag()) } else { from.to_string() };
        let query = asked.query(torrent);
        let came = replay(&other, &query, &id, head).await;
        let came: Vec<_> = came.into_iter().map(|frame| frame.data).collect();
        assert_eq!(came, expected(&whole, asked, torrent, from, floor), "{query} from {id}, floor {floor}");
        // The one that has all of it in memory tells no less, and says the same of what is not kept.
        let near = replay(&world, &query, &id, head).await;
        let missing: Vec<_> =
            came.iter().filter(|data| near.iter().all(|frame| frame.data != **data)).collect();
        assert!(missing.is_empty(), "{query} from {id}: {missing:?}");
    }
}

#[test]
fn replay_from_anywhere_is_the_tail_of_the_whole_and_of_long_ago_facts_alone() {
    let runtime = Runtime::new().expect("starts");
    let config = Config { cases: 6, failure_persistence: None, ..Config::default() };
    let stories = proptest::collection::vec(step(), 20..60);
    let questions = proptest::collection::vec(asked(), 20);
    TestRunner::new(config)
        .run(&(stories, questions), |(steps, asked)| {
            runtime.block_on(replays_are_tails(&steps, &asked));
            Ok(())
        })
        .expect("the law holds");
}
