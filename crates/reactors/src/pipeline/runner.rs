//! The loop: which job runs, which waits, which is held.

use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use revaer_application::{Application, Caller, CommandError};
use revaer_domain::fsops::{FsopsFailed, FsopsJob, FsopsObservation};
use revaer_domain::torrent::Torrent;
use revaer_domain::values::{JobId, TorrentId};
use revaer_event_log::{Body, Fact, Version};
use revaer_event_schema::{FsopsProgressSample, Metadata, pack_fsops_progress};
use revaer_projections::Projections;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::held::{Again, HeldJobs};
use super::libraries::Findings;
use super::recorder::Recorder;
use super::surroundings::Surroundings;
use super::task;
use super::watched::Watched;
use super::words;
use super::worker::{Assignment, Ended, Hold, Task};
use crate::backoff::Backoff;

/// Jobs that run at once. Two keep a disk busy while one of them unpacks; more would only take it from the session.
const JOBS_AT_ONCE: usize = 2;
/// How often the libraries are looked at, and so how soon a held job goes on.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How often progress is told.
const SAMPLE_EVERY: Duration = Duration::from_secs(1);
/// How long the read models may take to come up to the log, until that is said.
const PROJECTIONS_WAIT: Duration = Duration::from_secs(10);
/// Who records what a job does.
const ACTOR: &str = "system:fsops";

/// What the pipeline is told at its start.
#[derive(Debug, Clone)]
pub struct PipelineOptions {
    /// Where torrents download to: an absolute path without links.
    pub download_root: PathBuf,
    /// Where programs that unpack are looked for, as in `PATH`.
    pub search_path: OsString,
    /// This process among those that append samples.
    pub node: String,
}

/// The reactor.
pub struct Pipeline {
    application: Application,
    projections: Projections,
    node: String,
    surroundings: Surroundings,
    /// Each once, in the order in which they came.
    waiting: VecDeque<TorrentId>,
    running: BTreeMap<TorrentId, Running>,
    held: HeldJobs,
    /// What each was asked for by. As many as are not settled.
    causes: BTreeMap<TorrentId, Caller>,
    endings: mpsc::Sender<(TorrentId, Ended)>,
    ended: mpsc::Receiver<(TorrentId, Ended)>,
}

/// A job on its thread.
struct Running {
    job: JobId,
    task: Task,
    watched: Arc<Watched>,
    /// Whether the torrent has changed since.
    again: bool,
}

impl Pipeline {
    /// A pipeline for the torrents of this log.
    pub fn new(application: Application, projections: Projections, options: PipelineOptions) -> Self {
        let (endings, ended) = mpsc::channel(JOBS_AT_ONCE);
        let PipelineOptions { download_root, search_path, node } = options;
        let surroundings = Surroundings::new(application.clone(), download_root, search_path);
        Self {
            application,
            projections,
            node,
            surroundings,
            waiting: VecDeque::new(),
            running: BTreeMap::new(),
            held: HeldJobs::default(),
            causes: BTreeMap::new(),
            endings,
            ended,
        }
    }

    /// Runs until shutdown, and then until the threads have stopped, each within one buffer.
    pub async fn run(mut self, shutdown: CancellationToken) {
        if shutdown.run_until_cancelled(Box::pin(self.follow(&shutdown))).await.is_some() {
            return;
        }
        self.running.values().for_each(|running| running.watched.stop());
        while !self.running.is_empty() {
            let Some((id, _)) = self.ended.recv().await else { return };
            self.running.remove(&id);
        }
    }

    async fn follow(&mut self, shutdown: &CancellationToken) {
        let mut settings = self.application.settings().section(|settings| &settings.fsops);
        self.surroundings.follow(settings.seen());
        let start = self.begin().await;
        let mut subscription = self.application.log().subscribe(start);
        self.find_pending(start).await;
        let mut look = interval(LOOK_EVERY);
        let mut sample = interval(SAMPLE_EVERY);
        loop {
            self.start_waiting(shutdown).await;
            tokio::select! {
                entries = subscription.next() => for entry in &entries {
                    if let Body::Fact(fact) = &entry.body {
                        self.note(fact).await;
                    }
                },
                Some((id, ended)) = self.ended.recv() => self.settle(id, ended, shutdown).await,
                findings = self.surroundings.found() => self.go_on(findings, shutdown).await,
                _ = look.tick() => self.surroundings.look(),
                _ = sample.tick(), if !self.running.is_empty() => self.sample().await,
                (changed, _) = settings.changed() => {
                    self.surroundings.follow(&changed);
                    self.surroundings.look();
                }
            }
        }
    }

