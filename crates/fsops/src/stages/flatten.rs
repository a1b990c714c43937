//! Every file gets its name in the result. Nothing is moved: the decision is pure and is written down.

use super::extract::unpacked_files;
use crate::failure::Failure;
use crate::job::Job;
use crate::journal::{self, LAYOUT, StepReport};
use crate::layout::lay_out;
use crate::step::Step;

pub(crate) fn run(job: &mut Job<'_>) -> Result<StepReport, Failure> {
    let unpacked = unpacked_files(job)?;
    let laid = lay_out(&job.plan, &unpacked)?;
    journal::write(job.staging().dir(), LAYOUT, &laid)?;
    let bytes = laid.iter().fold(0, |sum: u64, laid| sum.saturating_add(laid.size_bytes));
    Ok(StepReport::new(Step::Flatten, laid.len(), bytes))
}
