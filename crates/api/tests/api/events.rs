//! The event stream: what comes, in which frames, and from where.

use revaer_domain::fsops::Step;
use revaer_domain::health::{HealthChanged, HealthState};
use revaer_domain::values::{JobId, TorrentId};
use revaer_event_log::{Append, Options, Position, StreamId};
use revaer_event_schema::{FsopsProgressSample, Metadata, PROGRESS_KIND, encode_health, pack_fsops_progress};
use revaer_wire::EventFrame;
use serde_json::json;
use ulid::Ulid;

use crate::stream::{Frame, Stream};
use crate::world::World;

/// A few torrents with a few facts each, samples between them, and a fact of another stream. Gives the head.
async fn story(world: &World) -> i64 {
    let mut head = 0;
    let one = world.add(1).await;
    let two = world.add(2).await;
    for round in 0..3 {
        for id in [one, two] {
            let action = if round % 2 == 0 { "pause" } else { "resume" };
            let done = world.post(&format!("/v1/torrents/{id}/action"), &json!({ "action": action })).await;
            head = done.position();
        }
        head = head.max(world.sample(&[one, two]).await.0);
    }
    let changed = HealthChanged {
        component: "engine".to_owned(),
        from: HealthState::Well,
        to: HealthState::Degraded,
        reason: String::new(),
    };
    let append = Append {
        stream: StreamId::new("health").expect("a stream"),
        expected: 0,
        facts: vec![encode_health(&changed, &Metadata::of_system("system", "test"))],
        command: None,
        claims: vec![],
        releases: vec![],
    };
    head.max(world.application.log().append(append).await.expect("appends").position.0)
}

/// Which frames a filter should let through.
type Wanted<'a> = Box<dyn Fn(&Frame) -> bool + 'a>;

fn ids(frames: &[Frame]) -> Vec<(String, String, String)> {
    let text = |frame: &Frame, name: &str| frame.data[name].to_string();
    frames.iter().map(|frame| (text(frame, "position"), text(frame, "kind"), text(frame, "stream"))).collect()
}

#[tokio::test]
async fn replay_from_any_id_is_the_tail_of_the_whole() {
    let world = World::new().await;
    let head = story(&world).await;
    let whole = Stream::open(&world, &world.since_start(""), None).await.through(head).await;
    assert_eq!(whole.len(), 2 + 6 + 6 + 1);
    for frame in &whole {
        let read: EventFrame = serde_json::from_value(frame.data.clone()).expect("the wire's form");
        assert_eq!(Some(read.kind), frame.event);
    }
    let tag = world.application.log().log_tag().to_owned();
    for position in world.began.0..head {
        let expected: Vec<_> =
            whole.iter().filter(|frame| frame.data["position"].as_i64() > Some(position)).cloned().collect();
        for id in [format!("{position}.{tag}"), position.to_string()] {
            let tail = Stream::open(&world, &world.since_start(""), Some(&id)).await.through(head).await;
            assert_eq!(tail, expected, "after {id}");
        }
    }
}

#[tokio::test]
async fn stream_reads_as_documented() {
    let world = World::new().await;
    let id = world.add(1).await;
    let tick = world.sample(&[id]).await;
    let mut stream = Stream::open(&world, &world.since_start(""), None).await;
    let mut text = String::new();
    loop {
        let frame = stream.frame().await.expect("goes on");
        text.push_str(&frame.text);
        text.push_str("\n\n");
        if frame.data["position"] == tick.0 {
            break;
        }
    }
    let recorded_at = between(&text, "\"recorded_at\":\"");
    let at = between(&text, "\"at\":\"");
    let request = between(&text, "\"correlation_id\":\"");
    let mut text = text.replace(&id.to_string(), "TORRENT").replace(world.application.log().log_tag(), "TAG");
    for (found, name) in [(recorded_at, "TIME"), (at, "TIME"), (request, "REQUEST")] {
        for found in found {
            text = text.replace(&found, name);
        }
    }
    insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("transcript", text);
    });
}

/// Every text between a mark and the next quote.
fn between(text: &str, mark: &str) -> Vec<String> {
    text.split(mark).skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect()
}

#[tokio::test]
async fn tick_has_its_id_on_the_last_frame_that_the_filter_lets_through() {
    let world = World::new().await;
    let (one, two) = (world.add(1).await, world.add(2).await);
    let tick = world.sample(&[one, two]).await;
    let has_id = |frames: &[Frame]| frames.iter().map(|frame| frame.id.is_some()).collect::<Vec<_>>();
    let both =
        Stream::open(&world, &world.since_start("&types=torrent.progress"), None).await.through(tick.0).await;
    assert_eq!(has_id(&both), [false, true]);
    assert_eq!((&both[0].data["version"], &both[0].data["actor"]), (&json!(null), &json!(null)));
    assert_eq!(both[0].data["data"]["download_bytes_per_second"], 8);
    let query = world.since_start(&format!("&types=torrent.progress&torrent={one}"));
    let first = Stream::open(&world, &query, None).await.through(tick.0).await;
    assert_eq!((has_id(&first), &first[0].data["stream"]), (vec![true], &json!(one.stream())));
}