    /// Where the log is, once that can be told and the roots are known.
    async fn begin(&mut self) -> revaer_event_log::Position {
        let mut backoff = Backoff::new();
        let forever = CancellationToken::new();
        loop {
            match (self.application.log().head().await, self.surroundings.recall().await) {
                (Ok(head), Ok(())) => return head,
                (Err(error), _) | (_, Err(error)) => tracing::warn!(%error, "the pipeline waits for the log"),
            }
            backoff.wait(&forever).await;
        }
    }

    /// What is not settled of before this process began.
    async fn find_pending(&mut self, head: revaer_event_log::Position) {
        while !self.projections.wait_for(head, PROJECTIONS_WAIT).await {
            tracing::info!("the pipeline waits for the read models");
        }
        let mut backoff = Backoff::new();
        let forever = CancellationToken::new();
        loop {
            match self.projections.fsops_pending().await {
                Ok(pending) => return self.waiting.extend(pending),
                Err(error) => tracing::warn!(%error, "the pipeline waits for the database"),
            }
            backoff.wait(&forever).await;
        }
    }

    /// Hears of a fact. What a job did itself changes nothing about what is to be done.
    async fn note(&mut self, fact: &Fact) {
        let Some(id) = TorrentId::from_stream(fact.stream.as_str()) else { return };
        let is_known = self.running.contains_key(&id) || self.waiting.contains(&id) || self.held.holds(id);
        if !task::may_change(&fact.kind, is_known) {
            return;
        }
        let metadata = serde_json::from_str::<Metadata>(&fact.meta).ok();
        if metadata.as_ref().is_some_and(|metadata| metadata.actor == ACTOR) {
            if fact.kind == "fsops.started" {
                self.learn_name(id, fact.version).await;
            }
            return;
        }
        if let Some(metadata) = metadata {
            let causation = format!("position:{}", fact.position);
            self.causes.insert(id, Caller::system(ACTOR, metadata.correlation_id, Some(causation)));
        }
        self.touch(id, fact.version).await;
    }

    /// A job that another database began keeps the name that it has in its library.
    async fn learn_name(&mut self, id: TorrentId, version: Version) {
        let job = self.load(id, version).await.and_then(|torrent| torrent.fsops).map(|job| job.id);
        if let (Some(running), Some(job)) = (self.running.get_mut(&id), job) {
            running.job = job;
        }
    }

    async fn load(&self, id: TorrentId, version: Version) -> Option<Torrent> {
        let mut backoff = Backoff::new();
        let forever = CancellationToken::new();
        loop {
            match self.application.torrent_since(id, version).await {
                Ok(known) => return known.map(|(torrent, ..)| torrent),
                Err(error) => tracing::warn!(%error, torrent = %id, "the pipeline waits for the log"),
            }
            backoff.wait(&forever).await;
        }
    }

    /// Compares what is done about a torrent with what is to be done.
    async fn touch(&mut self, id: TorrentId, version: Version) {
        let torrent = self.load(id, version).await.unwrap_or_default();
        let wanted = task::of(&torrent);
        let job = torrent.fsops.as_ref().map(|job| job.id);
        if let Some(running) = self.running.get_mut(&id) {
            running.again = true;
            if wanted != Some(running.task) || job != Some(running.job) {
                running.watched.stop();
            }
            return;
        }
        match wanted {
            Some(Task::Run) if self.held.holds(id) => {}
            Some(_) => {
                self.held.forget(id);
                self.enqueue(id);
            }
            None => self.forget(id),
        }
    }

    fn enqueue(&mut self, id: TorrentId) {
        if !self.waiting.contains(&id) && !self.running.contains_key(&id) {
            self.waiting.push_back(id);
        }
    }

    fn forget(&mut self, id: TorrentId) {
        self.waiting.retain(|waiting| *waiting != id);
        self.held.forget(id);
        self.causes.remove(&id);
    }

    async fn start_waiting(&mut self, shutdown: &CancellationToken) {
        while self.running.len() < JOBS_AT_ONCE {
            let Some(id) = self.waiting.pop_front() else { return };
            match self.assignment(id, shutdown).await {
                Ok(Some(assignment)) => self.start(id, assignment),
                Ok(None) => self.forget(id),
                Err(error) => {
                    tracing::warn!(%error, torrent = %id, "a job waits for the log");
                    let hold = Hold { code: "busy", library: None, detail: error.to_string() };
                    self.held.hold(id, hold);
                }
            }
        }
    }

