//! A job: a plan that is carried out one step at a time.
//!
//! Each step is written down before and after it, in the staging directory and by whoever runs the job, and may be done again:
//! a process that ends at any instant leaves a job that goes on at the step it was at. Until the one rename of
//! [`Step::Place`] nothing in the library has changed that anybody sees.

use std::path::{Path, PathBuf};

use crate::archive::RarProgram;
use crate::control::{Control, Observer};
use crate::dir::Dir;
use crate::failure::Failure;
use crate::journal::{
    self, Failed, LAYOUT, Layout, PLAN, PlacedFile, Record, RecordStatus, STATE, State, StepReport,
};
use crate::path::{RelPath, numbered};
use crate::plan::Plan;
use crate::profile::{Cleanup, OnConflict};
use crate::roots::Roots;
use crate::stages;
use crate::staging::{RESULT, Staging};
use crate::step::Step;

/// How many numbers are tried for a name that is taken.
pub(crate) const NUMBERS_MAX: u32 = 99;

/// What is needed to open archives.
#[derive(Debug, Clone, Default)]
pub struct Tools {
    /// A program that opens RAR.
    pub rar: Option<RarProgram>,
    /// Passwords, which are tried in order on archives that are encrypted.
    pub passwords: Vec<String>,
}

/// Whoever runs a job writes its steps down, or has reasons to go no further.
pub trait Journal {
    /// A step is about to begin, perhaps again.
    fn before(&mut self, step: Step) -> Result<(), Box<dyn std::error::Error + Send + Sync>>;

    /// A step is done.
    fn after(&mut self, report: &StepReport) -> Result<(), Box<dyn std::error::Error + Send + Sync>>;
}

/// What a job made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The result.
    pub destination: PathBuf,
    /// Its files.
    pub files: Vec<PlacedFile>,
    /// Whether the same was there already, and nothing was made.
    pub was_there: bool,
    /// Whether the torrent is to be removed now, with what it downloaded.
    pub remove_torrent: bool,
}

/// A job that was begun and is not at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// What it does.
    pub plan: Plan,
    /// Its next step.
    pub next: Option<Step>,
    /// Why it stands still, if it failed.
    pub failed: Option<Failed>,
}

/// A job.
#[derive(Debug)]
pub struct Job<'a> {
    pub(crate) roots: &'a Roots,
    pub(crate) tools: &'a Tools,
    pub(crate) plan: Plan,
    pub(crate) library: Dir,
    pub(crate) staging: Option<Staging>,
    pub(crate) state: State,
    outcome: Option<Outcome>,
}

impl<'a> Job<'a> {
    /// Begins a job, or goes on with it where it was. If its plan is another than the one it was begun with and nothing is
    /// placed yet, it begins anew.
    pub fn open(roots: &'a Roots, tools: &'a Tools, plan: Plan) -> Result<Self, Failure> {
        let library = roots.open(&plan.library)?;
        if let Some(staging) = Staging::find(&library, &plan.job)? {
            let found: Option<State> = journal::read(staging.dir(), STATE)?;
            let planned: Option<Plan> = journal::read(staging.dir(), PLAN)?;
            let state = State::new(plan.job.clone());
            let mut ended =
                Self { roots, tools, plan: plan.clone(), library, staging: None, state, outcome: None };
            if let Some(record) =
                ended.find_record()?.filter(|record| record.status == RecordStatus::Completed)
            {
                // It came to its end but for the removal of the staging directory.
                staging.remove(&ended.library)?;
                ended.end(&record.destination, record.files, true);
                return Ok(ended);
            }
            let library = ended.library;
            if let (Some(state), Some(planned)) = (found, planned) {
                let mut job = Self {
                    roots,
                    tools,
                    plan: planned,
                    library,
                    staging: Some(staging),
                    state,
                    outcome: None,
                };
                if job.state.placed.is_none()
                    && !job.recognise_placed()?
                    && (job.plan != plan || job.is_of_old())
                {
                    job.begin(plan)?;
                }
                return Ok(job);
            }
            let state = State::new(plan.job.clone());
            let mut job = Self { roots, tools, plan, library, staging: Some(staging), state, outcome: None };
            job.begin(job.plan.clone())?;
            return Ok(job);
        }
        let state = State::new(plan.job.clone());
        let mut job = Self { roots, tools, plan, library, staging: None, state, outcome: None };
        if let Some(record) = job.find_record()? {
            // The last thing that it did may have been all but the removal of the directory above the staging directories.
            Staging::sweep(&job.library)?;
            job.outcome = Some(job.outcome_of(&record.destination, record.files, true));
            return Ok(job);
        }
        job.staging = Some(Staging::make(&job.library, &job.plan.job)?);
        job.begin(job.plan.clone())?;
        Ok(job)
    }

