//! Everything reaches the disk, and one rename makes the result visible.
//!
//! What is about to be renamed is written down by its inode first. If the process ends between the rename and the next note, the
//! inode at the destination says that it happened.

use crate::control::{Control, Unobserved};
use crate::dir::Dir;
use crate::failure::Failure;
use crate::job::{Job, NUMBERS_MAX, numbered_destination};
use crate::journal::{self, FILES, Placed, PlacedFile, Placing, StepReport};
use crate::path::RelPath;
use crate::profile::OnConflict;
use crate::stages::permissions::give_directory;
use crate::staging::RESULT;
use crate::step::Step;

pub(crate) fn run(job: &mut Job<'_>) -> Result<StepReport, Failure> {
    if let Some(placing) = job.state.placing.clone()
        && job.staging().dir().look(RESULT)?.is_none()
    {
        return placed(job, placing);
    }
    // Somebody may have unmounted the library and left its directory: what is held open is then not what is seen.
    job.roots.open(&job.plan.library).and_then(|now| job.same_library(&now))?;
    job.staging().dir().sync_file_system()?;
    for number in 1..=NUMBERS_MAX {
        let destination = numbered_destination(&job.plan.destination, number)?;
        if job.library.look(destination.as_str())?.is_none() {
            let placing = intend(job, &destination)?;
            match rename(job, &destination) {
                Ok(()) => return placed(job, placing),
                // It came to be there between the look and the rename.
                Err(Failure::Conflict { .. }) => {}
                Err(failure) => return Err(failure),
            }
        }
        match job.plan.how.on_conflict {
            OnConflict::Rename => {}
            OnConflict::SkipIdentical if is_identical(job, &destination)? => {
                let made_directories = Vec::new();
                job.state.placed = Some(Placed { destination, made: false, made_directories });
                job.staging().dir().remove_tree(RESULT)?;
                return Ok(StepReport::new(Step::Place, 0, 0));
            }
            _ => break,
        }
    }
    Err(Failure::Conflict { path: job.plan.destination_path() })
}

fn placed(job: &mut Job<'_>, placing: Placing) -> Result<StepReport, Failure> {
    let there = job.library.look(placing.destination.as_str())?;
    let ours = there.is_some_and(|stat| (stat.st_dev, stat.st_ino) == (placing.device, placing.inode));
    if !ours {
        // It was placed, and somebody has moved or removed it since: nothing is left that could be placed.
        return Err(Failure::Journal {
            path: job.plan.library.join(placing.destination.as_str()),
            why: "the result was placed and is gone".to_owned(),
        });
    }
    parent_of(job, &placing.destination)?.sync()?;
    job.staging().dir().sync()?;
    let Placing { destination, made_directories, .. } = placing;
    job.state.placed = Some(Placed { destination, made: true, made_directories });
    let files: Vec<PlacedFile> = journal::read(job.staging().dir(), FILES)?.unwrap_or_default();
    let bytes = files.iter().fold(0, |sum: u64, file| sum.saturating_add(file.size_bytes));
    Ok(StepReport::new(Step::Place, files.len(), bytes))
}

/// Writes down what will be renamed and which directories will be made for it, and makes them.
fn intend(job: &mut Job<'_>, destination: &RelPath) -> Result<Placing, Failure> {
    let result = job.staging().dir().look(RESULT)?.ok_or_else(|| Failure::Journal {
        path: job.staging().dir().shown().join(RESULT),
        why: "the result is missing".to_owned(),
    })?;
    let mut made_directories =
        job.state.placing.take().map(|before| before.made_directories).unwrap_or_default();
    for above in destination.ancestors() {
        if !made_directories.contains(&above) && job.library.look(above.as_str())?.is_none() {
            made_directories.push(above);
        }
    }
    let placing = Placing {
        destination: destination.clone(),
        device: result.st_dev,
        inode: result.st_ino,
        made_directories,
    };
    job.state.placing = Some(placing.clone());
    job.save()?;
    for made in &placing.made_directories {
        let parent = parent_of(job, made)?;
        let dir = parent.make_dir(made.name(), job.plan.how.directory_mode)?;
        give_directory(&dir, &job.plan.how)?;
        parent.sync()?;
    }
    Ok(placing)
}

fn rename(job: &Job<'_>, destination: &RelPath) -> Result<(), Failure> {
    let staging = job.staging().dir();
    staging.rename(RESULT, &parent_of(job, destination)?, destination.name())
}

fn parent_of(job: &Job<'_>, path: &RelPath) -> Result<Dir, Failure> {
    job.library.parent_of(path)
}

/// Whether a destination holds the same names and the same bytes as the result.
fn is_identical(job: &Job<'_>, destination: &RelPath) -> Result<bool, Failure> {
    use rustix::fs::FileType;
    let kind = |stat: &rustix::fs::Stat| FileType::from_raw_mode(stat.st_mode);
    let staging = job.staging().dir();
    let (Some(ours), Some(theirs)) = (staging.look(RESULT)?, job.library.look(destination.as_str())?) else {
        return Ok(false);
    };
    let control = Control::new(&Unobserved, Step::Place, None);
    match (kind(&ours), kind(&theirs)) {
        (FileType::RegularFile, FileType::RegularFile) => {
            let (parent, shown) = (parent_of(job, destination)?, job.plan.destination_path());
            same_bytes(staging, RESULT, &parent, destination.name(), &shown, &control)
        }
        (FileType::Directory, FileType::Directory) => {
            let (ours, theirs) = (staging.open_dir(RESULT)?, job.library.open_dir(destination.as_str())?);
            let names = ours.walk()?;
            if names != theirs.walk()? {
                return Ok(false);
            }
            for (path, kind) in names {
                if kind != crate::dir::Kind::File {
                    return Ok(false);
                }
                let shown = theirs.shown().join(path.as_str());
                if !same_bytes(&ours, path.as_str(), &theirs, path.as_str(), &shown, &control)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        _ => Ok(false),
    }
}

fn same_bytes(
    ours: &Dir,
    our_name: &str,
    theirs: &Dir,
    their_name: &str,
    shown: &std::path::Path,
    control: &Control<'_>,
) -> Result<bool, Failure> {
    let (ours, theirs) = (ours.open_file(our_name)?, theirs.open_file(their_name)?);
    let size = |file: &std::fs::File| {
        file.metadata()
            .map(|metadata| metadata.len())
            .map_err(|error| Failure::of_io(error, "look at", shown))
    };
    if size(&ours)? != size(&theirs)? {
        return Ok(false);
    }
    let sum = |file| super::checksum::checksum(crate::profile::Checksum::Blake3, file, shown, control);
    Ok(sum(ours)? == sum(theirs)?)
}
