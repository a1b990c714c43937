//! Who did what: every filter alone and together, in pages that join, found by an index each.

use revaer_domain::torrent::TorrentEvent;
use revaer_event_log::Position;
use revaer_event_schema::{Metadata, encode_torrent};
use revaer_projections::{AuditQuery, Projections};
use rstest::rstest;
use sqlx::AssertSqlSafe;

use crate::common::{BOUND, World, added, id};

async fn by(world: &World, number: u64, version: u32, actor: &str, event: TorrentEvent) -> Position {
    let metadata = Metadata::of_system(actor, "test");
    world.append(id(number), version, vec![encode_torrent(&event, &metadata)]).await
}

/// Two torrents, two people, and the session between them.
async fn told() -> (World, Projections, Vec<Position>) {
    let world = World::new().await;
    let (projections, _) = world.project().await;
    let add = |number| TorrentEvent::Added(Box::new(added(number, "name")));
    let positions = vec![
        by(&world, 1, 0, "key ada", add(1)).await,
        by(&world, 2, 0, "key ben", add(2)).await,
        by(&world, 1, 1, "engine", TorrentEvent::Recovered).await,
        by(&world, 1, 2, "key ben", TorrentEvent::Paused).await,
        by(&world, 1, 3, "system:limits", TorrentEvent::Resumed).await,
        by(&world, 2, 1, "key ada", TorrentEvent::Paused).await,
    ];
    assert!(projections.wait_for(*positions.last().unwrap(), BOUND).await);
    (world, projections, positions)
}

#[rstest]
#[case::people_alone(AuditQuery::default(), &[5, 3, 1, 0])]
#[case::one_of_them(AuditQuery { actor: Some("key ada".into()), ..AuditQuery::default() }, &[5, 0])]
#[case::the_session(AuditQuery { actor: Some("engine".into()), ..AuditQuery::default() }, &[2])]
#[case::the_service(AuditQuery { actor: Some("system*".into()), ..AuditQuery::default() }, &[4])]
#[case::everybody(AuditQuery { actor: Some("*".into()), ..AuditQuery::default() }, &[5, 4, 3, 2, 1, 0])]
#[case::nobody(AuditQuery { actor: Some("key".into()), ..AuditQuery::default() }, &[])]
#[case::to_one(AuditQuery { subject: Some(id(2).stream()), ..AuditQuery::default() }, &[5, 1])]
#[case::a_kind(AuditQuery { kinds: vec!["torrent.paused".into()], ..AuditQuery::default() }, &[5, 3])]
#[case::kinds(
    AuditQuery { kinds: vec!["torrent.paused".into(), "torrent.added".into()], ..AuditQuery::default() },
    &[5, 3, 1, 0]
)]
#[case::together(
    AuditQuery {
        actor: Some("key ben".into()),
        subject: Some(id(1).stream()),
        kinds: vec!["torrent.paused".into()],
        ..AuditQuery::default()
    },
    &[3]
)]
#[tokio::test(flavor = "multi_thread")]
async fn every_filter_finds_what_it_names(#[case] query: AuditQuery, #[case] expected: &[usize]) {
    let (_world, projections, positions) = told().await;
    let found = projections.audit(&AuditQuery { limit: 1000, ..query }).await.unwrap();
    let found: Vec<_> = found.items.iter().map(|fact| fact.position).collect();
    let expected: Vec<_> = expected.iter().map(|place| positions[*place]).collect();
    assert_eq!(found, expected, "newest first");
}

#[tokio::test(flavor = "multi_thread")]
async fn times_bound_what_is_found_and_the_fact_comes_whole() {
    let (_world, projections, positions) = told().await;
    let all = projections.audit(&AuditQuery { limit: 1000, ..AuditQuery::default() }).await.unwrap().items;
    let third = all[1].recorded_at;
    let since = AuditQuery { since: Some(third), limit: 10, ..AuditQuery::default() };
    let until = AuditQuery { until: Some(third), limit: 10, ..AuditQuery::default() };
    let (since, until) =
        (projections.audit(&since).await.unwrap().items, projections.audit(&until).await.unwrap().items);
    assert!(since.iter().all(|fact| fact.recorded_at >= third) && since.contains(&all[1]));
    assert!(until.iter().all(|fact| fact.recorded_at < third));
    assert_eq!(since.len() + until.len(), all.len());
    assert_eq!(
        (all[1].position, all[1].kind.as_str(), all[1].data.as_str()),
        (positions[3], "torrent.paused", "{}")
    );
    assert!(all[1].meta.contains("key ben"));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_join_without_gap_or_repeat_while_more_is_recorded() {
    let (world, projections, positions) = told().await;
    let mut query = AuditQuery { limit: 1, ..AuditQuery::default() };
    let mut found = Vec::new();
    loop {
        let page = projections.audit(&query).await.unwrap();
        found.extend(page.items.iter().map(|fact| fact.position));
        let version = u32::try_from(found.len()).unwrap();
        let newest = by(&world, 3, version - 1, "key ada", TorrentEvent::Paused).await;
        assert!(projections.wait_for(newest, BOUND).await);
        match page.next {
            Some(before) => query.before = Some(before),
            None => break,
        }
    }
    assert_eq!(found, [5, 3, 1, 0].map(|place| positions[place]));
}

/// Every filter has an index, which the planner takes where little of a large log matches.
#[rstest]
#[case::nothing("WHERE NOT of_system", "entry_of_people")]
#[case::actor("WHERE actor = 'key 7'", "entry_by_actor")]
#[case::kind("WHERE NOT of_system AND kind = 'kind.3'", "entry_by_kind")]
#[case::subject("WHERE NOT of_system AND subject = 'torrent-7'", "entry_by_subject")]
#[tokio::test(flavor = "multi_thread")]
async fn every_filter_is_served_by_an_index(#[case] filter: &str, #[case] index: &str) {
    let (world, ..) = told().await;
    let mut connection = world.log.pool().acquire().await.unwrap();
    sqlx::raw_sql(
        "INSERT INTO audit.entry SELECT 1000 + n, now() + n * interval '1 s', 'key ' || n % 500, 'kind.' || n % 500,
             'torrent-' || n % 500, n % 10 = 0 FROM generate_series(1, 20000) AS n;
         ANALYZE audit.entry",
    )
    .execute(&mut *connection)
    .await
    .unwrap();
    let statement = format!(
        "EXPLAIN (COSTS OFF) SELECT position FROM audit.entry {filter} ORDER BY position DESC LIMIT 51"
    );
    let plan: Vec<String> =
        sqlx::query_scalar(AssertSqlSafe(statement)).fetch_all(&mut *connection).await.unwrap();
    let plan = plan.join("\n");
    assert!(plan.contains(index) && !plan.contains("Seq Scan"), "{plan}");
}
