//! The hot statements stay cheap however long the log is and whoever reads it: no sequential scan and no sort with plans made
//! in advance, and no row that grows old versions.

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::support::TestLog;

/// As if the log were long: enough rows that a sequential scan would be the worse plan.
const FILL: &str = "
    SET revaer.appending = 'yes';
    INSERT INTO events
    SELECT n * 2, 'torrent-' || n % 500, n / 500 + 1, now(), NULL, 1, 'test.happened', '{}', '{}'
    FROM generate_series(0, 20000) AS n;
    INSERT INTO samples SELECT n * 2 + 1, now(), 'node', '\\x00' FROM generate_series(0, 20000) AS n;
    INSERT INTO commands SELECT gen_random_uuid(), '\\x00', 0, 0, 0, 's', 0, NULL, now() FROM generate_series(0, 20000);
    INSERT INTO claims SELECT md5(n::text), 's' FROM generate_series(0, 20000) AS n;
    RESET revaer.appending;
    ANALYZE;
    SELECT setval('log_positions', 40001);
    SET plan_cache_mode = force_generic_plan;";

#[tokio::test]
async fn hot_statements_neither_scan_nor_sort() {
    let test = TestLog::start().await;
    let mut connection = PgConnection::connect_with(&test.database.connect_options()).await.unwrap();
    sqlx::raw_sql(FILL).execute(&mut connection).await.unwrap();
    let statements = [
        ("hot_all", include_str!("../../src/sql/read_all.sql"), "0, 1000"),
        ("hot_facts", include_str!("../../src/sql/read_facts.sql"), "0, 1000"),
        (
            "stream",
            include_str!("../../src/sql/read_stream.sql"),
            "'torrent-7', 0, 9000000000000000000, 1000",
        ),
        ("hot_head", include_str!("../../src/sql/head.sql"), ""),
    ];
    for (name, statement, values) in statements {
        let prepare = format!("PREPARE {name} AS {statement}");
        sqlx::raw_sql(AssertSqlSafe(prepare)).execute(&mut connection).await.unwrap();
        let execute = if values.is_empty() { name.to_owned() } else { format!("{name} ({values})") };
        let plan = explain(&mut connection, &execute).await;
        assert!(plan.contains("Index"), "{name}:\n{plan}");
        for line in plan.lines() {
            // One row each, and nothing else, may be scanned; `Sort Key` belongs to a merge of what is sorted already.
            let scans = line.contains("Seq Scan") && !line.contains("log_meta");
            let sorts =
                line.trim_start_matches([' ', '-', '>']).starts_with("Sort ") && !line.contains("Sort Key");
            let sorts = sorts || line.contains("Incremental Sort");
            assert!(!scans && !sorts, "{name}:\n{plan}");
        }
    }
}

/// A row that each append updated would leave a version behind for as long as anybody holds an old snapshot, and each append
/// would walk past all of them.
#[tokio::test]
async fn append_updates_no_row_so_that_an_open_snapshot_costs_it_nothing() {
    let test = TestLog::start().await;
    let mut transaction = test.pool.begin().await.unwrap();
    // PostgreSQL reports once a second at most: what earlier transactions of this connection did may be counted still.
    let (inserted_before, changed_before) = touched(&mut transaction).await;
    for number in 0..100 {
        let name = format!("s{number}");
        sqlx::query(crate::oracle::RAW_APPEND).bind(name).execute(&mut *transaction).await.unwrap();
    }
    let (inserted, changed) = touched(&mut transaction).await;
    let (inserted, changed) = (inserted - inserted_before, changed - changed_before);
    assert!(inserted >= 100, "{inserted}");
    assert!(changed <= 1, "the ceiling is raised once in 100,000 positions, and nothing else: {changed}");
}

/// What a plan made in advance would do to each append of a log that is long.
#[tokio::test]
async fn append_scans_no_table() {
    let test = TestLog::start().await;
    let mut connection = PgConnection::connect_with(&test.database.connect_options()).await.unwrap();
    sqlx::raw_sql(FILL).execute(&mut connection).await.unwrap();
    let scans = "SELECT coalesce(sum(seq_scan), 0)::bigint FROM pg_stat_xact_user_tables
                 WHERE relname IN ('events', 'commands', 'claims')";
    let mut transaction = connection.begin().await.unwrap();
    let before: i64 = sqlx::query_scalar(scans).fetch_one(&mut *transaction).await.unwrap();
    for (number, checked) in [false, true].repeat(20).into_iter().enumerate() {
        // Also what is remembered, claimed and released.
        let append = format!(
            "SELECT FROM append({checked}, '{{s{number}}}', '{{0}}', '{{1}}', '{{0}}', ARRAY[gen_random_uuid()], '{{1}}', \
             '{{1}}', '{{1}}', '{{1}}', '{{test.happened}}', '{{0}}', '{{0}}', '{{1}}', '{{x}}', '{{NULL}}', \
             '{{1}}', '{{h{number}}}', '{{1}}', '{{h}}')"
        );
        sqlx::raw_sql(AssertSqlSafe(append)).execute(&mut *transaction).await.unwrap();
    }
    let after: i64 = sqlx::query_scalar(scans).fetch_one(&mut *transaction).await.unwrap();
    assert_eq!(after - before, 0);
}

/// Rows that this connection inserted, and those that it updated or deleted, as far as it has not reported them.
async fn touched(connection: &mut PgConnection) -> (i64, i64) {
    sqlx::query_as(
        "SELECT sum(n_tup_ins)::bigint, sum(n_tup_upd + n_tup_del)::bigint FROM pg_stat_xact_user_tables",
    )
    .fetch_one(connection)
    .await
    .unwrap()
}

async fn explain(connection: &mut PgConnection, execute: &str) -> String {
    let statement = format!("EXPLAIN EXECUTE {execute}");
    let rows = sqlx::raw_sql(AssertSqlSafe(statement)).fetch_all(connection).await.unwrap();
    let lines: Vec<String> = rows.iter().map(|row| sqlx::Row::get(row, 0)).collect();
    lines.join("\n")
}
