//! The journal is laid down beside the result. From here on the library alone says what was made and how to undo it.

use crate::failure::Failure;
use crate::job::Job;
use crate::journal::{self, FILES, PlacedFile, Record, RecordStatus, StepReport, VERSION};
use crate::step::Step;

pub(crate) fn run(job: &mut Job<'_>) -> Result<StepReport, Failure> {
    let files: Vec<PlacedFile> = journal::read(job.staging().dir(), FILES)?.unwrap_or_default();
    let report = StepReport::new(Step::Metadata, files.len(), 0);
    if let Some(placed) = job.state.placed.as_ref().filter(|placed| placed.made) {
        let record = Record {
            version: VERSION,
            status: RecordStatus::Placed,
            plan: job.plan.clone(),
            destination: placed.destination.clone(),
            made_directories: placed.made_directories.clone(),
            files,
        };
        write(job, &record)?;
    }
    Ok(report)
}

/// Writes the record of a result beside it.
pub(crate) fn write(job: &Job<'_>, record: &Record) -> Result<(), Failure> {
    let parent = job.library.parent_of(&record.destination)?;
    journal::write(&parent, &Record::name_for(&record.destination), record)
}
