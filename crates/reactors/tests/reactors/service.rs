//! The service without its API. `stop` is an orderly end; dropped without a word it is a crash.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use revaer_application::{
    AddSource, AddTorrent, Application, Caller, Clock, HealthRegistry, LiveError, LivePeer, LiveRates,
    LiveTracker, LiveView, MetainfoParser, ParsedMetainfo, Parts, ServerKey, SettingsFollower, SystemClock,
    TorrentFile,
};
use revaer_domain::selection::SelectionRule;
use revaer_domain::torrent::{Torrent, TorrentCommand};
use revaer_domain::values::{InfoHashes, Labels, RateCap, TorrentId};
use revaer_engine::{Engine, EngineHandle, Options};
use revaer_event_log::{Body, EventLog, Position};
use revaer_reactors::{
    Causes, CounterRecorder, Metrics, Observer, ReconcileAll, Reconciler, Sampler, SettingsApplier,
    ShareLimiter,
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// The longest that a test waits for anything.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

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

/// A session that stays on loopback and is quick to tell.
pub(crate) fn options(downloads: &Path) -> Options {
    let mut options = Options { rebuild_backoff: Duration::from_millis(10), ..Options::new(downloads) };
    options.profile.engine.progress_hertz = 10;
    options.profile.engine.utp = false;
    options
}

/// A log of its own, without anything that acts on it.
pub(crate) async fn open_log(
    url: &str,
    clock: Arc<dyn Clock>,
) -> (Application, EventLog, revaer_event_log::Runner) {
    let pool = revaer_event_log::connect(url, 8).await.expect("a database");
    revaer_event_log::migrate(&pool).await.expect("a schema");
    let (log, runner) = EventLog::open(pool, revaer_event_log::Options::default()).await.expect("a log");
    let application = Application::new(Parts {
        log: log.clone(),
        clock: Arc::clone(&clock),
        metainfo: Arc::new(Parser),
        live: Arc::new(NoView),
        health: HealthRegistry::new(clock),
        server_key: ServerKey::draw(),
    });
    (application, log, runner)
}

impl Service {
    pub(crate) async fn start(url: &str, options: Options) -> Self {
        Self::start_at(url, options, Arc::new(SystemClock)).await
    }

    pub(crate) async fn start_at(url: &str, options: Options, clock: Arc<dyn Clock>) -> Self {
        let (application, log, log_runner) = open_log(url, clock).await;
        let (engine, notices, runner) = Engine::build(options).expect("a session");
        let (causes, all) = (Causes::default(), ReconcileAll::default());
        let reconciler = Reconciler::new(
            application.clone(),
            engine.clone(),
            causes.clone(),
            all.clone(),
            Metrics::default(),
        );
        let counters = CounterRecorder::new(application.clone(), engine.clone(), causes.clone());
        let limiter = ShareLimiter::new(application.clone(), engine.clone(), all.clone());
        let observer = Observer::new(application.clone(), notices, causes, all, Metrics::default());
        let sampler = Sampler::new(engine.clone(), log.clone(), "test".to_owned(), || 10, Metrics::default());
        let (shutdown, log_shutdown) = (CancellationToken::new(), CancellationToken::new());
        let (mut tasks, mut log_task) = (JoinSet::new(), JoinSet::new());
        log_task.spawn(log_runner.run(log_shutdown.clone()));
        let token = shutdown.clone();
        tasks.spawn(async move { drop(runner.run(token).await) });
        tasks.spawn(reconciler.run(shutdown.clone()));
        tasks.spawn(counters.run(shutdown.clone()));
        tasks.spawn(limiter.run(shutdown.clone()));
        tasks.spawn(sampler.run(shutdown.clone()));
        tasks.spawn(observer.run(CancellationToken::new()));
        Self { application, engine, log, shutdown, log_shutdown, tasks, log_task }
    }

    /// Lets the settings decide from now on, beginning with those that stay on loopback.
    pub(crate) async fn follow_settings(&mut self) {
        let quiet = serde_json::json!({"engine": {"listen_interfaces": "127.0.0.1:0", "utp": false}});
        self.application.patch_settings(quiet, &operator()).await.expect("taken");
        let (application, engine) = (self.application.clone(), self.engine.clone());
        let applier = SettingsApplier::new(application.clone(), engine, CancellationToken::new());
        self.tasks.spawn(applier.run(self.shutdown.clone()));
        self.tasks.spawn(SettingsFollower::new(application).run(self.shutdown.clone()));
    }

    /// An orderly end: resume data is saved, the observer has recorded everything.
    pub(crate) async fn stop(mut self) {
        self.shutdown.cancel();
        tokio::time::timeout(PATIENCE, async { while self.tasks.join_next().await.is_some() {} })
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
            share_limits: revaer_domain::values::ShareLimits::default(),
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
        let waited = tokio::time::timeout(PATIENCE, async {
            let mut subscription = self.log.subscribe(self.log.head().await.expect("a head"));
            // A fact is in the log before the one who appended it has it in its cache.
            let history = self.application.history(id, 0, 1000).await.expect("readable");
            let mut version = history.last().map_or(0, |fact| fact.version);
            loop {
                let known = self.application.torrent_since(id, version).await.expect("readable");
                let (torrent, ..) = known.expect("there");
                if wish(&torrent) {
                    return torrent;
                }
                for entry in subscription.next().await {
                    if let Body::Fact(fact) = &entry.body
                        && TorrentId::from_stream(fact.stream.as_str()) == Some(id)
                    {
                        version = fact.version;
                    }
                }
            }
        });
        let Ok(torrent) = waited.await else {
            let (live, peers) = (self.engine.live(id), self.engine.peers(id).await);
            let kinds = self.kinds(id).await;
            panic!("not within {PATIENCE:?}: {what}; the log says {kinds:#?}, the session {live:?} {peers:?}")
        };
        torrent
    }

    /// Asks the session at every move of any torrent until this one is as wished. Needs no database.
    pub(crate) async fn until_live(&self, id: TorrentId, wish: impl Fn(u64) -> bool) {
        let wait = async {
            while !self.engine.live(id).is_some_and(|live| wish(live.totals.wanted_done_bytes)) {
                // The sampler takes what moved, so a short pause ends the wait that it would have ended.
                let moved = self.engine.progress_changed();
                let _ = tokio::time::timeout(Duration::from_millis(50), moved).await;
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.expect("the session gets there");
    }

    /// The kinds of all facts of a stream, in order.
    pub(crate) async fn kinds(&self, id: TorrentId) -> Vec<String> {
        let history = self.application.history(id, 0, 1000).await.expect("readable");
        history.into_iter().map(|fact| fact.kind).collect()
    }

    pub(crate) async fn count(&self, id: TorrentId, kind: &str) -> usize {
        self.kinds(id).await.iter().filter(|seen| *seen == kind).count()
    }

    /// The first change of settings that is wished for.
    pub(crate) async fn until_change(&self, wish: impl Fn(&serde_json::Value) -> bool) -> serde_json::Value {
        let search = async {
            let mut subscription = self.log.subscribe(Position(0));
            loop {
                for entry in subscription.next().await {
                    if let Body::Fact(fact) = &entry.body
                        && fact.kind == "settings.changed"
                    {
                        let changed = serde_json::from_str(&fact.data).expect("JSON");
                        if wish(&changed) {
                            return changed;
                        }
                    }
                }
            }
        };
        tokio::time::timeout(PATIENCE, search).await.expect("such a change of settings")
    }

    /// The first fact of a kind, in whichever stream, from the beginning of the log on.
    pub(crate) async fn until_fact(&self, kind: &str) -> serde_json::Value {
        let search = async {
            let mut subscription = self.log.subscribe(Position(0));
            loop {
                for entry in subscription.next().await {
                    if let Body::Fact(fact) = &entry.body
                        && fact.kind == kind
                    {
                        return serde_json::from_str(&fact.data).expect("JSON");
                    }
                }
            }
        };
        tokio::time::timeout(PATIENCE, search).await.unwrap_or_else(|_| panic!("no fact {kind}"))
    }
}

pub(crate) fn operator() -> Caller {
    Caller::system("operator", "test".to_owned(), None)
}

pub(crate) fn cap(bytes_per_second: u32) -> RateCap {
    let limit = bytes_per_second.try_into().expect("a limit");
    RateCap { download_bytes_per_second: Some(limit), ..RateCap::default() }
}
