//! What was moved is removed from the download, and the staging directory is removed.
//!
//! A file of the download is removed only if it is the one that was taken: a second name of the file in the library, or still as
//! it was when it was copied.

use super::metadata;
use crate::failure::Failure;
use crate::job::{Job, read_record};
use crate::journal::{self, FILES, Made, PlacedFile, RecordStatus, StepReport};
use crate::parents::Parents;
use crate::path::RelPath;
use crate::profile::Transfer;
use crate::stages::checksum::modified_ns;
use crate::step::Step;

pub(crate) fn run(job: &mut Job<'_>) -> Result<StepReport, Failure> {
    let files: Vec<PlacedFile> = journal::read(job.staging().dir(), FILES)?.unwrap_or_default();
    let placed = job.state.placed.clone().expect("the step before the last has placed it");
    let moved =
        if placed.made && job.plan.how.transfer == Transfer::Move { remove_moved(job, &files)? } else { 0 };
    if placed.made
        && let Some(mut record) = read_record(&job.library, &placed.destination)?
    {
        record.status = RecordStatus::Completed;
        metadata::write(job, &record)?;
    }
    job.staging().remove(&job.library)?;
    let report = StepReport::new(Step::Cleanup, moved, 0);
    job.end(&placed.destination, files, placed.made);
    Ok(report)
}

fn remove_moved(job: &Job<'_>, files: &[PlacedFile]) -> Result<usize, Failure> {
    let source = job.roots.open(&job.plan.source)?;
    let device = job.library.stat()?.st_dev;
    let mut parents = Parents::new(&source);
    let mut removed = 0;
    for (file, of) in files.iter().filter_map(|file| Some((file, file.of.as_ref()?))) {
        let (parent, name) = match parents.of(of) {
            Ok(found) => found,
            // Removed before, with its folder.
            Err(Failure::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => continue,
            Err(failure) => return Err(failure),
        };
        let Some(stat) = parent.look_name(name)? else { continue };
        let same = match file.made {
            Made::Linked => (stat.st_dev, stat.st_ino) == (device, file.inode),
            _ => modified_ns(&stat) == file.modified_ns && u64::try_from(stat.st_size) == Ok(file.size_bytes),
        };
        if same {
            parent.remove_file(name)?;
            removed += 1;
        }
    }
    drop(parents);
    // Folders of the torrent that have become empty, the deepest first.
    let mut folders: Vec<RelPath> =
        files.iter().filter_map(|file| file.of.as_ref()).flat_map(RelPath::ancestors).collect();
    folders.sort_by_key(|folder| std::cmp::Reverse(folder.components().count()));
    folders.dedup();
    for folder in folders {
        let parent = match folder.parent() {
            None => source.again()?,
            Some(parent) => match source.find_dir(parent.as_str())? {
                Some(parent) => parent,
                None => continue,
            },
        };
        parent.remove_empty_dir(folder.name())?;
    }
    Ok(removed)
}