    /// The jobs that were begun in a library and are not at their end, from what lies in the library alone.
    pub fn unfinished(roots: &Roots, library: &Path) -> Result<Vec<Unfinished>, Failure> {
        let library = roots.open(library)?;
        let mut found = Vec::new();
        for job in Staging::jobs(&library)? {
            let dir = library.open_dir(&format!("{}/{job}", crate::staging::HOME))?;
            let state: Option<State> = journal::read(&dir, STATE)?;
            let plan: Option<Plan> = journal::read(&dir, PLAN)?;
            // Without both it was begun and did nothing yet.
            if let (Some(state), Some(plan)) = (state, plan) {
                found.push(Unfinished { plan, next: state.next(), failed: state.failed });
            }
        }
        Ok(found)
    }

    /// What it does.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The steps that are done, as far as the staging directory knows: nothing of a job that came to its end.
    pub fn done(&self) -> &[StepReport] {
        &self.state.done
    }

    /// The next step; none at its end.
    pub fn next(&self) -> Option<Step> {
        if self.outcome.is_some() { None } else { self.state.next() }
    }

    /// What it made, at its end.
    pub fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_ref()
    }

    /// Does the next step. A failure is written down, and the step is then still the next one.
    pub fn step(&mut self, observer: &dyn Observer) -> Result<StepReport, Failure> {
        let step = self.next().expect("whoever asks for a step has seen that there is one");
        self.state.begun = Some(step);
        self.state.failed = None;
        self.save()?;
        let done = self.perform(step, observer).and_then(|report| {
            self.state.done.push(report.clone());
            // The last step removes what would be written to.
            if step != Step::Cleanup {
                self.save()?;
            }
            Ok(report)
        });
        done.map_err(|failure| {
            let failure = self.explain(failure);
            let detail = failure.to_string();
            self.state.failed = Some(Failed { step, code: failure.code().to_owned(), detail });
            if let Err(unsaved) = self.save() {
                tracing::warn!(job = %self.plan.job, error = %unsaved, "why the step failed was not written down");
            }
            failure
        })
    }

    /// Does every step that is left.
    pub fn run(&mut self, journal: &mut dyn Journal, observer: &dyn Observer) -> Result<&Outcome, Failure> {
        while let Some(step) = self.next() {
            journal.before(step).map_err(Failure::NotRecorded)?;
            let report = self.step(observer)?;
            journal.after(&report).map_err(Failure::NotRecorded)?;
        }
        Ok(self.outcome.as_ref().expect("a job without a next step is at its end"))
    }

    /// Removes the staging directory: what was not placed is as if it had never begun. What was placed stays, and so does the
    /// download.
    pub fn discard(self) -> Result<(), Failure> {
        match &self.staging {
            Some(staging) => staging.remove(&self.library),
            None => Ok(()),
        }
    }

    fn perform(&mut self, step: Step, observer: &dyn Observer) -> Result<StepReport, Failure> {
        let total_bytes = match step {
            Step::Transfer | Step::Checksum => {
                Some(self.layout()?.iter().fold(0, |sum: u64, laid| sum.saturating_add(laid.size_bytes)))
            }
            _ => None,
        };
        let control = Control::new(observer, step, total_bytes);
        control.check()?;
        let report = match step {
            Step::Verify => stages::verify::run(self, &control),
            Step::Extract => stages::extract::run(self, &control),
            Step::Flatten => stages::flatten::run(self),
            Step::Transfer => stages::transfer::run(self, &control),
            Step::Permissions => stages::permissions::run(self, &control),
            Step::Checksum => stages::checksum::run(self, &control),
            Step::Place => stages::place::run(self),
            Step::Metadata => stages::metadata::run(self),
            Step::Cleanup => stages::cleanup::run(self),
        }?;
        control.finish();
        Ok(report)
    }

    /// A library that went away answers with errors that say nothing of that.
    fn explain(&self, failure: Failure) -> Failure {
        if !matches!(failure, Failure::Io { .. } | Failure::Journal { .. }) {
            return failure;
        }
        match self.roots.open(&self.plan.library).and_then(|now| self.same_library(&now)) {
            Err(absent @ Failure::RootAbsent { .. }) => absent,
            _ => failure,
        }
    }

    /// Whether the library that is there now is the one that is held open.
    pub(crate) fn same_library(&self, now: &Dir) -> Result<(), Failure> {
        let (was, is) = (self.library.stat()?, now.stat()?);
        if (was.st_dev, was.st_ino) == (is.st_dev, is.st_ino) {
            return Ok(());
        }
        let why = "another directory took its place while the job ran".to_owned();
        Err(Failure::RootAbsent { root: self.plan.library.clone(), why })
    }

    fn begin(&mut self, plan: Plan) -> Result<(), Failure> {
        self.staging().empty()?;
        self.state = State::new(plan.job.clone());
        self.plan = plan;
        journal::write(self.staging().dir(), PLAN, &self.plan)?;
        self.save()
    }

    /// Whether the staging directory was filled before the machine was started again: then it may lack what had not reached
    /// the disk.
    fn is_of_old(&self) -> bool {
        self.state.boot != journal::boot()
    }

    /// Whether the result is in its place although nobody came to write that down. It had reached the disk before.
    fn recognise_placed(&self) -> Result<bool, Failure> {
        let Some(placing) = &self.state.placing else { return Ok(false) };
        if self.staging().dir().look(RESULT)?.is_some() {
            return Ok(false);
        }
        let there = self.library.look(placing.destination.as_str())?;
        Ok(there.is_some_and(|stat| (stat.st_dev, stat.st_ino) == (placing.device, placing.inode)))
    }

    /// The record of a result that this job made before.
    fn find_record(&self) -> Result<Option<Record>, Failure> {
        let numbers = if self.plan.how.on_conflict == OnConflict::Rename { NUMBERS_MAX } else { 1 };
        for number in 1..=numbers {
            let destination = numbered_destination(&self.plan.destination, number)?;
            let record = read_record(&self.library, &destination)?;
            match record {
                Some(record) if record.plan.job == self.plan.job => return Ok(Some(record)),
                // A number that is free ends the row.
                None if self.library.look(destination.as_str())?.is_none() => return Ok(None),
                _ => {}
            }
        }
        Ok(None)
    }

    pub(crate) fn staging(&self) -> &Staging {
        self.staging.as_ref().expect("a job that is not at its end has a staging directory")
    }

    pub(crate) fn save(&self) -> Result<(), Failure> {
        match &self.staging {
            Some(staging) => journal::write(staging.dir(), STATE, &self.state),
            None => Ok(()),
        }
    }

    pub(crate) fn layout(&self) -> Result<Layout, Failure> {
        let missing = || Failure::Journal {
            path: self.staging().dir().shown().join(LAYOUT),
            why: "it is missing".to_owned(),
        };
        journal::read(self.staging().dir(), LAYOUT)?.ok_or_else(missing)
    }

    pub(crate) fn end(&mut self, destination: &RelPath, files: Vec<PlacedFile>, made: bool) {
        self.outcome = Some(self.outcome_of(destination, files, made));
        self.staging = None;
    }

    fn outcome_of(&self, destination: &RelPath, files: Vec<PlacedFile>, made: bool) -> Outcome {
        Outcome {
            destination: self.plan.library.join(destination.as_str()),
            files,
            was_there: !made,
            remove_torrent: self.plan.how.cleanup == Cleanup::RemoveTorrent,
        }
    }
}

/// The record beside a result; none if there is none that is whole.
pub(crate) fn read_record(library: &Dir, destination: &RelPath) -> Result<Option<Record>, Failure> {
    let parent = match destination.parent() {
        None => library.again()?,
        Some(parent) => match library.find_dir(parent.as_str())? {
            Some(parent) => parent,
            None => return Ok(None),
        },
    };
    let record: Option<Record> = journal::read(&parent, &Record::name_for(destination))?;
    Ok(record.filter(|record| record.destination == *destination && record.status != RecordStatus::Undoing))
}

/// The destination with a number, from two on.
pub(crate) fn numbered_destination(destination: &RelPath, number: u32) -> Result<RelPath, Failure> {
    if number < 2 {
        return Ok(destination.clone());
    }
    destination
        .with_name(&numbered(destination.name(), number))
        .map_err(|_| Failure::refused(crate::failure::Rule::Name, destination.as_str()))
}
