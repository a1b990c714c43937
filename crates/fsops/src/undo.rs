//! The library as it was before a job: what the record of its result says that it made is removed, and nothing else.
//!
//! Nothing is removed that has changed since, and never the last copy of anything: a file whose original is gone from the
//! download is put back there. The result leaves the library by one rename and is taken apart in the staging directory, so that an
//! undo that is interrupted goes on.

use std::path::{Path, PathBuf};

use rustix::fs::FileType;

use crate::control::{Control, Unobserved};
use crate::copy::Copier;
use crate::dir::{Dir, Kind};
use crate::failure::Failure;
use crate::journal::{self, Made, PlacedFile, Record, RecordStatus};
use crate::path::RelPath;
use crate::plan::Shape;
use crate::roots::Roots;
use crate::stages::checksum::{checksum, modified_ns};
use crate::staging::{HOME, RESULT, Staging};
use crate::step::Step;

/// The record in the staging directory of an undo.
const UNDO: &str = "undo.json";

/// What an undo did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undone {
    /// The job.
    pub job: RelPath,
    /// Files that were removed from the library.
    pub removed: u64,
    /// Files that were put back into the download, since they were its last copy.
    pub put_back: Vec<PathBuf>,
}

/// Why nothing was undone.
#[derive(Debug, thiserror::Error)]
pub enum UndoRefused {
    /// Nothing beside the destination says that it was made here.
    #[error("`{}` has no record", destination.display())]
    NoRecord {
        /// The destination.
        destination: PathBuf,
    },
    /// Files are not as they were made, or were added.
    #[error("{} files have changed, beginning with `{}`", paths.len(), paths[0].display())]
    Changed {
        /// Which, at least one.
        paths: Vec<PathBuf>,
    },
    /// The archive that a file came out of is gone, so this is the last copy and there is no place to put it back to.
    #[error("`{}` came out of an archive that is gone", path.display())]
    LastCopy {
        /// The file.
        path: PathBuf,
    },
    /// Something else stands in the way.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// Undoes the job that made a result.
pub fn undo(roots: &Roots, library_path: &Path, destination: &RelPath) -> Result<Undone, UndoRefused> {
    let library = roots.open(library_path)?;
    let shown = library_path.join(destination.as_str());
    let no_record = || UndoRefused::NoRecord { destination: shown.clone() };
    let name = Record::name_for(destination);
    let parent = match destination.parent() {
        None => Some(library.again()?),
        Some(parent) => library.find_dir(parent.as_str())?,
    };
    let beside: Option<Record> = match &parent {
        Some(parent) => journal::read(parent, &name)?,
        None => None,
    };
    let mut put_back = Vec::new();
    let (record, staging) = if let Some(begun) = find_begun(&library, destination)? {
        begun
    } else {
        let of_this =
            |record: &Record| record.destination == *destination && record.plan.library == library_path;
        let (Some(parent), Some(mut record)) = (&parent, beside.filter(of_this)) else {
            Staging::sweep(&library)?;
            return Err(no_record());
        };
        unchanged(parent, &record, &shown)?;
        put_back = put_back_last_copies(roots, parent, &record)?;
        record.status = RecordStatus::Undoing;
        let staging = Staging::make(&library, &record.plan.job)?;
        journal::write(staging.dir(), UNDO, &record)?;
        (record, staging)
    };
    if let Some(parent) = parent {
        // Beside what the job itself may have left there nothing has this name.
        if staging.dir().look(RESULT)?.is_none() && parent.look_name(destination.name())?.is_some() {
            parent.rename(destination.name(), staging.dir(), RESULT)?;
        }
        parent.remove_file(&name)?;
        parent.sync()?;
    }
    for made in record.made_directories.iter().rev() {
        // One that others have put something into meanwhile stays.
        if let Some(above) = found_parent(&library, made)? {
            above.remove_empty_dir(made.name())?;
        }
    }
    // The copy of the record goes last: until then an undo that was interrupted is found by it.
    staging.dir().remove_tree(RESULT)?;
    staging.remove(&library)?;
    Ok(Undone { job: record.plan.job, removed: record.files.len() as u64, put_back })
}

/// The record of an undo that was begun, from the staging directory that it was copied into.
fn find_begun(library: &Dir, destination: &RelPath) -> Result<Option<(Record, Staging)>, Failure> {
    for job in Staging::jobs(library)? {
        let Some(dir) = library.find_dir(&format!("{HOME}/{job}"))? else { continue };
        let record: Option<Record> = journal::read(&dir, UNDO)?;
        if let Some(record) = record.filter(|record| record.destination == *destination)
            && let Some(staging) = Staging::find(library, &job)?
        {
            return Ok(Some((record, staging)));
        }
    }
    Ok(None)
}

fn found_parent(library: &Dir, path: &RelPath) -> Result<Option<Dir>, Failure> {
    path.parent().map_or_else(|| library.again().map(Some), |parent| library.find_dir(parent.as_str()))
}

/// Every file is as it was made, and there is none besides.
fn unchanged(parent: &Dir, record: &Record, shown: &Path) -> Result<(), UndoRefused> {
    let mut changed = Vec::new();
    let destination = record.destination.name();
    if record.shape() == Shape::File {
        let file = record
            .files
            .first()
            .filter(|file| is_as_made(parent, destination, file, record).unwrap_or(false));
        if file.is_none() {
            changed.push(shown.to_owned());
        }
    } else if let Some(result) = parent.find_dir(destination)? {
        let known: std::collections::HashSet<&RelPath> = record.files.iter().map(|file| &file.path).collect();
        for (path, kind) in result.walk()? {
            if kind == Kind::Other || !known.contains(&path) {
                changed.push(shown.join(path.as_str()));
            }
        }
        for file in &record.files {
            if !is_as_made(&result, file.path.as_str(), file, record)? {
                changed.push(shown.join(file.path.as_str()));
            }
        }
    } else {
        changed.push(shown.to_owned());
    }
    if changed.is_empty() { Ok(()) } else { Err(UndoRefused::Changed { paths: changed }) }
}

fn is_as_made(dir: &Dir, path: &str, file: &PlacedFile, record: &Record) -> Result<bool, Failure> {
    let Some(stat) = dir.look(path)? else { return Ok(false) };
    let is_link = FileType::from_raw_mode(stat.st_mode) == FileType::Symlink;
    if is_link || file.made == Made::Symlinked {
        return Ok(is_link && file.made == Made::Symlinked && stat.st_ino == file.inode);
    }
    if u64::try_from(stat.st_size) != Ok(file.size_bytes) {
        return Ok(false);
    }
    if stat.st_ino == file.inode && modified_ns(&stat) == file.modified_ns {
        return Ok(true);
    }
    // A library that was restored from a backup has other inodes: then the checksum speaks, if there is one.
    match &file.checksum {
        Some(expected) => {
            let control = Control::new(&Unobserved, Step::Cleanup, None);
            let opened = dir.open_file(path)?;
            let found = checksum(record.plan.how.checksum, opened, &dir.shown().join(path), &control)?;
            Ok(found == *expected)
        }
        None => Ok(false),
    }
}

/// Gives back to the download what is nowhere else.
fn put_back_last_copies(roots: &Roots, parent: &Dir, record: &Record) -> Result<Vec<PathBuf>, UndoRefused> {
    let plan = &record.plan;
    let source = roots.open(&plan.source)?;
    let destination = record.destination.name();
    let folder = match record.shape() {
        Shape::File => None,
        Shape::Folder => Some(parent.open_dir(destination)?),
    };
    if record.files.iter().any(|file| file.made == Made::Unpacked) {
        for volume in plan.archives.iter().flat_map(|archive| &archive.volumes) {
            if source.look(volume.as_str())?.is_none() {
                return Err(UndoRefused::LastCopy { path: plan.source.join(volume.as_str()) });
            }
        }
    }
    let mut put_back = Vec::new();
    for (file, of) in record.files.iter().filter_map(|file| Some((file, file.of.as_ref()?))) {
        if file.made == Made::Symlinked || is_there(&source, of)? {
            continue;
        }
        let (from, from_name) = match &folder {
            Some(folder) => (folder.parent_of(&file.path)?, file.path.name()),
            None => (parent.again()?, destination),
        };
        let to = match of.parent() {
            Some(parent) => source.make_dirs(&parent, 0o755)?,
            None => source.again()?,
        };
        let shown = plan.source.join(of.as_str());
        if from.link(from_name, &to, of.name()).is_err() {
            copy_back(&from, from_name, &to, of.name(), file, &shown)?;
        }
        to.sync()?;
        put_back.push(shown);
    }
    Ok(put_back)
}

fn is_there(source: &Dir, of: &RelPath) -> Result<bool, Failure> {
    match source.look(of.as_str()) {
        Ok(stat) => Ok(stat.is_some()),
        Err(failure) => Err(failure),
    }
}

/// A copy that is not whole must not look as if it were: it gets its name last.
fn copy_back(
    from: &Dir,
    from_name: &str,
    to: &Dir,
    to_name: &str,
    file: &PlacedFile,
    shown: &Path,
) -> Result<(), Failure> {
    let partial = ".revaer-put-back".to_owned();
    to.remove_file(&partial)?;
    let copy = to.create_file(&partial, 0o644)?;
    let control = Control::new(&Unobserved, Step::Cleanup, None);
    Copier::new().copy(&from.open_file(from_name)?, &copy, file.size_bytes, shown, &control)?;
    copy.sync_all().map_err(|error| Failure::of_io(error, "sync", shown))?;
    to.rename(&partial, to, to_name)
}
