//! Exactly once, by one writer, and the same again when built anew.

use std::borrow::Cow;

use crate::common::{BOUND, World, added, assert_same, discovered, id};
use revaer_domain::torrent::{Failure, Removed, TorrentEvent, Totals};
use revaer_event_log::{EventLog, NewFact, Options};
use revaer_projections::{Error, PROJECTIONS, ProjectionHealth, Projector, rebuild};

pub(crate) async fn lives(world: &World, numbers: std::ops::Range<u64>) {
    for number in numbers {
        let name = format!("Torrent {number}");
        world.store_files(id(number), &["x/a.mkv", "x/b.srt"]).await;
        world.tell(id(number), 0, &[TorrentEvent::Added(Box::new(added(number, &name)))]).await;
        let events = [
            discovered(number, &name, 20, 2),
            TorrentEvent::CountersRecorded(Totals { wanted_done_bytes: number, ..Totals::default() }),
            TorrentEvent::Failed(Failure { code: "disk_full".into(), detail: "no space".into() }),
            TorrentEvent::Recovered,
            TorrentEvent::Paused,
        ];
        world.tell(id(number), 1, &events).await;
        if number % 4 == 0 {
            world
                .tell(id(number), 6, &[TorrentEvent::Removed(Removed { data_deleted: true, left: vec![] })])
                .await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rebuilt_rows_equal_lived_ones_while_facts_keep_coming() {
    let world = World::new().await;
    let (projections, _) = world.project().await;
    lives(&world, 0..30).await;
    assert!(projections.wait_for(world.log.head().await.unwrap(), BOUND).await);
    let lived = world.rows().await;
    assert_eq!(lived.len(), 3 * 22 + 30 * 6 + 8, "three rows a torrent that is there, one a fact");
    for name in PROJECTIONS {
        rebuild(&world.log, name).await.expect("rebuilds");
    }
    assert_same(&world.rows().await, &lived);

    // A page of few large facts is short and not the last one.
    let options = Options { page_bytes_max: 1, ..Options::default() };
    let (few_at_once, _runner) = EventLog::open(world.log.pool().clone(), options).await.unwrap();
    for name in PROJECTIONS {
        rebuild(&few_at_once, name).await.expect("rebuilds");
    }
    assert_same(&world.rows().await, &lived);

    // Swaps under writes: what the followed generation ends with is what one built at rest ends with.
    let writing = lives(&world, 30..60);
    let rebuilding = async {
        for _ in 0..3 {
            for name in PROJECTIONS {
                rebuild(&world.log, name).await.expect("rebuilds");
            }
        }
    };
    tokio::join!(writing, rebuilding);
    assert!(projections.wait_for(world.log.head().await.unwrap(), BOUND).await);
    let lived = world.rows().await;
    assert_eq!(lived.len(), 3 * 45 + 60 * 6 + 15);
    for name in PROJECTIONS {
        rebuild(&world.log, name).await.expect("rebuilds");
    }
    assert_same(&world.rows().await, &lived);
    assert!(matches!(rebuild(&world.log, "nothing").await, Err(Error::Unknown(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_version_of_the_definition_is_built_again_at_open() {
    let world = World::new().await;
    let (projections, shutdown) = world.project().await;
    lives(&world, 0..3).await;
    assert!(projections.wait_for(world.log.head().await.unwrap(), BOUND).await);
    let lived = world.rows().await;
    shutdown.cancel();
    let pool = world.log.pool();
    sqlx::query("UPDATE torrents.definition SET version = version - 1").execute(pool).await.unwrap();
    sqlx::query("UPDATE torrents.torrent SET name = 'of an older fold'").execute(pool).await.unwrap();

    let (projections, _) = world.project().await;
    assert!(projections.wait_for(world.log.head().await.unwrap(), BOUND).await);
    assert_same(&world.rows().await, &lived);
}

#[tokio::test(flavor = "multi_thread")]
async fn build_whose_builder_was_killed_is_begun_again_when_its_lease_has_ended() {
    let world = World::new().await;
    let (projections, shutdown) = world.project().await;
    lives(&world, 0..3).await;
    assert!(projections.wait_for(world.log.head().await.unwrap(), BOUND).await);
    let lived = world.rows().await;
    shutdown.cancel();
    let left_behind = "
        UPDATE torrents.definition SET version = version - 1;
        CREATE SCHEMA torrents_g99;
        INSERT INTO checkpoints (projection, generation, epoch, owner, lease_until, status)
        VALUES ('torrents', 99, 1, 'killed', clock_timestamp() + interval '1 s', 'building')";
    sqlx::raw_sql(left_behind).execute(world.log.pool()).await.unwrap();
    assert!(matches!(rebuild(&world.log, "torrents").await, Err(Error::Rebuilding("torrents"))));

    let (projections, _) = world.project().await;
    assert!(projections.wait_for(world.log.head().await.unwrap(), BOUND).await);
    assert_same(&world.rows().await, &lived);
    let left: bool = sqlx::query_scalar("SELECT to_regnamespace('torrents_g99') IS NOT NULL")
        .fetch_one(world.log.pool())
        .await
        .unwrap();
    assert!(!left, "what it had built is dropped");
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_start_together_with_a_new_definition_all_come_up() {
    let world = World::new().await;
    let (projections, shutdown) = world.project().await;
    lives(&world, 0..20).await;
    assert!(projections.wait_for(world.log.head().await.unwrap(), BOUND).await);
    shutdown.cancel();
    let outdated =
        "UPDATE torrents.definition SET version = 0; UPDATE torrent_files.definition SET version = 0";
    sqlx::raw_sql(outdated).execute(world.log.pool()).await.unwrap();
    let opened = tokio::join!(world.project(), world.project(), world.project());
    for (projections, _) in [opened.0, opened.1, opened.2] {
        assert!(projections.wait_for(world.log.head().await.unwrap(), BOUND).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_projectors_one_writes_and_both_know_how_far() {
    let world = World::new().await;
    // Counts every write of a row: a fact that two projectors wrote would be there twice.
    let (first, first_shutdown) = world.project().await;
    let pool = world.log.pool();
    sqlx::raw_sql(
        "CREATE TABLE written (id text, version bigint);
         CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
           $$ BEGIN INSERT INTO public.written VALUES (NEW.id, NEW.version); RETURN NEW; END $$;
         CREATE TRIGGER note AFTER INSERT OR UPDATE ON torrents.torrent FOR EACH ROW EXECUTE FUNCTION note();",
    )
    .execute(pool)
    .await
    .unwrap();
    let (second, _) = world.project().await;
    lives(&world, 1..20).await;
    let head = world.log.head().await.unwrap();
    assert!(first.wait_for(head, BOUND).await);
    assert!(second.wait_for(head, BOUND).await);
    // The one that runs may be ended at any moment: the other goes on from the checkpoint.
    first_shutdown.cancel();
    lives(&world, 20..30).await;
    assert!(second.wait_for(world.log.head().await.unwrap(), BOUND).await);
    let repeated: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM (SELECT FROM written GROUP BY id, version HAVING count(*) > 1) AS twice",
    )
    .fetch_one(pool)
    .await
    .unwrap();
    assert_eq!(repeated, 0);
    let written: i64 =
        sqlx::query_scalar("SELECT count(DISTINCT id) FROM written").fetch_one(pool).await.unwrap();
    assert!(written >= 22, "{written}");
}

#[tokio::test(flavor = "multi_thread")]
async fn projector_that_is_killed_is_succeeded_within_seconds_by_the_one_that_stands_by() {
    let world = World::new().await;
    let (standing_by, _) = world.project().await;
    // One that has just started takes over at once, so the first stands by from now on.
    let (log, runner) = world.another_log().await;
    let (projections, projector) = Projector::open(log).await.expect("opens");
    let following = tokio::spawn(runner.run(world.shutdown.child_token()));
    let running = tokio::spawn(projector.run(world.shutdown.child_token()));
    lives(&world, 1..4).await;
    assert!(projections.wait_for(world.log.head().await.unwrap(), BOUND).await);
    // Like a process that is killed: its lease stays.
    running.abort();
    following.abort();
    let _ = tokio::join!(running, following);
    lives(&world, 5..8).await;
    assert!(standing_by.wait_for(world.log.head().await.unwrap(), BOUND).await);
    let lived = world.rows().await;
    // Three rows of each torrent, and one of each of its six facts.
    assert_eq!(lived.len(), 6 * (3 + 6));
    for name in PROJECTIONS {
        rebuild(&world.log, name).await.expect("rebuilds");
    }
    assert_same(&world.rows().await, &lived);
}

#[tokio::test(flavor = "multi_thread")]
async fn crash_between_batches_repeats_and_loses_nothing() {
    let world = World::new().await;
    for round in 0..4 {
        // A process of its own has connections of its own, and they end with it.
        let (log, runner) = world.another_log().await;
        let (_projections, projector) = Projector::open(log).await.expect("opens");
        let following = tokio::spawn(runner.run(world.shutdown.child_token()));
        let running = tokio::spawn(projector.run(world.shutdown.child_token()));
        lives(&world, round * 10..round * 10 + 10).await;
        // Dropped wherever it is, like a process that is killed: its lease stays.
        running.abort();
        following.abort();
        let _ = tokio::join!(running, following);
    }
    let (projections, _) = world.project().await;
    assert!(projections.wait_for(world.log.head().await.unwrap(), BOUND).await);
    let lived = world.rows().await;
    for name in PROJECTIONS {
        rebuild(&world.log, name).await.expect("rebuilds");
    }
    assert_same(&world.rows().await, &lived);
}

#[tokio::test(flavor = "multi_thread")]
async fn fact_that_is_not_understood_halts_and_is_reported() {
    let world = World::new().await;
    let (projections, _) = world.project().await;
    let before = world.tell(id(1), 0, &[TorrentEvent::Added(Box::new(added(1, "one")))]).await;
    let poison = NewFact {
        kind: Cow::Borrowed("torrent.levitated"),
        schema_version: 1,
        data: "{}".into(),
        meta: "{}".into(),
    };
    let poisoned = world.append(id(1), 1, vec![poison]).await;
    let after = world.tell(id(2), 0, &[TorrentEvent::Added(Box::new(added(2, "two")))]).await;

    let mut health = projections.health();
    let halted = health.wait_for(|health| {
        PROJECTIONS.iter().all(|name| {
        matches!(health.0.get(name), Some(ProjectionHealth::Halted { position, .. }) if *position == poisoned)
    })
    });
    tokio::time::timeout(BOUND, halted).await.expect("halts in time").expect("runs");
    assert!(projections.wait_for(before, BOUND).await);
    let stands: Vec<_> = projections.positions().collect();
    assert_eq!(stands, PROJECTIONS.map(|name| (name, before)), "just before it");
    assert!(!projections.wait_for(after, std::time::Duration::from_millis(50)).await);
    assert!(projections.torrent(id(1)).await.unwrap().is_some(), "the old rows are served");
    assert!(projections.torrent(id(2)).await.unwrap().is_none());
    let reason: Option<String> =
        sqlx::query_scalar("SELECT error FROM checkpoints WHERE projection = 'torrents' AND status = 'live'")
            .fetch_one(world.log.pool())
            .await
            .unwrap();
    assert!(reason.expect("a reason").contains("torrent.levitated"));
    assert!(matches!(rebuild(&world.log, "torrents").await, Err(Error::Poisoned { .. })));
}
