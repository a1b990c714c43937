//! The bytes of one file into another: shared where the file system can, within the kernel where it may, by hand elsewhere.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use rustix::io::Errno;

use crate::control::Control;
use crate::failure::Failure;

/// Bytes for each call of the kernel: a cancel waits for one of them.
const CHUNK_BYTES: usize = 32 << 20;
/// A smaller file is in the page cache before a thread has begun.
const WRITTEN_BEHIND_FROM_BYTES: u64 = 256 << 20;
/// Chunks after which the disk is asked to begin: 128 MiB.
const CHUNKS_BEHIND: u32 = 4;
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
        if size_bytes < WRITTEN_BEHIND_FROM_BYTES {
            return self.copy_bytes(from, to, size_bytes, shown, control, || {});
        }
        // Everything has to reach the disk before it is placed. A second thread has the disk begin while bytes are still
        // copied, so that little is left to wait for at the end.
        std::thread::scope(|scope| {
            let (copied, behind) = mpsc::sync_channel(1);
            let writer = scope.spawn(move || behind.iter().try_for_each(|()| rustix::fs::fdatasync(to)));
            let mut since = 0;
            let result = self.copy_bytes(from, to, size_bytes, shown, control, || {
                since += 1;
                // If the thread is still busy it will find these bytes too, the next time.
                if since >= CHUNKS_BEHIND && copied.try_send(()).is_ok() {
                    since = 0;
                }
            });
            drop(copied);
            let written = writer.join().expect("it does not panic");
            result.and(written.map_err(|errno| Failure::of(errno, "copy to", shown)))
        })
    }

    fn copy_bytes(
        &self,
        from: &File,
        to: &File,
        size_bytes: u64,
        shown: &Path,
        control: &Control<'_>,
        mut moved: impl FnMut(),
    ) -> Result<(), Failure> {
        let mut done = 0;
        while done < size_bytes && self.may_copy_within.load(Ordering::Relaxed) {
            let left = usize::try_from(size_bytes - done).unwrap_or(usize::MAX).min(CHUNK_BYTES);
            match rustix::fs::copy_file_range(from, None, to, None, left) {
                // Some file systems answer so instead of an error.
                Ok(0) => break,
                Ok(count) => {
                    done += count as u64;
                    control.advance(count as u64)?;
                    moved();
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
