//! One job on a thread of its own: run, ended or taken back, step by step, each recorded before the next begins.
//!
//! The thread is the least of all: the lowest priority for the processor, from which the kernel takes that for the disk, and what
//! it starts (threads that copy, programs that unpack) inherits both. Neither the API nor the session waits for it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use revaer_application::TorrentFile;
use revaer_domain::fsops::{
    FsopsCancelled, FsopsFailed, FsopsObservation, FsopsStarted, FsopsUndone, Job, Step,
};
use revaer_domain::settings::FsopsSettings;
use revaer_domain::torrent::Torrent;
use revaer_domain::values::JobId;
use revaer_fsops::{
    Failure, Job as Work, Plan, RelPath, Roots, StepReport, Tools, UndoRefused, Unfinished, find_rar_program,
    undo,
};
use serde_json::Value;

use super::libraries::Libraries;
use super::plan::{self, Unplanned};
use super::recorder::{Recorder, Unrecorded};
use super::watched::{Unstoppable, Watched};
use super::words;

/// The least of all priorities, as `nice` counts them.
const NICE: i32 = 19;

/// What is to be done with a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Task {
    /// It goes on.
    Run,
    /// It ends, and nothing of it is left.
    Cancel,
    /// Its result is taken back.
    Undo,
}

/// Everything that a thread needs, so that it asks nobody.
pub(super) struct Assignment {
    pub(super) torrent: Torrent,
    pub(super) job: Job,
    pub(super) task: Task,
    pub(super) settings: FsopsSettings,
    pub(super) files: Vec<TorrentFile>,
    pub(super) libraries: Libraries,
    pub(super) passwords: Vec<String>,
    pub(super) recorder: Recorder,
    pub(super) watched: Arc<Watched>,
}

/// How it came to an end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ended {
    /// Nothing is left to do.
    Settled,
    /// It waits for something of this machine.
    Held(Hold),
    /// It was told to stop, and goes on when it is asked for again.
    Interrupted,
    /// A fault of ours ended it.
    Broken,
}

/// What it waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hold {
    /// See `revaer_fsops::Failure::code`.
    pub(super) code: &'static str,
    /// The library that it is about.
    pub(super) library: Option<PathBuf>,
    /// For people.
    pub(super) detail: String,
}

impl From<Unrecorded> for Ended {
    fn from(_: Unrecorded) -> Self {
        Self::Interrupted
    }
}

