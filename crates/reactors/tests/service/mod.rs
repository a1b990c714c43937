//! The core of the service in one process: a real log, a real session, all three reactors. Dropped without a word it is a
//! crash; `stop` is an orderly end.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use revaer_application::{
    AddSource, AddTorrent, Application, Caller, HealthRegistry, LiveError, LivePeer, LiveRates, LiveTracker,
    LiveView, MetainfoParser, ParsedMetainfo, Parts, SystemClock, TorrentFile,
};
use revaer_domain::selection::SelectionRule;
use revaer_domain::torrent::{Torrent, TorrentCommand};
use revaer_domain::values::{InfoHashes, Labels, RateCap, TorrentId};
use revaer_engine::{Engine, EngineHandle, Options};
use revaer_event_log::EventLog;
use revaer_reactors::{Causes, Observer, ReconcileAll, Reconciler, Sampler};
use revaer_test_support::TestDatabase;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// The longest that a test waits for anything.
const BOUND: Duration = Duration::from_mins(1);

pub(crate) struct Service {
    pub(crate) application: Application,
    pub(crate) engine: EngineHandle,
    pub(crate) log: EventLog,
    shutdown: CancellationToken,
    log_shutdown: CancellationToken,
    tasks: JoinSet<()>,
    log_task: JoinSet<()>,
}

struct Parser;

impl MetainfoParser for Parser {
    fn parse(&self, body: &[u8]) -> Result<ParsedMetainfo, String> {
        let parsed = libtorrent_sys::parse_metainfo(body, &libtorrent_sys::MetainfoLimits::default())
            .map_err(|error| error.to_string())?;
        let files = parsed.files.iter().filter(|file| !file.pad);
        Ok(ParsedMetainfo {
            info_hashes: InfoHashes { v1: parsed.info_hash_v1, v2: parsed.info_hash_v2 },
            name: parsed.name.clone(),
            files: files.map(|file| TorrentFile { path: file.path.clone(), size_bytes: file.size }).collect(),
            piece_length_bytes: parsed.piece_length,
            piece_count: parsed.piece_count,
            trackers: parsed.trackers.clone(),
        })
    }
}

/// These tests ask the engine itself.
struct NoView;

#[async_trait]
impl LiveView for NoView {
    async fn trackers(&self, _: TorrentId) -> Result<Vec<LiveTracker>, LiveError> {
        Err(LiveError::NotInSession)
    }
    async fn peers(&self, _: TorrentId) -> Result<Vec<LivePeer>, LiveError> {
        Err(LiveError::NotInSession)
    }
    async fn file_progress(&self, _: TorrentId) -> Result<Vec<u64>, LiveError> {
        Err(LiveError::NotInSession)
    }
    fn rates(&self, _: TorrentId) -> Option<LiveRates> {
        None
    }
}

impl Service {
    pub(crate) async fn start(database: &TestDatabase, downloads: &Path) -> Self {
        Self::start_with(database, Options::new(downloads)).await
    }

    pub(crate) async fn start_with(database: &TestDatabase, options: Options) -> Self {
        let pool = revaer_event_log::connect(database.url(), 8).await.expect("a database");
        revaer_event_log::migrate(&pool).await.expect("a schema");
        let (log, log_runner) =
            EventLog::open(pool, revaer_event_log::Options::default()).await.expect("a log");
        let clock = Arc::new(SystemClock);
        let (engine, notices, runner) = Engine::build(options);
        let application = Application::new(Parts {
            log: log.clone(),
            clock: clock.clone(),
            metainfo: Arc::new(Parser),
            live: Arc::new(NoView),
            health: HealthRegistry::new(clock),
        });
        let (causes, all) = (Causes::default(), ReconcileAll::default());
        let reconciler = Reconciler::new(application.clone(), engine.clone(), causes.clone(), all.clone());
        let observer = Observer::new(application.clone(), notices, causes, all);
        let sampler = Sampler::new(engine.clone(), log.clone(), "test".to_owned(), 10);
        let (shutdown, log_shutdown) = (CancellationToken::new(), CancellationToken::new());
        let (mut tasks, mut log_task) = (JoinSet::new(), JoinSet::new());
        log_task.spawn(log_runner.run(log_shutdown.clone()));
        let token = shutdown.clone();
        tasks.spawn(async move { drop(runner.run(token).await) });
        tasks.spawn(reconciler.run(shutdown.clone()));
        tasks.spawn(observer.run(CancellationToken::new()));
        tasks.spawn(sampler.run(shutdown.clone()));
        Self { application, engine, log, shutdown, log_shutdown, tasks, log_task }
    }

    /// An orderly end: resume data is saved, the observer has recorded everything.
    pub(crate) async fn stop(mut self) {
        self.shutdown.cancel();
        tokio::time::timeout(BOUND, async { while self.tasks.join_next().await.is_some() {} })
            .await
            .expect("the reactors end within the bound");
        self.log_shutdown.cancel();
        while self.log_task.join_next().await.is_some() {}
    }

    pub(crate) async fn add(&self, source: AddSource, change: impl FnOnce(&mut AddTorrent)) -> TorrentId {
        let mut add = AddTorrent {
            source,
            save_path: "".parse().expect("a path"),
            start_paused: false,
            labels: Labels::default(),
            selection: SelectionRule::default(),
            sequential: false,
            rate_cap: RateCap::default(),
            trackers: Vec::new(),
            peers: Vec::new(),
        };
        change(&mut add);
        self.application.add(add, &operator()).await.expect("added").id
    }

    pub(crate) async fn command(&self, id: TorrentId, command: TorrentCommand) {
        self.application.command(id, command, &operator()).await.expect("accepted");
    }

    /// Follows the log until the torrent is as wished.
    pub(crate) async fn until(&self, id: TorrentId, what: &str, wish: impl Fn(&Torrent) -> bool) -> Torrent {
        let mut subscription = self.log.subscribe(self.log.head().await.expect("a head"));
        let waited = tokio::time::timeout(BOUND, async {
            loop {
                let (torrent, ..) = self.application.torrent(id).await.expect("readable").expect("there");
                if wish(&torrent) {
                    return torrent;
                }
                subscription.next().await;
            }
        });
        let Ok(torrent) = waited.await else {
            panic!("not within {BOUND:?}: {what}; the log says {:#?}", self.kinds(id).await)
        };
        torrent
    }

    pub(crate) async fn kinds(&self, id: TorrentId) -> Vec<String> {
        let history = self.application.history(id, 0, 1000).await.expect("readable");
        history.into_iter().map(|fact| fact.kind).collect()
    }
}

pub(crate) fn operator() -> Caller {
    Caller::system("operator", "test".to_owned(), None)
}
