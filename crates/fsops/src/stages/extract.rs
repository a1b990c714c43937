//! Archives are unpacked into the staging directory, each into a folder of its own; then the archives among what came out.
//!
//! Done again it begins anew: what half an archive left is not told from what it should have been.

use crate::archive::{self, Archive, Meter, Unpacker};
use crate::control::Control;
use crate::dir::{Dir, Kind};
use crate::failure::{Failure, Rule};
use crate::job::Job;
use crate::journal::{Folder, StepReport};
use crate::layout::UnpackedFile;
use crate::path::RelPath;
use crate::staging::UNPACKED;
use crate::step::Step;

pub(crate) fn run(job: &mut Job<'_>, control: &Control<'_>) -> Result<StepReport, Failure> {
    let staging = job.staging().dir().again()?;
    staging.remove_tree(UNPACKED)?;
    job.state.folders.clear();
    job.state.consumed.clear();
    let mut report = StepReport::new(Step::Extract, 0, 0);
    if job.plan.archives.is_empty() {
        return Ok(report);
    }
    let source = job.roots.open(&job.plan.source)?;
    staging.make_dir(UNPACKED, 0o700)?;
    let mut work = Work {
        unpacker: Unpacker { passwords: &job.tools.passwords, rar: job.tools.rar.as_ref(), control },
        meter: Meter::new(job.plan.how.bounds),
        staging: &staging,
        depth_max: job.plan.how.bounds.depth_max,
        folders: Vec::new(),
        consumed: Vec::new(),
        report: &mut report,
    };
    let unpacked = job.plan.archives.iter().try_for_each(|archive| {
        let stands_for = archive::folder_of(archive);
        work.unpack(&source, archive, stands_for.as_ref(), 1)
    });
    let (folders, consumed, bytes) = (work.folders, work.consumed, work.meter.total_bytes());
    if let Err(failure) = unpacked {
        // What was unpacked is of no use by itself; the reason is in the journal.
        staging.remove_tree(UNPACKED)?;
        return Err(failure);
    }
    report.bytes = bytes;
    job.state.folders = folders;
    job.state.consumed = consumed;
    Ok(report)
}

struct Work<'a> {
    unpacker: Unpacker<'a>,
    meter: Meter,
    staging: &'a Dir,
    depth_max: u32,
    folders: Vec<Folder>,
    consumed: Vec<Archive>,
    report: &'a mut StepReport,
}

impl Work<'_> {
    fn unpack(
        &mut self,
        from: &Dir,
        archive: &Archive,
        stands_for: Option<&RelPath>,
        depth: u32,
    ) -> Result<(), Failure> {
        let name = self.folders.len().to_string();
        let into = self.staging.open_dir(UNPACKED)?;
        let unpacked = self.unpacker.unpack(from, archive, &into, &name, &mut self.meter)?;
        self.report.files += unpacked.files;
        self.report.left_out.extend(unpacked.links_left_out);
        let path = RelPath::parse(format!("{UNPACKED}/{name}")).expect("two plain names are a path");
        self.folders.push(Folder { path: path.clone(), stands_for: stands_for.cloned() });
        if depth >= self.depth_max {
            return Ok(());
        }
        let files: Vec<RelPath> = into.open_dir(&name)?.walk()?.into_iter().map(|(file, _)| file).collect();
        for nested in archive::find(&files) {
            // Its paths from here on are those beneath the staging directory.
            let nested = Archive {
                volumes: nested.volumes.iter().map(|volume| path.join(volume)).collect(),
                ..nested
            };
            let inner = archive::folder_of(&nested).filter(|folder| *folder != path);
            let inner = inner.map(|folder| beneath(&folder, &path));
            let lies_in = match (stands_for, inner) {
                (Some(outer), Some(inner)) => Some(outer.join(&inner)),
                (outer, inner) => outer.cloned().or(inner),
            };
            let staging = self.staging.again()?;
            self.unpack(&staging, &nested, lies_in.as_ref(), depth + 1)?;
            self.consumed.push(nested);
        }
        Ok(())
    }
}

/// The files that came out of the archives, those left out that were archives themselves.
pub(crate) fn unpacked_files(job: &Job<'_>) -> Result<Vec<UnpackedFile>, Failure> {
    let staging = job.staging().dir();
    let consumed: std::collections::HashSet<&RelPath> =
        job.state.consumed.iter().flat_map(|archive| &archive.volumes).collect();
    let mut files = Vec::new();
    for folder in &job.state.folders {
        let dir = staging.open_dir(folder.path.as_str())?;
        for (inner, kind) in dir.walk()? {
            let path = folder.path.join(&inner);
            if kind != Kind::File {
                return Err(Failure::refused(Rule::NotRegular, staging.shown().join(path.as_str())));
            }
            if consumed.contains(&path) {
                continue;
            }
            let stands_for = folder.stands_for.as_ref().map_or(inner.clone(), |outer| outer.join(&inner));
            // Joined paths can be longer than a path may be; then the kernel could not be asked for them either.
            let stands_for = RelPath::parse(String::from(stands_for))
                .map_err(|_| Failure::refused(Rule::ArchiveName, inner.as_str()))?;
            let stat = dir.look(inner.as_str())?;
            let size_bytes = stat.and_then(|stat| u64::try_from(stat.st_size).ok()).unwrap_or(0);
            files.push(UnpackedFile { path, stands_for, size_bytes });
        }
    }
    Ok(files)
}

fn beneath(path: &RelPath, above: &RelPath) -> RelPath {
    let rest = path.as_str().strip_prefix(above.as_str()).and_then(|rest| rest.strip_prefix('/'));
    RelPath::parse(rest.expect("it lies beneath")).expect("the end of a path is a path")
}
