//! Every file comes into the staging directory under its name in the result.
//!
//! A file of the download is only ever read or given a second name: it is removed, if at all, when the result is in its place.
//! A copy gets the time of its original as the last thing, which says that it is whole; a step that is done again leaves what is
//! whole and makes the rest anew.

use std::path::Path;

use rustix::fs::{FileType, Stat, Timespec, Timestamps};
use rustix::io::Errno;

use super::in_parallel;
use crate::control::Control;
use crate::copy::Copier;
use crate::dir::Dir;
use crate::failure::{Failure, Rule};
use crate::job::Job;
use crate::journal::StepReport;
use crate::layout::{Laid, Origin};
use crate::parents::Parents;
use crate::path::RelPath;
use crate::plan::{Plan, Shape};
use crate::profile::{Transfer, TransferFallback};
use crate::staging::RESULT;
use crate::step::Step;

pub(crate) fn run(job: &mut Job<'_>, control: &Control<'_>) -> Result<StepReport, Failure> {
    let laid = job.layout()?;
    let source = job.roots.open(&job.plan.source)?;
    let staging = job.staging().dir();
    if job.plan.shape == Shape::Folder {
        staging.make_dir(RESULT, 0o700)?;
    }
    let copier = Copier::new();
    in_parallel(&laid, |files| {
        let mut transfer = OneByOne {
            plan: &job.plan,
            copier: &copier,
            control,
            from_source: Parents::new(&source),
            from_staging: Parents::new(staging),
            to: Parents::new(staging),
        };
        for file in files {
            control.check()?;
            transfer.bring(file)?;
        }
        Ok(Vec::<()>::new())
    })?;
    let bytes = laid.iter().fold(0, |sum: u64, laid| sum.saturating_add(laid.size_bytes));
    Ok(StepReport::new(Step::Transfer, laid.len(), bytes))
}

/// Where a file of the result lies in the staging directory.
pub(crate) fn staged(plan: &Plan, to: &RelPath) -> RelPath {
    let result = RelPath::parse(RESULT).expect("a plain name is a path");
    if plan.shape == Shape::File { result } else { result.join(to) }
}

struct OneByOne<'a> {
    plan: &'a Plan,
    copier: &'a Copier,
    control: &'a Control<'a>,
    from_source: Parents<'a>,
    from_staging: Parents<'a>,
    to: Parents<'a>,
}

impl OneByOne<'_> {
    fn bring(&mut self, file: &Laid) -> Result<(), Failure> {
        let staged = staged(self.plan, &file.to);
        let (to, to_name) = self.to.make(&staged, 0o700)?;
        let there = to.look_name(to_name)?;
        if file.origin == Origin::Unpacked {
            // A rename that happened is known by the name that it gave.
            if there.is_some() {
                return Ok(());
            }
            let (from, from_name) = self.from_staging.of(&file.from)?;
            return from.rename(from_name, to, to_name);
        }
        let shown = self.plan.source.join(file.from.as_str());
        let (from, from_name) = self.from_source.of(&file.from)?;
        let stat = regular(from, from_name, file, &shown)?;
        if self.plan.how.transfer == Transfer::Symlink {
            return symlink(to, to_name, there.is_some(), &shown);
        }
        match there {
            Some(there) if same_file(&there, &stat) || is_whole(&there, &stat) => return Ok(()),
            Some(_) => to.remove_file(to_name)?,
            None => {}
        }
        if self.plan.how.transfer == Transfer::Copy {
            return self.copier.bring(from, from_name, to, to_name, file, self.plan, self.control);
        }
        let why_not = match may_link(self.plan, &stat, &shown) {
            Ok(()) => match from.link(from_name, to, to_name) {
                Ok(()) => return linked(to, to_name, &stat, &shown),
                Err(Errno::XDEV | Errno::PERM | Errno::MLINK | Errno::OPNOTSUPP | Errno::INVAL) => {
                    Failure::NoLink { path: shown }
                }
                Err(errno) => return Err(Failure::of(errno, "link", &shown)),
            },
            Err(shared) => shared,
        };
        match self.plan.how.transfer_fallback {
            TransferFallback::Copy => {
                self.copier.bring(from, from_name, to, to_name, file, self.plan, self.control)
            }
            TransferFallback::Fail => Err(why_not),
        }
    }
}

