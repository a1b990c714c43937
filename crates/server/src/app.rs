//! The composition root: every part is made here, started in the order of need and ended in the reverse.
//!
//! The API ends first, then the session, whose last words the observer still records, then the projections, the log, and the
//! private PostgreSQL last of all.

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use revaer_api::About;
use revaer_application::{
    AccessFollower, Application, HealthRecorder, HealthRegistry, Parts, SecretSweeper, SettingsFollower,
    SetupToken, SystemClock, UseRecorder,
};
use revaer_domain::settings::{EngineSettings, HttpSettings};
use revaer_engine::{Engine, EngineHandle, NoticeReceiver};
use revaer_event_log::EventLog;
use revaer_postgres_embedded::{Cluster, DataDirLock};
use revaer_projections::{Projections, Projector};
use revaer_reactors::{
    Causes, CounterRecorder, Observer, ReconcileAll, Reconciler, Sampler, SettingsApplier, ShareLimiter,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::database::{Database, in_use};
use crate::edge::{EdgeJudge, Terms, TermsFollower};
use crate::health::{self, Root, Watcher};
use crate::instance;
use crate::logging::Level;
use crate::metainfo::LibtorrentParser;
use crate::part::{self, Part, Watch};
use crate::ports::EngineView;
use crate::retention;
use crate::running::{API_END, Running};
use crate::server_key;
use crate::supervisor::Supervisor;
use crate::telemetry::{self, Sources, Telemetry, Tide};

/// This process among those that may append to one log.
pub(crate) const NODE: &str = "local";
/// Everything that was made, before anything runs.
pub(crate) struct App {
    cluster: Option<Cluster>,
    telemetry: Telemetry,
    watcher: Watcher,
    about: About,
    log_level: Level,
    supervisor: Supervisor,
    log: EventLog,
    log_runner: revaer_event_log::Runner,
    projections: Projections,
    projector: Projector,
    engine: EngineHandle,
    engine_runner: revaer_engine::Runner,
    notices: NoticeReceiver,
    application: Application,
    access: AccessFollower,
    listener: TcpListener,
    terms: Terms,
    terms_follower: TermsFollower,
    lock: DataDirLock,
}

impl App {
    /// Makes every part, and says what is missing if one cannot be made.
    pub(crate) async fn build(config: Config) -> anyhow::Result<Self> {
        let lock = DataDirLock::acquire(&config.data_dir).map_err(in_use)?;
        // First, since a port that is taken is quicker to find than a database is to start.
        let listener = match config.listen {
            Some(address) => Some(listen(&config, address).await?),
            // The settings say where, and they lie in the database.
            None => None,
        };
        let server_key = server_key::open(&config.data_dir)?;
        let database = Database::of_service(&config).await?;
        let pool = database.connect(config.database_wait).await?;
        revaer_event_log::migrate(&pool).await.context("the schema cannot be brought up to date")?;
        let (log, log_runner) = EventLog::open(pool, revaer_event_log::Options::default())
            .await
            .context("the log cannot be opened")?;
        let (projections, projector) =
            Projector::open(log.clone()).await.context("the read models cannot be opened")?;

        let bodies = revaer_application::Bodies::new(log.pool().clone());
        let view = EngineView::default();
        let clock = Arc::new(SystemClock);
        let application = Application::new(Parts {
            log: log.clone(),
            clock: clock.clone(),
            metainfo: Arc::new(LibtorrentParser),
            live: Arc::new(view.clone()),
            health: HealthRegistry::new(clock),
            server_key,
        });
        let access =
            AccessFollower::open(application.clone()).await.context("the API keys cannot be read")?;
        if let Some(file) = &config.setup_token_file {
            application.accept_setup_token(&setup_token(file)?);
        }
        application.judge_certificates(Arc::new(EdgeJudge));
        application.override_settings(config.overrides.clone());
        application.refresh_settings().await.context("the settings cannot be read")?;
        let settings = application.settings().now().in_force.clone();
        let listener = match settled(listener, &config, &settings.http, application.is_set_up()).await {
            Ok(listener) => listener,
            Err(refused) => {
                if let Some(cluster) = database.cluster {
                    cluster.stop().await?;
                }
                return Err(refused);
            }
        };
        let download_root = download_root(&config, &settings.engine)?;
        let options = revaer_engine::Options {
            // What lies elsewhere (a password, a list of addresses) is added before anything moves.
            profile: revaer_engine::Profile {
                rate_cap: settings.limits.caps_at(application.clock().now()).caps,
                limits_apply_to_local_peers: settings.limits.apply_to_local_peers,
                engine: settings.engine,
                ..revaer_engine::Profile::default()
            },
            session_state: bodies.session_state(NODE).await.context("the session's state cannot be read")?,
            ..revaer_engine::Options::new(download_root.clone())
        };
        let (engine, notices, engine_runner) =
            Engine::build(options).context("the libtorrent session cannot be started")?;
        view.begin(engine.clone());
        let (terms, terms_follower) = TermsFollower::begin(application.clone()).await;
        let tide = Tide::default();
        let roots = roots(&config.data_dir, download_root);
        let (watcher, rooms) =
            Watcher::new(application.clone(), engine.clone(), projections.clone(), tide.clone(), roots);
        let about = about(&log).await.context("the database does not say what it is")?;
        let telemetry = Telemetry::new(Sources {
            log: log.clone(),
            application: application.clone(),
            engine: engine.clone(),
            projections: projections.clone(),
            limits: terms.limits.clone(),
            tide,
            rooms,
        });
        Ok(Self {
            cluster: database.cluster,
            telemetry,
            watcher,
            about,
            log_level: config.log_level,
            supervisor: config.supervisor,
            log,
            log_runner,
            projections,
            projector,
            engine,
            engine_runner,
            notices,
            application,
            access,
            listener,
            terms,
            terms_follower,
            lock,
        })
    }

    /// Runs until shutdown, or until a part ends by itself, and then ends everything in order.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) -> anyhow::Result<()> {
        let (watch, mut deaths) = part::watch();
        let log = self.log.clone();
        let bodies = self.application.bodies().clone();
        let supervisor = std::mem::take(&mut self.supervisor);
        let running = self.start(&watch);
        supervisor.ready();
        let dead = tokio::select! {
            () = shutdown.cancelled() => None,
            name = deaths.next() => Some(name),
            () = supervisor.keep_telling() => None,
        };
        if let Some(name) = dead {
            tracing::error!(part = name, "a part ended by itself; the service ends");
        }
        supervisor.stopping();
        tokio::select! {
            () = running.end(&bodies, &log) => {}
            () = supervisor.keep_telling() => {}
        }
        match dead {
            None => Ok(()),
            Some(name) => bail!("the part `{name}` ended by itself"),
        }
    }

    fn start(self, watch: &Watch) -> Running {
        let Self { cluster, log, log_runner, application, engine, engine_runner, .. } = self;
        let database = cluster.map(|cluster| Part::spawn(watch, "database", |token| cluster.run(token)));
        let log_part = Part::spawn(watch, "log", |token| log_runner.run(token));
        let projector = Part::spawn(watch, "projector", |token| self.projector.run(token));
        let settings = SettingsFollower::new(application.clone());
        let settings = Part::spawn(watch, "settings", |token| settings.run(token));
        let (level, view) = (self.log_level, application.settings());
        let level = Part::spawn(watch, "level of the log", |token| level.run(view, token));
        let kept = retention::run(application.settings(), log.clone());
        let kept = Part::spawn(watch, "retention", |token| async move {
            token.run_until_cancelled(kept).await;
        });
        let secrets = SecretSweeper::new(application.clone());
        let secrets = Part::spawn(watch, "replaced secrets", |token| secrets.run(token));
        let terms = Part::spawn(watch, "edge", |token| self.terms_follower.run(token));
        let recorder = HealthRecorder::new(application.health().clone(), log.clone());
        let recorder = Part::spawn(watch, "health recorder", |token| recorder.run(token));
        let health = Part::spawn(watch, "health", |token| {
            health::run(application.clone(), engine.clone(), self.projections.clone(), self.watcher, token)
        });

        let access = Part::spawn(watch, "access", |token| self.access.run(token));
        let uses = UseRecorder::new(application.clone());
        let uses = Part::spawn(watch, "uses of keys", |token| uses.run(token));

        let (rooms, tide, telemetry) = (self.telemetry.rooms.clone(), self.telemetry.tide(), self.telemetry);
        let tide = Part::spawn(watch, "tide", |token| tide.run(log.clone(), token));
        let (causes, all) = (Causes::default(), ReconcileAll::default());
        let measured = rooms.reactors.clone();
        let observer =
            Observer::new(application.clone(), self.notices, causes.clone(), all.clone(), measured.clone());
        let observer = Part::spawn(watch, "observer", |token| observer.run(token));
        let limiter = ShareLimiter::new(application.clone(), engine.clone(), all.clone());
        let reconciler =
            Reconciler::new(application.clone(), engine.clone(), causes.clone(), all, measured.clone());
        let begun = CancellationToken::new();
        let applier = SettingsApplier::new(application.clone(), engine.clone(), begun.clone());
        let applier = Part::spawn(watch, "settings of the engine", |token| applier.run(token));
        let reconciler = Part::spawn(watch, "reconciler", |token| async move {
            // Nothing moves before all limits hold.
            if token.run_until_cancelled(begun.cancelled()).await.is_some() {
                reconciler.run(token).await;
            }
        });
        let counters = CounterRecorder::new(application.clone(), engine.clone(), causes);
        let counters = Part::spawn(watch, "counters", |token| counters.run(token));
        let limiter = Part::spawn(watch, "limits of sharing", |token| limiter.run(token));
        let view = application.settings();
        let hertz = move || view.now().in_force.engine.progress_hertz;
        let sampler = Sampler::new(engine, log, NODE.to_owned(), hertz, measured);
        let sampler = Part::spawn(watch, "sampler", |token| sampler.run(token));
        let engine = Part::spawn(watch, "engine", |token| engine_runner.run(token));

        let sources = (application, self.projections, telemetry);
        let api = serve(watch, self.listener, sources, self.terms, (rooms.api, self.about));
        Running {
            database,
            log: log_part,
            projector,
            recorder,
            health,
            access,
            uses,
            observer,
            applier,
            reconciler,
            counters,
            limiter,
            sampler,
            engine,
            api,
            settings,
            kept,
            secrets,
            terms,
            tide,
            level,
            lock: self.lock,
        }
    }
}

