//! A dump and its way back: every row that is nowhere else, of one moment, into an empty database, as another log.

use std::collections::BTreeMap;

use futures::TryStreamExt;
use revaer_event_log::{Dump, Load, LoadError, Position, migrate};
use revaer_test_support::TestDatabase;
use sqlx::{AssertSqlSafe, PgPool};

use crate::support::{Running, TestLog, append, commanded, count, recorded_positions};

/// A log with something in every kind of place.
async fn filled() -> TestLog {
    let test = TestLog::start().await;
    for version in 0..50 {
        test.log.append(append("s", version, 1)).await.unwrap();
        test.log.append_samples("node", vec![0, 255, b'\\']).await.unwrap();
    }
    let mut claiming = commanded("t", 0, 2, 7);
    claiming.claims = vec!["aa".to_owned()];
    test.log.append(claiming).await.unwrap();
    let others = "
        SELECT make_sample_partition(now() - interval '5 hours');
        SET revaer.appending = 'yes';
        INSERT INTO samples SELECT take_positions(1) + 1, now() - interval '5 hours', 'long ago', '\\x00';
        RESET revaer.appending;
        INSERT INTO metainfo VALUES ('aa', decode(repeat('00ff5c0a', 5000), 'hex'));
        INSERT INTO file_lists VALUES ('x', '[{\"path\": \"tab\\tand\\nline\"}]');
        INSERT INTO session_state VALUES ('local', now(), '\\x01')";
    sqlx::raw_sql(others).execute(&test.pool).await.unwrap();
    test
}

/// The rows of each table, as they are written.
async fn written(dump: &mut Dump) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for table in dump.moment().tables.clone() {
        let pieces: Vec<_> = dump.rows(&table).await.unwrap().try_collect().await.unwrap();
        all.insert(table.name, pieces.concat());
    }
    all
}

async fn load(pool: &PgPool, from: &Dump, rows: &BTreeMap<String, Vec<u8>>) -> Result<String, LoadError> {
    let moment = from.moment();
    let mut load = Load::begin(pool, moment.schema_version, &moment.sample_hours).await?;
    for table in &moment.tables {
        let mut filling = load.rows(table).await?;
        // Pieces may end anywhere.
        for piece in rows[&table.name].chunks(1000) {
            filling.send(piece).await?;
        }
        filling.end().await?;
    }
    load.end().await
}

#[tokio::test]
async fn dump_comes_back_row_for_row_as_another_log() {
    let test = filled().await;
    let mut dump = test.log.dump().await.unwrap();
    // What comes after the moment is not in it.
    test.log.append(append("later", 0, 1)).await.unwrap();
    let rows = written(&mut dump).await;
    assert!(
        rows.contains_key("commands") && !rows.contains_key("checkpoints") && !rows.contains_key("log_head")
    );

    let database = TestDatabase::create().await;
    let pool = database.pool().await;
    let tag = load(&pool, &dump, &rows).await.unwrap();
    let running = Running::start(pool.clone(), revaer_event_log::Options::default()).await;
    assert_eq!(running.log.log_tag(), tag);
    assert_ne!(tag, test.log.log_tag());
    let mut again = running.log.dump().await.unwrap();
    let mut back = written(&mut again).await;
    let (meta, meta_back) = (&rows["log_meta"], back.insert("log_meta".to_owned(), rows["log_meta"].clone()));
    assert_ne!(Some(meta), meta_back.as_ref(), "another log");
    assert_eq!(back, rows);
    assert_eq!(again.moment().head, dump.moment().head);

    // It goes on where nobody has been, refuses what it always refused, and remembers what it was asked.
    let next = running.log.append(append("s", 50, 1)).await.unwrap();
    assert!(next.position > test.log.head().await.unwrap(), "above what the first gave out since");
    assert!(running.log.append(commanded("t", 0, 2, 7)).await.is_err(), "a repeat is known");
    sqlx::query("DELETE FROM events").execute(&pool).await.expect_err("append-only");
    let mut findings = Vec::new();
    running.log.verify(&mut |finding| findings.push(finding.to_string())).await.unwrap();
    assert!(findings.is_empty(), "{findings:?}");
}

#[tokio::test]
async fn dump_of_an_older_schema_is_migrated_and_one_of_a_newer_refused() {
    let test = filled().await;
    let mut dump = test.log.dump().await.unwrap();
    let rows = written(&mut dump).await;
    let database = TestDatabase::create().await;
    let pool = database.pool().await;
    let newer = Load::begin(&pool, 9999, &[]).await.err();
    assert!(matches!(newer, Some(LoadError::NewerSchema { found: 9999, .. })), "{newer:?}");

    // As the first release would have written it: without what came later.
    let mut load = Load::begin(&pool, 6, &dump.moment().sample_hours).await.unwrap();
    for table in &dump.moment().tables {
        match load.rows(table).await {
            Ok(mut filling) => {
                filling.send(&rows[&table.name]).await.unwrap();
                filling.end().await.unwrap();
            }
            Err(LoadError::UnknownTable(name)) => assert_ne!(name, "events"),
            Err(error) => panic!("{error}"),
        }
    }
    load.end().await.unwrap();
    migrate(&pool).await.expect("is up to date");
    assert_eq!(recorded_positions(&pool).await, recorded_positions(&test.pool).await);
}

#[tokio::test]
async fn dump_that_is_not_loaded_to_its_end_leaves_nothing_and_none_is_loaded_over_a_log() {
    let test = filled().await;
    let mut dump = test.log.dump().await.unwrap();
    let rows = written(&mut dump).await;
    let database = TestDatabase::create().await;
    let pool = database.pool().await;
    let mut given_up = Load::begin(&pool, dump.moment().schema_version, &[]).await.unwrap();
    let events = dump.moment().tables.iter().find(|table| table.name == "events").unwrap();
    let mut filling = given_up.rows(events).await.unwrap();
    filling.send(&rows["events"]).await.unwrap();
    filling.end().await.unwrap();
    drop(given_up);
    assert_eq!(count(&pool, "events").await, 0);

    load(&pool, &dump, &rows).await.expect("the attempt before is in nobody's way");
    assert!(matches!(load(&pool, &dump, &rows).await, Err(LoadError::NotEmpty)));
    assert!(matches!(load(&test.pool, &dump, &rows).await, Err(LoadError::NotEmpty)));
}

/// A sequence of another table would have to be set again, too.
#[tokio::test]
async fn positions_are_the_only_numbers_that_are_counted() {
    let test = TestLog::start().await;
    let sequences =
        "SELECT relname::text FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace";
    let sequences: Vec<String> =
        sqlx::query_scalar(AssertSqlSafe(sequences)).fetch_all(&test.pool).await.unwrap();
    assert_eq!(sequences, ["log_positions"]);
    assert_eq!(test.log.head().await.unwrap(), Position::ZERO);
}
