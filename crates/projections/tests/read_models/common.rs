//! What the tests of the read models share: a log with torrents in it, and everything that a read model holds.

use std::collections::BTreeSet;
use std::time::Duration;

use revaer_domain::selection::SelectionRule;
use revaer_domain::torrent::{Added, FilesDiscovered, Origin, TorrentEvent};
use revaer_domain::values::{InfoHashes, RateCap, TorrentId};
use revaer_event_log::{Append, EventLog, NewFact, Options, Position, Runner, StreamId, migrate};
use revaer_event_schema::{Metadata, encode_torrent};
use revaer_projections::{Projections, Projector};
use revaer_test_support::TestDatabase;
use sqlx::AssertSqlSafe;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;
use ulid::Ulid;

/// Longer than anything here takes, shorter than a run of tests.
pub(crate) const BOUND: Duration = Duration::from_secs(20);

/// A log that runs, on a database of its own.
pub(crate) struct World {
    pub(crate) log: EventLog,
    pub(crate) shutdown: CancellationToken,
    database: TestDatabase,
}

impl World {
    pub(crate) async fn new() -> Self {
        let database = TestDatabase::create().await;
        let pool = database.pool().await;
        migrate(&pool).await.expect("migrates");
        let (log, runner) = EventLog::open(pool, Options::default()).await.expect("opens");
        let shutdown = CancellationToken::new();
        tokio::spawn(runner.run(shutdown.clone()));
        Self { log, shutdown, database }
    }

    /// Where it is.
    pub(crate) fn database(&self) -> &TestDatabase {
        &self.database
    }

    /// The same log as another process has it.
    pub(crate) async fn another_log(&self) -> (EventLog, Runner) {
        EventLog::open(self.database.pool().await, Options::default()).await.expect("opens")
    }

    /// Starts a projector; the token ends it.
    pub(crate) async fn project(&self) -> (Projections, CancellationToken) {
        let (projections, projector) = Projector::open(self.log.clone()).await.expect("opens");
        let shutdown = self.shutdown.child_token();
        tokio::spawn(projector.run(shutdown.clone()));
        (projections, shutdown)
    }

    /// Appends a torrent's events after the version it has.
    pub(crate) async fn tell(&self, id: TorrentId, version: u32, events: &[TorrentEvent]) -> Position {
        let metadata = Metadata::of_system("system", "test");
        let facts = events.iter().map(|event| encode_torrent(event, &metadata)).collect();
        self.append(id, version, facts).await
    }

    pub(crate) async fn append(&self, id: TorrentId, version: u32, facts: Vec<NewFact>) -> Position {
        let append = Append {
            stream: StreamId::new(&id.stream()).expect("a stream"),
            expected: version,
            facts,
            command: None,
            claims: vec![],
            releases: vec![],
        };
        self.log.append(append).await.expect("appends").position
    }

    /// Stores the file list of a torrent, as whoever appends `files_discovered` does before.
    pub(crate) async fn store_files(&self, id: TorrentId, paths: &[&str]) {
        let body: Vec<_> =
            paths.iter().map(|path| serde_json::json!({ "path": path, "size_bytes": 10 })).collect();
        sqlx::query("INSERT INTO file_lists (torrent_id, body) VALUES ($1, $2)")
            .bind(id.to_string())
            .bind(sqlx::types::Json(body))
            .execute(self.log.pool())
            .await
            .expect("stores");
    }

    /// Every row of the live generations, as JSON.
    pub(crate) async fn rows(&self) -> Vec<String> {
        let mut all = Vec::new();
        for (table, id) in [
            ("torrents.torrent", "id"),
            ("torrents.torrent_search", "id"),
            ("torrent_files.file_priorities", "torrent_id"),
            ("audit.entry", "position"),
        ] {
            let sql = format!("SELECT row_to_json(t)::text FROM {table} AS t ORDER BY {id}");
            let rows: Vec<String> =
                sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(self.log.pool()).await.expect("reads");
            all.extend(rows);
        }
        all
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// Shows what differs and no more.
#[track_caller]
pub(crate) fn assert_same(rebuilt: &[String], lived: &[String]) {
    let (rebuilt, lived): (BTreeSet<_>, BTreeSet<_>) = (rebuilt.iter().collect(), lived.iter().collect());
    let differing: Vec<_> = rebuilt.symmetric_difference(&lived).collect();
    assert!(differing.is_empty(), "{differing:#?}");
}

pub(crate) fn id(number: u64) -> TorrentId {
    TorrentId::new(Ulid(u128::from(number) + 1))
}

pub(crate) fn added(number: u64, name: &str) -> Added {
    let mut v1 = [0; 20];
    v1[..8].copy_from_slice(&number.to_be_bytes());
    Added {
        at: OffsetDateTime::UNIX_EPOCH
            + time::Duration::seconds(i64::try_from(number).expect("a literal of the test") / 2),
        origin: Origin::Metainfo,
        info_hashes: InfoHashes { v1: Some(v1), v2: None },
        name: name.to_owned(),
        save_path: "films".parse().expect("a literal of the test"),
        paused: false,
        sequential: false,
        rate_cap: RateCap::default(),
        share_limits: revaer_domain::values::ShareLimits::default(),
        labels: BTreeSet::new(),
        selection: SelectionRule::default(),
        trackers: vec![],
        peers: vec![],
    }
}

pub(crate) fn discovered(number: u64, name: &str, size_bytes: u64, files: u32) -> TorrentEvent {
    TorrentEvent::FilesDiscovered(FilesDiscovered {
        info_hashes: added(number, name).info_hashes,
        name: name.to_owned(),
        file_count: files,
        size_bytes,
        piece_length_bytes: 16_384,
        piece_count: 1,
        trackers: vec!["http://Late.example:80/announce".to_owned()],
    })
}