/// Begins to serve the API.
fn serve(
    watch: &Watch,
    listener: TcpListener,
    (application, projections, telemetry): (Application, Projections, Telemetry),
    terms: Terms,
    (metrics, about): (revaer_api::Metrics, About),
) -> Part<()> {
    if let Ok(address) = listener.local_addr() {
        // The one line on stdout: scripts and supervisors read where to go, also when the port was left to the system.
        // Nobody has to listen.
        let _ = writeln!(std::io::stdout(), "listening on http://{address}");
    }
    let identified = application.clone();
    Part::spawn(watch, "api", |token| {
        let Terms { limits, access, tls } = terms;
        let parts = revaer_api::Parts {
            application,
            projections,
            limits: limits.clone(),
            access: access.clone(),
            metrics: metrics.clone(),
            exposition: Arc::new(telemetry),
            about,
            shutdown: token.clone(),
        };
        let service = revaer_api::service(parts);
        let server = revaer_api::Server { listener, service, limits, access, tls, metrics };
        async move {
            // Before anybody can have read a version of the settings that this would outdate.
            instance::identify(&identified).await;
            server.run(token, API_END).await;
        }
    })
}

/// Where the files go, made if it is not there.
fn download_root(config: &Config, settings: &EngineSettings) -> anyhow::Result<PathBuf> {
    let root = config.download_root(settings);
    std::fs::create_dir_all(&root)
        .with_context(|| format!("cannot make the download root {}", root.display()))?;
    root.canonicalize().with_context(|| format!("cannot find the download root {}", root.display()))
}

