//! The bytes of one file into another: shared where the file system can, within the kernel where it may, by hand elsewhere.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::io::Errno;

use crate::control::Control;
use crate::failure::Failure;

/// Bytes for each call of the kernel: a cancel waits for one of them.
const CHUNK_BYTES: usize = 32 << 20;
/// Bytes that are read and written by hand.
const BUFFER_BYTES: usize = 1 << 20;

/// What was found out about the file systems, so that it is not tried for every file.
#[derive(Debug)]
pub(crate) struct Copier {
    may_share: AtomicBool,
    may_copy_within: AtomicBool,
}

impl Copier {
    pub(crate) fn new() -> Self {
        Self { may_share: AtomicBool::new(true), may_copy_within: AtomicBool::new(true) }
    }

    /// Copies everything of a file into an empty one.
    pub(crate) fn copy(
        &self,
        from: &File,
        to: &File,
        size_bytes: u64,
        shown: &Path,
        control: &Control<'_>,
    ) -> Result<(), Failure> {
        if size_bytes > 0 && self.may_share.load(Ordering::Relaxed) {
            match rustix::fs::ioctl_ficlone(to, from) {
                Ok(()) => return control.advance(size_bytes),
                Err(Errno::NOSPC | Errno::DQUOT) => return Err(Failure::of(Errno::NOSPC, "copy to", shown)),
                Err(_) => self.may_share.store(false, Ordering::Relaxed),
            }
        }
        let mut done = 0;
        while done < size_bytes && self.may_copy_within.load(Ordering::Relaxed) {
            let left = usize::try_from(size_bytes - done).unwrap_or(usize::MAX).min(CHUNK_BYTES);
            match rustix::fs::copy_file_range(from, None, to, None, left) {
                // Some file systems answer so instead of an error.
                Ok(0) => break,
                Ok(count) => {
                    done += count as u64;
                    control.advance(count as u64)?;
                }
                Err(Errno::INTR) => {}
                Err(Errno::XDEV | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::PERM)
                    if done == 0 =>
                {
                    self.may_copy_within.store(false, Ordering::Relaxed);
                }
                Err(errno) => return Err(Failure::of(errno, "copy to", shown)),
            }
        }
        if done < size_bytes { by_hand(from, to, shown, control) } else { Ok(()) }
    }
}

/// Goes on where the offsets of both files are.
fn by_hand(mut from: &File, mut to: &File, shown: &Path, control: &Control<'_>) -> Result<(), Failure> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let count = from.read(&mut buffer).map_err(|error| Failure::of_io(error, "copy", shown))?;
        if count == 0 {
            return Ok(());
        }
        to.write_all(&buffer[..count]).map_err(|error| Failure::of_io(error, "copy to", shown))?;
        control.advance(count as u64)?;
    }
}
