//! Modes and owners, given to open files in the staging directory before anybody else can see them.

use rustix::fs::{FileType, Gid, Mode, Uid};

use super::in_parallel;
use super::transfer::staged;
use crate::control::Control;
use crate::dir::{Dir, Kind};
use crate::failure::Failure;
use crate::job::Job;
use crate::journal::StepReport;
use crate::layout::Origin;
use crate::parents::Parents;
use crate::plan::Shape;
use crate::profile::{How, Transfer};
use crate::staging::RESULT;
use crate::step::Step;

pub(crate) fn run(job: &mut Job<'_>, control: &Control<'_>) -> Result<StepReport, Failure> {
    let laid = job.layout()?;
    let plan = &job.plan;
    let staging = job.staging().dir();
    in_parallel(&laid, |files| {
        let mut parents = Parents::new(staging);
        for file in files {
            control.check()?;
            let staged = staged(plan, &file.to);
            let (parent, name) = parents.of(&staged)?;
            let Some(stat) = parent.look_name(name)? else { continue };
            if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
                continue;
            }
            let linked = file.origin == Origin::Payload
                && matches!(plan.how.transfer, Transfer::Hardlink | Transfer::Move)
                && stat.st_nlink > 1;
            // The mode of a file that has a second name stays the download's, unless somebody asked for another.
            let mode = (!linked || plan.how.mode_asked).then_some(plan.how.file_mode);
            let fits = mode.is_none_or(|mode| stat.st_mode & 0o7777 == mode)
                && owned(&plan.how, stat.st_uid, stat.st_gid);
            if !fits {
                let file = parent.open_file(name)?;
                give(&file, &plan.how, mode)
                    .map_err(|errno| Failure::of(errno, "set the mode of", &parent.shown().join(name)))?;
            }
        }
        Ok(Vec::<()>::new())
    })?;
    if plan.shape == Shape::Folder {
        directories(&staging.open_dir(RESULT)?, &plan.how)?;
    }
    Ok(StepReport::new(Step::Permissions, laid.len(), 0))
}

fn directories(dir: &Dir, how: &How) -> Result<(), Failure> {
    for named in dir.names()?.into_iter().filter(|named| named.kind == Kind::Directory) {
        directories(&dir.open_dir(&named.name)?, how)?;
    }
    give_directory(dir, how)
}

/// Gives a directory that is ours its mode and owner.
pub(crate) fn give_directory(dir: &Dir, how: &How) -> Result<(), Failure> {
    give(&dir.fd(), how, Some(how.directory_mode))
        .map_err(|errno| Failure::of(errno, "set the mode of", dir.shown()))
}

fn owned(how: &How, uid: u32, gid: u32) -> bool {
    how.owner.is_none_or(|owner| owner == uid) && how.group.is_none_or(|group| group == gid)
}

/// The owner first: giving a file away takes bits off its mode.
fn give(file: &impl rustix::fd::AsFd, how: &How, mode: Option<u32>) -> Result<(), rustix::io::Errno> {
    if how.owner.is_some() || how.group.is_some() {
        rustix::fs::fchown(file, how.owner.map(Uid::from_raw), how.group.map(Gid::from_raw))?;
    }
    match mode {
        Some(mode) => rustix::fs::fchmod(file, Mode::from_raw_mode(mode)),
        None => Ok(()),
    }
}