#[tokio::test]
async fn filters_choose_kinds_torrents_and_samples() {
    let world = World::new().await;
    let head = story(&world).await;
    let whole = Stream::open(&world, &world.since_start(""), None).await.through(head).await;
    let one = format!("{:040x}", 1);
    let stream = whole[0].data["stream"].clone();
    let kind = |frame: &Frame, wanted: &str| frame.data["kind"] == wanted;
    let cases: Vec<(String, Wanted<'_>)> = vec![
        (
            "types=torrent.paused,health.*".to_owned(),
            Box::new(|frame| kind(frame, "torrent.paused") || kind(frame, "health.changed")),
        ),
        ("types=*.changed".to_owned(), Box::new(|frame| kind(frame, "health.changed"))),
        ("samples=false".to_owned(), Box::new(|frame| !kind(frame, "torrent.progress"))),
        (format!("torrent={one}"), Box::new(|frame| frame.data["stream"] == stream)),
        (
            format!("torrent={one}&types=torrent.progress"),
            Box::new(|frame| frame.data["stream"] == stream && kind(frame, "torrent.progress")),
        ),
        (
            format!("torrent={one}&types=torrent.*&samples=false"),
            Box::new(|frame| frame.data["stream"] == stream && !kind(frame, "torrent.progress")),
        ),
    ];
    for (filter, wanted) in &cases {
        let expected: Vec<_> = whole.iter().filter(|frame| wanted(frame)).cloned().collect();
        let last = expected.last().expect("something passes").data["position"].as_i64().expect("a position");
        let came =
            Stream::open(&world, &world.since_start(&format!("&{filter}")), None).await.through(last).await;
        assert_eq!(ids(&came), ids(&expected), "{filter}");
    }
}

/// A tick in which the job of a torrent came further.
async fn sample_job(world: &World, torrent: TorrentId) -> Position {
    let job = JobId::new(Ulid(7));
    let sample =
        FsopsProgressSample { torrent, job, step: Step::Transfer, done_bytes: 5, total_bytes: Some(10) };
    world.application.log().append_samples("test", pack_fsops_progress(&[sample])).await.expect("appends")
}

#[tokio::test]
async fn job_is_sampled_as_its_torrent_under_a_kind_of_its_own() {
    let world = World::new().await;
    let (one, two) = (world.add(1).await, world.add(2).await);
    sample_job(&world, two).await;
    let head = sample_job(&world, one).await.0;
    let filter = format!("torrent={one}&types=fsops.*");
    let frames =
        Stream::open(&world, &world.since_start(&format!("&{filter}")), None).await.through(head).await;
    let [frame] = frames.as_slice() else { panic!("{frames:?}") };
    assert_eq!(frame.event.as_deref(), Some("fsops.progress"));
    assert_eq!((&frame.data["stream"], &frame.data["version"]), (&json!(one.stream()), &json!(null)));
    let told = json!({ "job": "00000000000000000000000007", "step": "transfer", "done_bytes": 5, "total_bytes": 10 });
    assert_eq!(frame.data["data"], told);
}

#[tokio::test]
async fn stream_opens_with_an_id_and_begins_now() {
    let world = World::new().await;
    let before = world.add(1).await;
    let head = world.application.log().head().await.expect("reads");
    let mut stream = Stream::open(&world, "", None).await;
    let opening = stream.frame().await.expect("opens");
    assert_eq!(opening.text, format!("id: {head}.{}", world.application.log().log_tag()));
    let after = world.add(2).await;
    let first = stream.event().await;
    assert_eq!(first.data["stream"], after.stream().as_str());
    assert_ne!(first.data["stream"], before.stream().as_str());
}

#[tokio::test]
async fn position_of_another_log_is_reset_and_what_comes_follows() {
    let world = World::new().await;
    world.add(1).await;
    let head = world.application.log().head().await.expect("reads").0;
    let tag = world.application.log().log_tag().to_owned();
    let beyond = format!("{}.{tag}", head + 1);
    let resets = [
        (None, "0.zzzzzz"),
        (None, beyond.as_str()),
        (None, "99999999999999999999"),
        (Some("?after=999999"), ""),
    ];
    for (query, id) in resets {
        let mut stream = Stream::open(&world, query.unwrap_or_default(), Some(id)).await;
        assert_eq!(stream.frame().await.expect("opens").id, Some(format!("{head}.{tag}")), "{id}");
        let reset = stream.event().await;
        assert_eq!(
            (reset.event.as_deref(), &reset.data),
            (Some("reset"), &json!({"head": head, "log_id": tag})),
            "{id}"
        );
    }
    let mut stream = Stream::open(&world, "", Some("0.zzzzzz")).await;
    let added = world.add(2).await;
    assert_eq!(stream.event().await.event.as_deref(), Some("reset"));
    assert_eq!(stream.event().await.data["stream"], added.stream().as_str());
}

