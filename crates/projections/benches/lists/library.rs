//! A library of torrents in a database of its own, and the read models over it.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use revaer_event_log::{EventLog, Options, migrate};
use revaer_projections::{Projections, Projector, Sort, TorrentQuery};
use revaer_test_support::TestDatabase;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgPool};
use time::OffsetDateTime;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::queries::{Case, Cursor};

/// A library that is filled, and read from.
pub(crate) struct Library {
    projections: Projections,
    /// How long it took to fill.
    pub(crate) filled: Duration,
    /// How long it took until the index was there, and by how much the process grew; `None` if the rows are read.
    pub(crate) indexed: Option<(Duration, u64)>,
    /// The key and the id in the middle of each order.
    middles: [(Sort, Value, String); 4],
    _running: DropGuard,
    _database: TestDatabase,
}

impl Library {
    /// Fills one.
    pub(crate) async fn fill(rows: u64, from_rows: bool) -> Self {
        let database = TestDatabase::create().await;
        let pool = database.pool().await;
        migrate(&pool).await.expect("the schema of the log is made");
        let (log, runner) = EventLog::open(pool.clone(), Options::default()).await.expect("the log opens");
        let (projections, projector) = Projector::open(log).await.expect("the read models open");
        let shutdown = CancellationToken::new();
        tokio::spawn(runner.run(shutdown.clone()));
        let began = Instant::now();
        insert(&pool, rows).await.expect("the rows are written");
        let filled = began.elapsed();
        let middles = middles(&pool, rows).await.expect("the middles are read");
        let indexed = if from_rows {
            None
        } else {
            let (before, began) = (resident_bytes(), Instant::now());
            tokio::spawn(projector.run(shutdown.clone()));
            let mut loaded = projections.lists_in_memory();
            loaded.wait_for(|loaded| *loaded).await.expect("the projector runs");
            Some((began.elapsed(), resident_bytes().saturating_sub(before)))
        };
        Self { projections, filled, indexed, middles, _running: shutdown.drop_guard(), _database: database }
    }

    /// What a case asks of this library; `None` if it asks for the middle of a list that ends on its first page.
    pub(crate) async fn query(&self, case: &Case) -> Option<TorrentQuery> {
        if case.cursor == Cursor::Start {
            return Some(case.query.clone());
        }
        let first = TorrentQuery { limit: 1, ..case.query.clone() };
        let cursor = self.projections.torrents(&first).await.expect("a page is read").next_cursor?;
        Some(TorrentQuery { cursor: Some(self.moved(&cursor, case.query.sort)), ..case.query.clone() })
    }

    /// How long one page takes.
    pub(crate) async fn read(&self, query: &TorrentQuery) -> Duration {
        let began = Instant::now();
        let page = self.projections.torrents(query).await.expect("a page is read");
        let took = began.elapsed();
        std::hint::black_box(page);
        took
    }

    /// A cursor as it is made, moved to the middle: nobody would page through half a million torrents to get there.
    fn moved(&self, cursor: &str, sort: Sort) -> String {
        let json = BASE64_URL_SAFE_NO_PAD.decode(cursor).expect("a cursor is base64");
        let mut parts: Value = serde_json::from_slice(&json).expect("a cursor is JSON");
        let (_, key, id) = self.middles.iter().find(|(of, ..)| *of == sort).expect("every sort has a middle");
        parts["key"] = key.clone();
        parts["id"] = json!(id);
        BASE64_URL_SAFE_NO_PAD.encode(parts.to_string())
    }
}

/// What this process holds of the machine's memory.
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("a process can read its own status");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("it says so");
    let kilobytes = line.split_whitespace().nth(1).and_then(|number| number.parse::<u64>().ok());
    kilobytes.expect("a number") * 1024
}

async fn insert(pool: &PgPool, rows: u64) -> Result<(), sqlx::Error> {
    // Several statements take no values apart, and a number is safe to write out.
    let fill = include_str!("fill.sql").replace("$1", &rows.to_string());
    let mut connection = pool.acquire().await?;
    sqlx::raw_sql("SET statement_timeout = 0").execute(&mut *connection).await?;
    sqlx::raw_sql(AssertSqlSafe(fill)).execute(&mut *connection).await?;
    // As after a day of service: what autovacuum would have done by then.
    for table in ["torrents.torrent", "torrents.torrent_search", "public.torrent_live"] {
        sqlx::raw_sql(AssertSqlSafe(format!("VACUUM ANALYZE {table}"))).execute(&mut *connection).await?;
    }
    sqlx::raw_sql("RESET statement_timeout; CHECKPOINT").execute(&mut *connection).await.map(drop)
}

async fn middles(pool: &PgPool, rows: u64) -> Result<[(Sort, Value, String); 4], sqlx::Error> {
    let id = |number: u64| format!("{number:026}");
    let middle = rows / 2;
    let (added_at,): (OffsetDateTime,) =
        sqlx::query_as("SELECT added_at FROM torrents.torrent WHERE id = $1")
            .bind(id(middle))
            .fetch_one(pool)
            .await?;
    let offset = i64::try_from(middle).expect("a library has fewer torrents");
    let (name, name_id): (String, String) =
        sqlx::query_as("SELECT name_key, id FROM torrents.torrent ORDER BY name_key, id OFFSET $1 LIMIT 1")
            .bind(offset)
            .fetch_one(pool)
            .await?;
    let (size, size_id): (i64, String) =
        sqlx::query_as("SELECT size_key, id FROM torrents.torrent ORDER BY size_key, id OFFSET $1 LIMIT 1")
            .bind(offset)
            .fetch_one(pool)
            .await?;
    let microseconds = added_at.unix_timestamp_nanos() / 1000;
    Ok([
        (Sort::AddedAt, json!({ "t": i64::try_from(microseconds).expect("a time of this age") }), id(middle)),
        (Sort::Name, json!({ "n": name }), name_id),
        (Sort::Size, json!({ "s": size }), size_id),
        // Most are complete, so the middle of the order is among those.
        (Sort::Progress, json!({ "p": 1.0_f64.to_bits() }), id(middle)),
    ])
}
