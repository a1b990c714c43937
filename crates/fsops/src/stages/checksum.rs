//! What every file of the result is: its size, its inode and, if the profile asks, a checksum of what can be read of it.
//!
//! The list is what the event of completion carries, and what an undo later compares with.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use rustix::fs::FileType;
use sha2::Digest;

use super::in_parallel;
use super::transfer::staged;
use crate::control::Control;
use crate::failure::Failure;
use crate::job::Job;
use crate::journal::{self, FILES, Made, PlacedFile, StepReport};
use crate::layout::{Laid, Origin};
use crate::parents::Parents;
use crate::profile::{self, Transfer};
use crate::step::Step;

/// Bytes that are read at a time.
const BUFFER_BYTES: usize = 1 << 20;

pub(crate) fn run(job: &mut Job<'_>, control: &Control<'_>) -> Result<StepReport, Failure> {
    let laid = job.layout()?;
    let plan = &job.plan;
    let source = job.roots.open(&plan.source)?;
    let staging = job.staging().dir();
    let files = in_parallel(&laid, |files| {
        let (mut originals, mut results) = (Parents::new(&source), Parents::new(staging));
        let mut placed = Vec::with_capacity(files.len());
        for file in files {
            control.check()?;
            let staged = staged(plan, &file.to);
            let (parent, name) = results.of(&staged)?;
            let shown = parent.shown().join(name);
            let stat = parent.look_name(name)?.ok_or_else(|| gone(file, &shown, None))?;
            let is_link = FileType::from_raw_mode(stat.st_mode) == FileType::Symlink;
            let size = u64::try_from(stat.st_size).unwrap_or(0);
            if !is_link && size != file.size_bytes {
                return Err(gone(file, &shown, Some(size)));
            }
            let checksum = match plan.how.checksum {
                profile::Checksum::None => None,
                kind => {
                    // A symbolic link is opened where it leads: beneath the source, by the same rules.
                    let opened = if is_link {
                        let (original, name) = originals.of(&file.from)?;
                        original.open_file(name)?
                    } else {
                        parent.open_file(name)?
                    };
                    Some(checksum(kind, opened, &shown, control)?)
                }
            };
            let linked =
                matches!(plan.how.transfer, Transfer::Hardlink | Transfer::Move) && stat.st_nlink > 1;
            placed.push(PlacedFile {
                path: file.to.clone(),
                size_bytes: file.size_bytes,
                modified_ns: modified_ns(&stat),
                inode: stat.st_ino,
                made: match file.origin {
                    Origin::Unpacked => Made::Unpacked,
                    Origin::Payload if is_link => Made::Symlinked,
                    Origin::Payload if linked => Made::Linked,
                    Origin::Payload => Made::Copied,
                },
                of: (file.origin == Origin::Payload).then(|| file.from.clone()),
                checksum,
            });
        }
        Ok(placed)
    })?;
    journal::write(staging, FILES, &files)?;
    let bytes = files.iter().fold(0, |sum: u64, file| sum.saturating_add(file.size_bytes));
    Ok(StepReport::new(Step::Checksum, files.len(), bytes))
}

/// When a file was changed last, in nanoseconds since 1970.
pub(crate) fn modified_ns(stat: &rustix::fs::Stat) -> i64 {
    let nanoseconds = i64::try_from(stat.st_mtime_nsec).unwrap_or(0);
    stat.st_mtime.saturating_mul(1_000_000_000).saturating_add(nanoseconds)
}

/// Reads a file to its end.
pub(crate) fn checksum(
    kind: profile::Checksum,
    mut file: File,
    shown: &Path,
    control: &Control<'_>,
) -> Result<String, Failure> {
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut sha256 = sha2::Sha256::new();
    let mut blake3 = blake3::Hasher::new();
    loop {
        let count = file.read(&mut buffer).map_err(|error| Failure::of_io(error, "read", shown))?;
        if count == 0 {
            break;
        }
        if kind == profile::Checksum::Sha256 {
            sha256.update(&buffer[..count]);
        } else {
            blake3.update(&buffer[..count]);
        }
        control.advance(count as u64)?;
    }
    Ok(if kind == profile::Checksum::Sha256 {
        hex::encode(sha256.finalize())
    } else {
        blake3.finalize().to_hex().to_string()
    })
}

fn gone(file: &Laid, shown: &Path, found_bytes: Option<u64>) -> Failure {
    Failure::Incomplete { path: shown.to_owned(), expected_bytes: file.size_bytes, found_bytes }
}
