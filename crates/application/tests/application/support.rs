//! Processes on one database, and short ways to say what the tests ask of them.

use std::str::FromStr;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use revaer_application::{
    AddSource, AddTorrent, Application, Caller, Clock, Done, HealthRegistry, LiveError, LivePeer, LiveRates,
    LiveTracker, LiveView, MetainfoParser, ParsedMetainfo, Parts, ServerKey, TorrentFile,
};
use revaer_domain::selection::SelectionRule;
use revaer_domain::torrent::TorrentCommand;
use revaer_domain::values::{InfoHashes, Labels, RateCap, SavePath, TorrentId};
use revaer_event_log::{EventLog, Fact, Options, Position, migrate};
use revaer_event_schema::Metadata;
use revaer_test_support::TestDatabase;
use sqlx::{AssertSqlSafe, PgPool};
use time::OffsetDateTime;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Far longer than anything here takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A migrated database.
pub(crate) struct World {
    pub(crate) pool: PgPool,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) server_key: ServerKey,
    database: TestDatabase,
}

/// A service as another one sees it: an application of its own on a log of its own.
pub(crate) struct Process {
    pub(crate) application: Application,
    runner: JoinHandle<()>,
}

impl World {
    pub(crate) async fn new() -> Self {
        let database = TestDatabase::create().await;
        let pool = database.pool().await;
        migrate(&pool).await.expect("migrates");
        Self { pool, clock: Arc::default(), server_key: ServerKey::draw(), database }
    }

    /// Starts a process.
    pub(crate) async fn process(&self) -> Process {
        self.process_that_parses(TestParser::default()).await
    }

    pub(crate) async fn process_that_parses(&self, parser: TestParser) -> Process {
        let pool = self.database.pool().await;
        let (log, runner) = EventLog::open(pool, Options::default()).await.expect("opens");
        let runner = tokio::spawn(runner.run(CancellationToken::new()));
        let health = HealthRegistry::new(self.clock.clone());
        let (metainfo, live) = (Arc::new(parser), Arc::new(NoSession));
        let server_key = self.server_key.clone();
        let parts = Parts { log, clock: self.clock.clone(), metainfo, live, health, server_key };
        Process { application: Application::new(parts), runner }
    }

    /// Every fact of the log.
    pub(crate) async fn facts(&self) -> Vec<Fact> {
        let (log, _runner) = EventLog::open(self.pool.clone(), Options::default()).await.expect("opens");
        log.read_facts(Position::ZERO, 10_000).await.expect("reads")
    }

    /// The kinds of a torrent's facts, without what all of them begin with.
    pub(crate) async fn kinds(&self, id: TorrentId) -> Vec<String> {
        let of = |fact: &Fact| fact.stream.as_str() == id.stream();
        let kind = |fact: Fact| fact.kind.trim_start_matches("torrent.").to_owned();
        self.facts().await.into_iter().filter(of).map(kind).collect()
    }

    pub(crate) async fn count(&self, table: &str) -> i64 {
        let statement = AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
        sqlx::query_scalar(statement).fetch_one(&self.pool).await.expect("counts")
    }

    /// Every row of every table, as text.
    pub(crate) async fn dump(&self) -> String {
        let tables: Vec<String> =
            sqlx::query_scalar("SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')")
                .fetch_all(&self.pool)
                .await
                .expect("lists");
        let mut dump = String::new();
        for table in tables {
            let statement = AssertSqlSafe(format!("SELECT row::text FROM {table} AS row"));
            let rows: Vec<String> = sqlx::query_scalar(statement).fetch_all(&self.pool).await.expect("reads");
            dump.push_str(&rows.join("\n"));
        }
        dump
    }