impl Assignment {
    /// Does it, on the thread that calls.
    pub(super) fn work(self) -> Ended {
        if let Err(error) = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICE) {
            tracing::debug!(%error, "a job runs with the priority of the service");
        }
        let roots = match self.libraries.roots() {
            Ok(roots) => roots,
            Err(failure) => return self.judge(self.job.id, None, &failure),
        };
        let tools =
            Tools { rar: find_rar_program(&self.libraries.search_path), passwords: self.passwords.clone() };
        let ended = match self.task {
            Task::Run => self.run(&roots, &tools),
            Task::Cancel => self.cancel(&roots, &tools),
            Task::Undo => self.undo(&roots),
        };
        ended.unwrap_or_else(|ended| ended)
    }

    fn run(&self, roots: &Roots, tools: &Tools) -> Result<Ended, Ended> {
        let rules = plan::rules(&self.job, &self.settings).map_err(|why| self.unplanned(why))?;
        let whose = (self.recorder.id, &self.torrent);
        let planned = plan::plan(whose, &self.job, &rules, &self.files, &self.libraries.download_root)
            .map_err(|why| self.unplanned(why))?;
        let begun = |failure: Failure| {
            self.judge(self.job.id, self.job.started.as_ref().and(self.job.stage()), &failure)
        };
        let planned = self.begun_before(roots, tools, planned).map_err(begun)?;
        let mut work = Work::open(roots, tools, planned).map_err(begun)?;
        let job = self.start(&work, rules)?;
        self.catch_up(job, &work)?;
        while let Some(next) = work.next() {
            if self.watched.is_stopped() && next <= revaer_fsops::Step::Place {
                return Err(Ended::Interrupted);
            }
            let report = self
                .perform(&mut work, next)
                .map_err(|failure| self.judge(job, Some(words::step(next)), &failure))?;
            self.recorder.tell(FsopsObservation::StepFinished(words::step_finished(job, &report)))?;
        }
        let outcome = work.outcome().expect("a job without a next step is at its end");
        let completed = words::completed(job, work.plan().how.checksum, outcome);
        let remove_torrent = outcome.remove_torrent;
        self.recorder.tell(FsopsObservation::Completed { completed, remove_torrent })?;
        Ok(Ended::Settled)
    }

    /// The one place where a step begins and ends.
    fn perform(&self, work: &mut Work<'_>, step: revaer_fsops::Step) -> Result<StepReport, Failure> {
        let span =
            tracing::info_span!("fsops step", torrent = %self.recorder.id, job = %work.plan().job, %step);
        let _entered = span.enter();
        tracing::debug!("begins");
        let report = if step > revaer_fsops::Step::Place {
            work.step(&Unstoppable(&self.watched))
        } else {
            work.step(self.watched.as_ref())
        };
        match &report {
            Ok(report) => tracing::debug!(files = report.files, bytes = report.bytes, "done"),
            Err(failure) => {
                tracing::info!(code = failure.code(), error = failure as &dyn std::error::Error, "not done");
            }
        }
        report
    }

    /// Says what was decided; the job by the name that it has in its library.
    fn start(&self, work: &Work<'_>, rules: Value) -> Result<JobId, Ended> {
        let plan = work.plan();
        let job = plan.job.as_str().parse().unwrap_or(self.job.id);
        let started = FsopsStarted {
            job,
            attempt: self.job.attempt,
            from: work.next().map_or(Step::Cleanup, words::step),
            rules,
            library: plan.library.to_string_lossy().into_owned(),
            destination: plan.destination.as_str().to_owned(),
            files: plan.payload.len() as u64,
            bytes: plan.payload_bytes(),
        };
        let told = FsopsObservation::Started { of: self.job.id, started: Box::new(started) };
        self.recorder.tell(told)?;
        Ok(job)
    }

    /// Tells of steps that a process did which ended before it could tell.
    fn catch_up(&self, job: JobId, work: &Work<'_>) -> Result<(), Ended> {
        let is_news = |step: Step| self.job.done.is_none_or(|done| done < step);
        let known = work.done().iter().map(|report| words::step_finished(job, report));
        // Of a job at its end the staging directory is gone, and with it what its last steps dealt with.
        let ended = Step::ALL.into_iter().filter(|_| work.outcome().is_some()).map(|step| {
            let report = StepReport {
                step: revaer_fsops::Step::ALL[step as usize],
                files: 0,
                bytes: 0,
                left_out: vec![],
            };
            words::step_finished(job, &report)
        });
        for finished in known.chain(ended).filter(|finished| is_news(finished.step)) {
            self.recorder.tell(FsopsObservation::StepFinished(finished))?;
        }
        Ok(())
    }

    /// The plan that a job of the same torrent was begun with and that still lies in the library. A job of this torrent's past
    /// is cleared away; one that another database knew, of the same torrent and for the same work, is gone on with.
    fn begun_before(&self, roots: &Roots, tools: &Tools, planned: Plan) -> Result<Plan, Failure> {
        let mut adopted = None;
        for Unfinished { plan, next, .. } in Work::unfinished(roots, &planned.library)? {
            if plan.job == planned.job || is_placed(next) {
                continue;
            }
            if plan.torrent == planned.torrent {
                Work::open(roots, tools, plan)?.discard()?;
            } else if self.job.started.is_none()
                && plan::is_same_work(&plan, &planned)
                && !self.is_known(&plan.torrent)
            {
                tracing::info!(job = %plan.job, "a job that another database began goes on");
                adopted = Some(plan);
            }
        }
        Ok(adopted.unwrap_or(planned))
    }

    /// Whether the log knows a torrent. One that cannot be asked is taken for known.
    fn is_known(&self, torrent: &str) -> bool {
        let Ok(id) = torrent.parse() else { return true };
        let known = self.recorder.runtime.block_on(self.recorder.application.torrent(id));
        known.map_or(true, |known| known.is_some())
    }

    fn cancel(&self, roots: &Roots, tools: &Tools) -> Result<Ended, Ended> {
        let begun =
            self.staged(roots).map_err(|failure| self.judge(self.job.id, self.job.stage(), &failure))?;
        let placed = begun.as_ref().is_some_and(|begun| is_placed(begun.next));
        if placed || self.job.done.is_some_and(|done| done >= Step::Place) {
            // Too late: what is seen already is not torn away half-way. It comes to its end, and can be undone.
            return self.run(roots, tools);
        }
        if let Some(begun) = begun {
            let cleared = Work::open(roots, tools, begun.plan).and_then(Work::discard);
            cleared.map_err(|failure| self.judge(self.job.id, self.job.stage(), &failure))?;
        }
        let cancelled = FsopsCancelled { job: self.job.id, step: self.job.stage() };
        self.recorder.tell(FsopsObservation::Cancelled(cancelled))?;
        Ok(Ended::Settled)
    }

    /// What lies of the job in a library: in the one that it was started for, else in any that can be looked into.
    fn staged(&self, roots: &Roots) -> Result<Option<Unfinished>, Failure> {
        let job = self.job.id.to_string();
        let own = |found: Vec<Unfinished>| found.into_iter().find(|begun| begun.plan.job.as_str() == job);
        if let Some(started) = &self.job.started {
            return Work::unfinished(roots, Path::new(&started.library)).map(own);
        }
        let mut found =
            self.libraries.of_profiles.iter().filter_map(|library| Work::unfinished(roots, library).ok());
        Ok(found.find_map(own))
    }

    fn undo(&self, roots: &Roots) -> Result<Ended, Ended> {
        let job = self.job.id;
        let undone = |removed: u64, put_back: &[PathBuf]| {
            FsopsObservation::Undone(FsopsUndone { job, removed, put_back: words::paths(put_back) })
        };
        // What was there before is nothing of the job's own.
        let observation = match self.result().filter(|_| !self.job.was_there) {
            None => undone(0, &[]),
            Some((library, destination)) => match undo(roots, &library, &destination) {
                Ok(done) => undone(done.removed, &done.put_back),
                // Taken back by a process that ended before it could tell, or by somebody else.
                Err(UndoRefused::NoRecord { destination })
                    if std::fs::symlink_metadata(&destination).is_err() =>
                {
                    undone(0, &[])
                }
                Err(UndoRefused::Failed(failure)) if failure.passes() => {
                    return Err(Ended::Held(self.hold(&failure)));
                }
                Err(refused) => FsopsObservation::UndoFailed(words::undo_failed(job, &refused)),
            },
        };
        self.recorder.tell(observation)?;
        Ok(Ended::Settled)
    }

    /// The library, and the place of the result beneath it.
    fn result(&self) -> Option<(PathBuf, RelPath)> {
        let library = PathBuf::from(&self.job.started.as_ref()?.library);
        let destination = Path::new(self.job.destination.as_ref()?).strip_prefix(&library).ok()?;
        Some((library, RelPath::parse(destination.to_str()?).ok()?))
    }

    fn unplanned(&self, why: Unplanned) -> Ended {
        let (code, detail) = match why {
            Unplanned::ProfileMissing(name) => ("profile_missing", format!("there is no profile `{name}`")),
            Unplanned::ProfileInvalid(detail) => ("profile_invalid", detail),
            Unplanned::Failed(failure) => return self.judge(self.job.id, None, &failure),
        };
        let failed = FsopsFailed {
            job: self.job.id,
            step: None,
            code: code.to_owned(),
            rule: None,
            path: None,
            detail,
        };
        match self.recorder.tell(FsopsObservation::Failed(failed)) {
            Ok(()) => Ended::Settled,
            Err(unrecorded) => unrecorded.into(),
        }
    }

    /// What a failure means: some pass by themselves, others do not.
    fn judge(&self, job: JobId, at: Option<Step>, failure: &Failure) -> Ended {
        let (observation, ended) = match failure {
            Failure::Cancelled | Failure::NotRecorded(_) => return Ended::Interrupted,
            failure if failure.passes() => {
                (FsopsObservation::Held(words::held(job, at, failure)), Ended::Held(self.hold(failure)))
            }
            failure => (FsopsObservation::Failed(words::failed(job, at, failure)), Ended::Settled),
        };
        match self.recorder.tell(observation) {
            Ok(()) => ended,
            Err(unrecorded) => unrecorded.into(),
        }
    }

    fn hold(&self, failure: &Failure) -> Hold {
        let started = self.job.started.as_ref().map(|started| PathBuf::from(&started.library));
        let library = || {
            self.settings.profiles.get(&self.job.profile).map(|profile| PathBuf::from(&profile.library_root))
        };
        Hold { code: failure.code(), library: started.or_else(library), detail: words::detail(failure) }
    }
}

/// Whether the result is in its place: then a job can only go on.
fn is_placed(next: Option<revaer_fsops::Step>) -> bool {
    next.is_none_or(|next| next > revaer_fsops::Step::Place)
}
