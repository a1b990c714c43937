//! Everything that can be known before anything is written: the files, the destination, the space.

use rustix::fs::FileType;

use super::in_parallel;
use crate::archive::{self, Bounds};
use crate::control::Control;
use crate::dir::Dir;
use crate::failure::{Failure, Rule};
use crate::job::Job;
use crate::journal::StepReport;
use crate::parents::Parents;
use crate::path::RelPath;
use crate::profile::{OnConflict, Transfer};
use crate::step::Step;

/// What an archive is taken to unpack to that does not say it: tar is packed to a quarter at best, if it is text.
const UNPACKED_FOR_EACH_PACKED: u64 = 4;

pub(crate) fn run(job: &mut Job<'_>, control: &Control<'_>) -> Result<StepReport, Failure> {
    let plan = &job.plan;
    let source = job.roots.open(&plan.source)?;
    in_parallel(&plan.payload, |files| {
        let mut parents = Parents::new(&source);
        for file in files {
            control.check()?;
            let shown = plan.source.join(file.path.as_str());
            let incomplete = |found_bytes| Failure::Incomplete {
                path: shown.clone(),
                expected_bytes: file.size_bytes,
                found_bytes,
            };
            let (parent, name) = match parents.of(&file.path) {
                Err(Failure::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                    return Err(incomplete(None));
                }
                found => found?,
            };
            let stat = parent.look_name(name)?.ok_or_else(|| incomplete(None))?;
            match FileType::from_raw_mode(stat.st_mode) {
                FileType::RegularFile => {}
                FileType::Symlink => return Err(Failure::refused(Rule::SymbolicLink, shown)),
                _ => return Err(Failure::refused(Rule::NotRegular, shown)),
            }
            let found = u64::try_from(stat.st_size).unwrap_or(0);
            if found != file.size_bytes {
                return Err(incomplete(Some(found)));
            }
        }
        Ok(Vec::<()>::new())
    })?;
    if plan.how.on_conflict == OnConflict::Fail && job.library.look(plan.destination.as_str())?.is_some() {
        return Err(Failure::Conflict { path: plan.destination_path() });
    }
    space(job, &source)?;
    Ok(StepReport::new(Step::Verify, plan.payload.len(), plan.payload_bytes()))
}

/// Payload that will be copied and what archives say, or are taken, to unpack to. Shared blocks may need less.
fn space(job: &Job<'_>, source: &Dir) -> Result<(), Failure> {
    let plan = &job.plan;
    let crosses = source.stat()?.st_dev != job.library.stat()?.st_dev;
    let copies = match plan.how.transfer {
        Transfer::Copy => true,
        Transfer::Hardlink | Transfer::Move => crosses,
        Transfer::Symlink => false,
    };
    let mut needed = 0_u64;
    let mut packed = 0_u64;
    for archive in &plan.archives {
        let size = |path: &RelPath| {
            plan.payload.iter().find(|file| file.path == *path).map_or(0, |file| file.size_bytes)
        };
        let own: u64 = archive.volumes.iter().map(size).sum();
        packed = packed.saturating_add(own);
        let unpacked = archive::declared_bytes(source, archive)
            .unwrap_or_else(|| own.saturating_mul(UNPACKED_FOR_EACH_PACKED))
            // What says more than it may fails by its bound while it is unpacked, and not for want of space.
            .min(Bounds::FREE_BYTES.max(own.saturating_mul(plan.how.bounds.ratio_max)));
        needed = needed.saturating_add(unpacked);
    }
    if copies {
        needed = needed.saturating_add(plan.payload_bytes().saturating_sub(packed));
    }
    let free_bytes = job.library.free_bytes();
    if needed > free_bytes {
        let root = plan.library.clone();
        return Err(Failure::NoSpace { root, needed_bytes: Some(needed), free_bytes });
    }
    Ok(())
}