    /// Waits until an append waits for the append lock, which somebody in this test holds.
    pub(crate) async fn append_waits(&self) {
        let waits = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
                     AND wait_event_type = 'Lock' AND wait_event = 'advisory')";
        self.wait_for(waits).await;
    }

    pub(crate) async fn wait_for(&self, condition: &'static str) {
        let wait = async {
            while !sqlx::query_scalar::<_, bool>(condition).fetch_one(&self.pool).await.expect("asks") {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.expect(condition);
    }
}

impl Process {
    /// As by `kill -9`: nothing of it runs any longer, and its answers reach nobody.
    pub(crate) async fn kill(mut self) {
        self.runner.abort();
        let _ = (&mut self.runner).await;
    }

    /// Adds a magnet, without a key.
    pub(crate) async fn add(&self, number: u8) -> Done {
        self.application.add(magnet(number), &operator(None)).await.expect("added")
    }

    /// A command without a key.
    pub(crate) async fn tell(&self, id: TorrentId, command: TorrentCommand) -> Done {
        self.application.command(id, command, &operator(None)).await.expect("obeyed")
    }

    /// From the request to remove to the end.
    pub(crate) async fn remove(&self, id: TorrentId) {
        self.tell(id, TorrentCommand::Remove { delete_data: false }).await;
        self.tell(id, TorrentCommand::ObserveRemoved { data_deleted: false, left: vec![] }).await;
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.runner.abort();
    }
}

/// An operator's request.
pub(crate) fn operator(key: Option<&str>) -> Caller {
    Caller {
        actor: "operator".to_owned(),
        key_id: None,
        request_id: Some("request-1".to_owned()),
        correlation_id: "correlation-1".to_owned(),
        causation_id: None,
        idempotency_key: key.map(str::to_owned),
        if_match: None,
    }
}

pub(crate) fn metadata(fact: &Fact) -> Metadata {
    serde_json::from_str(&fact.meta).expect("metadata")
}

fn ask(source: AddSource) -> AddTorrent {
    AddTorrent {
        source,
        save_path: SavePath::default(),
        start_paused: false,
        labels: Labels::new(),
        selection: SelectionRule::default(),
        sequential: false,
        rate_cap: RateCap::default(),
        share_limits: revaer_domain::values::ShareLimits::default(),
        trackers: vec![],
        peers: vec![],
        fsops_profile: None,
    }
}

/// A magnet whose v1 hash is this byte twenty times.
pub(crate) fn magnet(number: u8) -> AddTorrent {
    let uri = format!("magnet:?xt=urn:btih:{}&dn=torrent-{number}", hex_of(number, 20));
    ask(AddSource::Magnet(uri.parse().expect("a magnet")))
}

/// The v2 half of a hybrid as a magnet.
pub(crate) fn magnet_v2(number: u8) -> AddTorrent {
    let uri = format!("magnet:?xt=urn:btmh:1220{}", hex_of(number, 32));
    ask(AddSource::Magnet(uri.parse().expect("a magnet")))
}

/// A torrent file of a hybrid.
pub(crate) fn torrent_file(number: u8) -> AddTorrent {
    ask(AddSource::Metainfo(vec![number; 10]))
}

fn hex_of(number: u8, bytes: usize) -> String {
    format!("{number:02x}").repeat(bytes)
}

/// A hybrid of two files, as the parser below reads it.
pub(crate) fn parsed(number: u8) -> ParsedMetainfo {
    let file = |path: &str| TorrentFile { path: format!("torrent-{number}/{path}"), size_bytes: 100 };
    ParsedMetainfo {
        info_hashes: InfoHashes { v1: Some([number; 20]), v2: Some([number; 32]) },
        name: format!("torrent-{number}"),
        files: vec![file("a.mkv"), file("b.txt")],
        piece_length_bytes: 16_384,
        piece_count: 1,
        trackers: vec!["http://127.0.0.1/announce".to_owned()],
    }
}

/// In the place of libtorrent, which this crate does not know: any bytes name the torrent of their first one.
#[derive(Clone, Default)]
pub(crate) struct TestParser(Option<Arc<Gate>>);

impl TestParser {
    /// One that does not end before its gate is opened.
    pub(crate) const fn behind(gate: Arc<Gate>) -> Self {
        Self(Some(gate))
    }
}

impl MetainfoParser for TestParser {
    fn parse(&self, body: &[u8]) -> Result<ParsedMetainfo, String> {
        if let Some(gate) = &self.0 {
            gate.pass();
        }
        body.first().map(|number| parsed(*number)).ok_or_else(|| "it is empty".to_owned())
    }
}

/// Closed until it is opened, and says whether somebody stands before it.
#[derive(Default)]
pub(crate) struct Gate {
    state: Mutex<(bool, bool)>,
    changed: Condvar,
}

impl Gate {
    fn pass(&self) {
        let mut state = self.state.lock().expect("not poisoned");
        state.1 = true;
        self.changed.notify_all();
        let opened = self.changed.wait_while(state, |(open, _)| !*open).expect("not poisoned");
        drop(opened);
    }

    pub(crate) fn open(&self) {
        self.state.lock().expect("not poisoned").0 = true;
        self.changed.notify_all();
    }

    /// Waits, blocking, until somebody stands before it.
    pub(crate) fn wait_for_somebody(&self) {
        let state = self.state.lock().expect("not poisoned");
        let (_state, waited) =
            self.changed.wait_timeout_while(state, PATIENCE, |(_, here)| !*here).expect("not poisoned");
        assert!(!waited.timed_out(), "nobody came");
    }
}

struct NoSession;

#[async_trait]
impl LiveView for NoSession {
    async fn trackers(&self, _id: TorrentId) -> Result<Vec<LiveTracker>, LiveError> {
        Err(LiveError::NotInSession)
    }
    async fn peers(&self, _id: TorrentId) -> Result<Vec<LivePeer>, LiveError> {
        Err(LiveError::NotInSession)
    }
    async fn file_progress(&self, _id: TorrentId) -> Result<Vec<u64>, LiveError> {
        Err(LiveError::NotInSession)
    }
    fn rates(&self, _id: TorrentId) -> Option<LiveRates> {
        None
    }
}

/// Tells the time that it was set to.
pub(crate) struct TestClock(Mutex<OffsetDateTime>);

impl TestClock {
    /// Lets time pass.
    pub(crate) fn pass(&self, time: Duration) {
        *self.0.lock().expect("not poisoned") += time;
    }
}

impl Default for TestClock {
    fn default() -> Self {
        Self(Mutex::new(OffsetDateTime::from_unix_timestamp(1_700_000_000).expect("a time")))
    }
}

impl Clock for TestClock {
    fn now(&self) -> OffsetDateTime {
        *self.0.lock().expect("not poisoned")
    }
}

pub(crate) fn place(path: &str) -> SavePath {
    SavePath::from_str(path).expect("a literal of the test")
}