async fn listen(config: &Config, address: SocketAddr) -> anyhow::Result<TcpListener> {
    let name = config.listen_name();
    TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address} ({name})"))
}

/// Where the API listens: where it does already, or where the settings say. Refused beyond loopback before there is a key.
async fn settled(
    listener: Option<TcpListener>,
    config: &Config,
    settings: &HttpSettings,
    is_set_up: bool,
) -> anyhow::Result<TcpListener> {
    let address = settings.listen.parse().context("the setting http.listen is no address")?;
    config.check_listen(address, is_set_up)?;
    match listener {
        Some(listener) => Ok(listener),
        None => listen(config, address).await,
    }
}

/// The folders that are written to. The private PostgreSQL lies in the data directory, and so does the key of the service.
fn roots(data_dir: &Path, download_root: PathBuf) -> Vec<Root> {
    vec![
        Root { component: "disk.data".to_owned(), path: data_dir.to_owned() },
        Root { component: "disk.downloads".to_owned(), path: download_root },
    ]
}

/// What runs, and on what.
async fn about(log: &EventLog) -> Result<About, revaer_event_log::ReadError> {
    let database = log.database().await?;
    Ok(About {
        revision: telemetry::REVISION.to_owned(),
        libtorrent: libtorrent_sys::version(),
        postgres: database.server,
        schema: database.schema,
    })
}

/// The token in a file. It is worth as much as a key until the setup is complete, and is kept in memory as a hash.
fn setup_token(file: &Path) -> anyhow::Result<SetupToken> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("cannot read the setup token in {}", file.display()))?;
    SetupToken::read(&text).with_context(|| format!("{} holds no setup token", file.display()))
}
