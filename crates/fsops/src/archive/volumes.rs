//! The volumes of an archive read as one file.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;

use crate::dir::Dir;
use crate::failure::Failure;
use crate::path::RelPath;

/// Files one after the other. Reading is by offset, so that nothing is shared with other holders of a file.
pub(super) struct Volumes {
    /// Each with the offset where it ends.
    files: Vec<(File, u64)>,
    at: u64,
}

impl Volumes {
    pub(super) fn open(from: &Dir, paths: &[RelPath]) -> Result<Self, Failure> {
        let mut files = Vec::with_capacity(paths.len());
        let mut end = 0;
        for path in paths {
            let file = from.open_file(path.as_str())?;
            let shown = || from.shown().join(path.as_str());
            end += file.metadata().map_err(|error| Failure::of_io(error, "look at", &shown()))?.len();
            files.push((file, end));
        }
        Ok(Self { files, at: 0 })
    }

    pub(super) fn size_bytes(&self) -> u64 {
        self.files.last().map_or(0, |(_, end)| *end)
    }
}

impl Read for Volumes {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let index = self.files.partition_point(|(_, end)| *end <= self.at);
        let Some((file, end)) = self.files.get(index) else { return Ok(0) };
        let begin = if index == 0 { 0 } else { self.files[index - 1].1 };
        let left = usize::try_from(end - self.at).unwrap_or(usize::MAX);
        let wanted = into.len().min(left);
        let count = file.read_at(&mut into[..wanted], self.at - begin)?;
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Volumes {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(offset) => self.size_bytes().checked_add_signed(offset),
            SeekFrom::Current(offset) => self.at.checked_add_signed(offset),
        };
        self.at = target.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}