/// The file is what the plan says that it is.
fn regular(from: &Dir, name: &str, file: &Laid, shown: &Path) -> Result<Stat, Failure> {
    let incomplete = |found_bytes| Failure::Incomplete {
        path: shown.to_owned(),
        expected_bytes: file.size_bytes,
        found_bytes,
    };
    let stat = from.look_name(name)?.ok_or_else(|| incomplete(None))?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => {}
        FileType::Symlink => return Err(Failure::refused(Rule::SymbolicLink, shown)),
        _ => return Err(Failure::refused(Rule::NotRegular, shown)),
    }
    let found = u64::try_from(stat.st_size).unwrap_or(0);
    if found == file.size_bytes { Ok(stat) } else { Err(incomplete(Some(found))) }
}

fn same_file(a: &Stat, b: &Stat) -> bool {
    (a.st_dev, a.st_ino) == (b.st_dev, b.st_ino)
}

fn is_whole(copy: &Stat, original: &Stat) -> bool {
    (copy.st_size, copy.st_mtime, copy.st_mtime_nsec)
        == (original.st_size, original.st_mtime, original.st_mtime_nsec)
}

/// A mode or an owner would be given to every name of the file. One that has names besides the download's is left alone: it
/// may be somebody's who was not asked.
fn may_link(plan: &Plan, stat: &Stat, shown: &Path) -> Result<(), Failure> {
    let how = &plan.how;
    let changes = (how.mode_asked && stat.st_mode & 0o7777 != how.file_mode)
        || how.owner.is_some_and(|owner| owner != stat.st_uid)
        || how.group.is_some_and(|group| group != stat.st_gid);
    if changes && stat.st_nlink > 1 {
        return Err(Failure::refused(Rule::SharedByHardlink, shown));
    }
    Ok(())
}

/// The name may have become another file's between the look and the link.
fn linked(to: &Dir, name: &str, stat: &Stat, shown: &Path) -> Result<(), Failure> {
    match to.look_name(name)? {
        Some(now) if same_file(&now, stat) => Ok(()),
        _ => {
            to.remove_file(name)?;
            Err(Failure::refused(Rule::NotRegular, shown))
        }
    }
}

fn symlink(to: &Dir, name: &str, is_there: bool, shown: &Path) -> Result<(), Failure> {
    if is_there {
        if to.read_link(name)? == shown {
            return Ok(());
        }
        to.remove_file(name)?;
    }
    to.make_link(name, shown)
}

impl Copier {
    #[expect(clippy::too_many_arguments, reason = "a name is two of them")]
    fn bring(
        &self,
        from: &Dir,
        from_name: &str,
        to: &Dir,
        to_name: &str,
        file: &Laid,
        plan: &Plan,
        control: &Control<'_>,
    ) -> Result<(), Failure> {
        let shown = to.shown().join(to_name);
        let source = from.open_file(from_name)?;
        let stat = rustix::fs::fstat(&source).map_err(|errno| Failure::of(errno, "look at", &shown))?;
        let copy = to.create_file(to_name, 0o600)?;
        self.copy(&source, &copy, file.size_bytes, &shown, control).map_err(|failure| match failure {
            Failure::NoSpace { needed_bytes, .. } => {
                Failure::NoSpace { root: plan.library.clone(), needed_bytes, free_bytes: to.free_bytes() }
            }
            other => other,
        })?;
        let mode = rustix::fs::Mode::from_raw_mode(plan.how.file_mode);
        rustix::fs::fchmod(&copy, mode).map_err(|errno| Failure::of(errno, "set the mode of", &shown))?;
        let now = Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_NOW };
        let modified =
            Timespec { tv_sec: stat.st_mtime, tv_nsec: i64::try_from(stat.st_mtime_nsec).unwrap_or(0) };
        rustix::fs::futimens(&copy, &Timestamps { last_access: now, last_modification: modified })
            .map_err(|errno| Failure::of(errno, "set the time of", &shown))
    }
}