    /// Everything that a thread needs; nothing, if there is nothing to do.
    async fn assignment(
        &self,
        id: TorrentId,
        shutdown: &CancellationToken,
    ) -> Result<Option<Assignment>, CommandError> {
        let Some((torrent, ..)) = self.application.torrent(id).await? else { return Ok(None) };
        let Some(task) = task::of(&torrent) else { return Ok(None) };
        let Some(job) = torrent.fsops.as_deref().cloned() else { return Ok(None) };
        let files = self.application.bodies().files(id).await.map_err(|error| {
            tracing::warn!(%error, torrent = %id, "the files of a torrent cannot be read");
            CommandError::Unavailable
        })?;
        let settings = self.application.settings().now().in_force.fsops.clone();
        let mut passwords = Vec::new();
        for of in &settings.archive_passwords {
            passwords.extend(self.application.secret(*of).await?.map(|secret| secret.as_str().to_owned()));
        }
        Ok(Some(Assignment {
            torrent,
            job,
            task,
            settings,
            files: files.unwrap_or_default(),
            libraries: self.surroundings.libraries.clone(),
            passwords,
            recorder: self.recorder(id, shutdown),
            watched: Arc::new(Watched::new(CancellationToken::new())),
        }))
    }

    fn recorder(&self, id: TorrentId, shutdown: &CancellationToken) -> Recorder {
        let caller = self.causes.get(&id).cloned();
        Recorder {
            application: self.application.clone(),
            id,
            caller: caller.unwrap_or_else(|| Caller::system(ACTOR, id.stream(), None)),
            runtime: Handle::current(),
            shutdown: shutdown.clone(),
        }
    }

    fn start(&mut self, id: TorrentId, assignment: Assignment) {
        let (job, task, watched) = (assignment.job.id, assignment.task, Arc::clone(&assignment.watched));
        let endings = self.endings.clone();
        let spawned = std::thread::Builder::new().name("fsops".to_owned()).spawn(move || {
            let ended = catch_unwind(AssertUnwindSafe(|| assignment.work())).unwrap_or(Ended::Broken);
            // Nobody hears it when the service ends.
            let _ = endings.blocking_send((id, ended));
        });
        match spawned {
            Ok(_) => {
                self.running.insert(id, Running { job, task, watched, again: false });
            }
            Err(error) => {
                let detail = format!("no thread can be started: {error}");
                self.held.hold(id, Hold { code: "busy", library: None, detail });
            }
        }
    }

    /// A thread has ended.
    async fn settle(&mut self, id: TorrentId, ended: Ended, shutdown: &CancellationToken) {
        self.application.note_fsops_progress(id, None);
        let Some(running) = self.running.remove(&id) else { return };
        let again = running.again || ended == Ended::Interrupted;
        match ended {
            Ended::Settled => {
                self.held.forget(id);
                self.causes.remove(&id);
            }
            Ended::Held(hold) => self.held.hold(id, hold),
            Ended::Interrupted => {}
            Ended::Broken => {
                let failed = FsopsFailed {
                    job: running.job,
                    step: None,
                    code: "internal".to_owned(),
                    rule: None,
                    path: None,
                    detail: "a fault of the service ended the job; its log says more".to_owned(),
                };
                let _ = self.recorder(id, shutdown).record(FsopsObservation::Failed(failed)).await;
            }
        }
        if again {
            self.touch(id, 0).await;
        }
    }

    /// The libraries were looked at: whoever waited for what is there again goes on.
    async fn go_on(&mut self, mut findings: Findings, shutdown: &CancellationToken) {
        let ready = self.held.ready(&findings, Instant::now());
        self.surroundings.take(&mut findings, self.held.complaints()).await;
        for (id, again) in ready {
            if self.running.contains_key(&id) || self.waiting.contains(&id) {
                continue;
            }
            if again == Again::Seen
                && let Some(job) = self.load(id, 0).await.and_then(|torrent| torrent.fsops).map(|job| job.id)
            {
                let resumed = FsopsObservation::Resumed(FsopsJob { job });
                let _ = self.recorder(id, shutdown).record(resumed).await;
            }
            self.enqueue(id);
        }
    }

    /// How far the jobs are, for those who follow and those who ask. A tick that the log cannot take is lost.
    async fn sample(&mut self) {
        let mut samples = Vec::new();
        for (id, running) in &self.running {
            let Some(progress) = running.watched.take() else { continue };
            #[expect(clippy::cast_precision_loss, reason = "a fraction to show: 53 bits are plenty")]
            let part = |total: u64| progress.done_bytes as f64 / total as f64;
            self.application
                .note_fsops_progress(*id, progress.total_bytes.filter(|total| *total > 0).map(part));
            samples.push(FsopsProgressSample {
                torrent: *id,
                job: running.job,
                step: words::step(progress.step),
                done_bytes: progress.done_bytes,
                total_bytes: progress.total_bytes,
            });
        }
        if samples.is_empty() {
            return;
        }
        if let Err(error) =
            self.application.log().append_samples(&self.node, pack_fsops_progress(&samples)).await
        {
            tracing::debug!(%error, "a tick of samples is lost");
        }
    }
}

fn interval(every: Duration) -> tokio::time::Interval {
    let mut interval = tokio::time::interval(every);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}