/// The followers in memory may trail what was just answered; that is no other log.
#[tokio::test]
async fn position_that_was_just_answered_is_never_reset() {
    let world = World::new().await;
    let id = world.add(1).await;
    for round in 0..50 {
        let action = if round % 2 == 0 { "pause" } else { "resume" };
        let done = world.post(&format!("/v1/torrents/{id}/action"), &json!({ "action": action })).await;
        let mut stream = Stream::open(&world, "", Some(&done.position().to_string())).await;
        assert_eq!(stream.frame().await.expect("opens").event, None);
        let next = world.sample(&[id]).await;
        assert_eq!(stream.event().await.data["position"], next.0);
    }
}

#[tokio::test]
async fn samples_that_are_no_longer_kept_are_told_once() {
    let world = World::new().await;
    let id = world.add(1).await;
    let head = world.sample(&[id]).await.0;
    sqlx::query("UPDATE log_meta SET samples_floor = $1")
        .bind(head)
        .execute(world.application.log().pool())
        .await
        .expect("updates");
    let mut stream = Stream::open(&world, &world.since_start(""), None).await;
    let gap = stream.event().await;
    assert_eq!(
        (gap.event.as_deref(), &gap.data),
        (Some("samples-gap"), &json!({"from": world.began.0, "to": head}))
    );
    assert_eq!(stream.event().await.event.as_deref(), Some("torrent.added"));
    for query in [
        &world.since_start("&samples=false"),
        &world.since_start("&types=torrent.added"),
        &format!("?after={head}"),
    ] {
        let mut stream = Stream::open(&world, query, None).await;
        world.add(head.unsigned_abs() + query.len() as u64).await;
        assert_eq!(stream.event().await.event.as_deref(), Some("torrent.added"), "{query}");
    }
}

/// They are read in another way, by whoever wants no samples or comes from where none are kept.
#[tokio::test]
async fn facts_of_long_ago_are_the_same_bytes_as_any_others() {
    let world = World::with_log(Options { ring_entries_max: 1, page_max: 4, ..Options::default() }).await;
    let head = story(&world).await;
    let mut facts = Stream::open(&world, &world.since_start(""), None).await.through(head).await;
    facts.retain(|frame| frame.event.as_deref() != Some(PROGRESS_KIND));
    assert_eq!(facts.len(), 2 + 6 + 1);
    let far = Stream::open(&world, &world.since_start("&samples=false"), None).await.through(head).await;
    assert_eq!(far, facts);
    let paused: Vec<_> =
        facts.iter().filter(|frame| frame.event.as_deref() == Some("torrent.paused")).cloned().collect();
    let last = paused.last().and_then(|frame| frame.data["position"].as_i64()).expect("some were paused");
    let query = world.since_start("&samples=false&types=*.paused");
    assert_eq!(Stream::open(&world, &query, None).await.through(last).await, paused);

    sqlx::query("UPDATE log_meta SET samples_floor = $1")
        .bind(head)
        .execute(world.application.log().pool())
        .await
        .expect("updates");
    let mut unkept = Stream::open(&world, &world.since_start(""), None).await;
    assert_eq!(unkept.event().await.event.as_deref(), Some("samples-gap"));
    assert_eq!(unkept.through(head).await, facts);
    let next = world.sample(&[world.add(9).await]).await.0;
    let after = unkept.through(next).await;
    assert_eq!(after.last().and_then(|frame| frame.event.as_deref()), Some(PROGRESS_KIND));
}

#[tokio::test]
async fn two_hundred_clients_get_the_same() {
    let world = World::new().await;
    let mut clients = Vec::new();
    for _ in 0..200 {
        clients.push(Stream::open(&world, &world.since_start(""), None).await);
    }
    let head = story(&world).await;
    let whole = Stream::open(&world, &world.since_start(""), None).await.through(head).await;
    for client in &mut clients {
        assert_eq!(client.through(head).await, whole);
    }
}

/// However many clients there are, an entry is written once: what the second is served is what was written for the first.
#[tokio::test]
async fn entries_are_written_once_for_all_clients() {
    let world = World::new().await;
    let id = world.add(1).await;
    let tick = world.sample(&[id]).await.0;
    Stream::open(&world, &world.since_start(""), None).await.through(tick).await;
    let mut entries = world.application.log().subscribe(world.began);
    let mut written = Vec::new();
    while written.len() < 2 {
        written.extend(entries.next().await);
    }
    let memos: Vec<_> = written.iter().map(|entry| entry.memo.get().expect("was written").clone()).collect();
    let again = Stream::open(&world, &world.since_start(""), None).await.through(tick).await;
    let texts: Vec<_> = again.iter().map(|frame| format!("{}\n\n", frame.text)).collect();
    assert_eq!(texts, memos);
}
