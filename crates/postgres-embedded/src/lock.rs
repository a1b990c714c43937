//! One owner for a data directory.
//!
//! The lock is the kernel's (`flock`), so it ends with its process however that ends: a lock file that somebody has to remove
//! after a crash would be worse than none. What stands in the file is for people; nothing relies on it.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use crate::error::{Error, IoContext};

/// The sole right to serve from a data directory, held until dropped.
#[derive(Debug)]
pub struct DataDirLock {
    file: File,
}

impl DataDirLock {
    /// Takes the lock of `data_dir` (made if need be), or says who has it.
    pub fn acquire(data_dir: &Path) -> Result<DataDirLock, Error> {
        fs::create_dir_all(data_dir).context("make the data directory", data_dir)?;
        DataDirLock::acquire_file(data_dir, "revaer.lock")
    }

    /// Takes the lock of the cluster in `data_dir`, which a tool may hold while nobody serves.
    pub(crate) fn acquire_cluster(data_dir: &Path) -> Result<DataDirLock, Error> {
        DataDirLock::acquire_file(data_dir, "postgres.lock")
    }

    fn acquire_file(data_dir: &Path, name: &str) -> Result<DataDirLock, Error> {
        let path = data_dir.join(name);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .context("open the lock file", &path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let mut holder = String::new();
                // Twenty digits are more than any process id has; the holder is a courtesy, so an unreadable one is none.
                let _ = file.take(20).read_to_string(&mut holder);
                return Err(Error::InUse { data_dir: data_dir.to_owned(), pid: holder.trim().parse().ok() });
            }
            Err(error) => return Err(error).context("lock", &path),
        }
        file.set_len(0).context("write", &path)?;
        writeln!(file, "{}", std::process::id()).context("write", &path)?;
        Ok(DataDirLock { file })
    }
}

impl Drop for DataDirLock {
    /// Closing the file would not do: a program that another thread is just starting still holds a copy of it.
    fn drop(&mut self) {
        let _ = flock(&self.file, FlockOperation::Unlock);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn second_owner_is_refused_until_the_first_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let first = DataDirLock::acquire(dir.path()).unwrap();
        let error = DataDirLock::acquire(dir.path()).expect_err("the first still holds it");
        assert!(matches!(error, Error::InUse { pid: Some(pid), .. } if pid == std::process::id()), "{error}");
        drop(first);
        DataDirLock::acquire(dir.path()).expect("nobody holds it");
    }
}
