//! Laws of reading, for whatever chance does: a list and what follows it are the present, and (in `replay`) a replay from
//! anywhere is the tail of the whole.
//!
//! The client of these tests is a few lines that trust the documented contract and nothing else: ids, versions, positions.

mod replay;

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

/// Bounds with which a stream soon says how far it has looked, whatever its filter holds back, and that nobody here reaches.
fn bounds() -> Limits {
    let key_rate = RequestLimit::new(1_000_000, 1_000_000).expect("is a limit");
    Limits { sse_heartbeat: Duration::from_millis(20), key_rate, ..Limits::default() }
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
