//! A replay from anywhere is the tail of the whole, and of what is long ago the facts alone.

use super::*;

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
        self.types.is_empty() || self.types.iter().any(fits)
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
