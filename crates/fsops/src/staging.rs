//! The staging directory of a job: `.revaer/<job>` in the library itself, so that one rename brings the result into its place.
//!
//! It is hidden from media scanners by its name and from others by its mode. Whoever holds it holds a lock that ends with the
//! process.

use rustix::fs::FlockOperation;
use rustix::io::Errno;

use crate::dir::{Dir, Kind};
use crate::failure::Failure;
use crate::path::RelPath;

/// The directory in a library that staging directories lie in.
pub const HOME: &str = ".revaer";
/// The result, until it is placed.
pub(crate) const RESULT: &str = "result";
/// What came out of archives.
pub(crate) const UNPACKED: &str = "unpacked";

/// A staging directory that is ours.
#[derive(Debug)]
pub(crate) struct Staging {
    home: Dir,
    dir: Dir,
    job: RelPath,
}

impl Staging {
    /// Takes the staging directory of a job, if there is one.
    pub(crate) fn find(library: &Dir, job: &RelPath) -> Result<Option<Self>, Failure> {
        let Some(home) = library.find_dir(HOME)? else { return Ok(None) };
        let Some(dir) = home.find_dir(job.as_str())? else { return Ok(None) };
        lock(&dir)?;
        Ok(Some(Self { home, dir, job: job.clone() }))
    }

    /// Makes the staging directory of a job, or takes the one that is there.
    pub(crate) fn make(library: &Dir, job: &RelPath) -> Result<Self, Failure> {
        let home = library.make_dir(HOME, 0o700)?;
        let dir = home.make_dir(job.as_str(), 0o700)?;
        lock(&dir)?;
        Ok(Self { home, dir, job: job.clone() })
    }

    pub(crate) fn dir(&self) -> &Dir {
        &self.dir
    }

    /// Removes everything in it.
    pub(crate) fn empty(&self) -> Result<(), Failure> {
        for named in self.dir.names()? {
            self.dir.remove_tree(&named.name)?;
        }
        Ok(())
    }

    /// Removes it, and the directory above it if no other job has anything there.
    pub(crate) fn remove(&self, library: &Dir) -> Result<(), Failure> {
        self.home.remove_tree(self.job.as_str())?;
        library.remove_empty_dir(HOME)?;
        library.sync()
    }

    /// Removes staging directories that nothing is left in, as a process leaves them that ended while it removed one.
    pub(crate) fn sweep(library: &Dir) -> Result<(), Failure> {
        for job in Self::jobs(library)? {
            match Self::find(library, &job) {
                Ok(Some(staging)) if staging.dir.names()?.is_empty() => staging.remove(library)?,
                Ok(_) | Err(Failure::Busy) => {}
                Err(failure) => return Err(failure),
            }
        }
        if library.find_dir(HOME)?.is_some() {
            library.remove_empty_dir(HOME)?;
        }
        Ok(())
    }

    /// The jobs that have a staging directory in a library.
    pub(crate) fn jobs(library: &Dir) -> Result<Vec<RelPath>, Failure> {
        let Some(home) = library.find_dir(HOME)? else { return Ok(Vec::new()) };
        let names = home.names()?.into_iter().filter(|named| named.kind == Kind::Directory);
        Ok(names.filter_map(|named| RelPath::parse(named.name).ok()).collect())
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // A program that another thread is just starting holds the same descriptor for a moment; the lock must not wait for it.
        let _ = rustix::fs::flock(self.dir.fd(), FlockOperation::Unlock);
    }
}

fn lock(dir: &Dir) -> Result<(), Failure> {
    match rustix::fs::flock(dir.fd(), FlockOperation::NonBlockingLockExclusive) {
        // Some network file systems know no locks on directories; whoever runs jobs runs each once anyway.
        Ok(()) | Err(Errno::OPNOTSUPP | Errno::BADF | Errno::INVAL | Errno::NOLCK) => Ok(()),
        Err(Errno::AGAIN) => Err(Failure::Busy),
        Err(errno) => Err(Failure::of(errno, "lock", dir.shown())),
    }
}
