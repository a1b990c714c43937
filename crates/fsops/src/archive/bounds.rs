//! What archives may grow to. An archive says what it likes about its sizes; what counts is what was written.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::failure::{Bound, Failure};

/// What all archives of a job may grow to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bounds {
    /// Unpacked bytes for each packed byte of one archive, once it has given [`Bounds::FREE_BYTES`].
    pub ratio_max: u64,
    /// Unpacked bytes of all archives.
    pub total_bytes_max: u64,
    /// Entries of all archives.
    pub entries_max: u64,
    /// How deep archives within archives are unpacked: 1 is only those of the torrent.
    pub depth_max: u32,
}

impl Default for Bounds {
    /// A ratio above 200 is found in logs and in bombs; 1 TiB and 200,000 entries are beyond any torrent that anybody keeps
    /// in one folder, and an archive in an archive (a zip around a rar) is as deep as releases go.
    fn default() -> Self {
        Self { ratio_max: 200, total_bytes_max: 1 << 40, entries_max: 200_000, depth_max: 2 }
    }
}

impl Bounds {
    /// So much of each archive is not held against its ratio: a small file of zeros is no bomb.
    pub const FREE_BYTES: u64 = 64 << 20;
}

/// What was unpacked so far.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Meter {
    bounds: Bounds,
    total_bytes: u64,
    entries: u64,
    archive_bytes: u64,
    packed_bytes: u64,
}

impl Meter {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self { bounds, total_bytes: 0, entries: 0, archive_bytes: 0, packed_bytes: 0 }
    }

    /// Begins with another archive, which has so many bytes itself.
    pub(crate) fn begin(&mut self, packed_bytes: u64) {
        self.archive_bytes = 0;
        self.packed_bytes = packed_bytes;
    }

    /// Counts an entry.
    pub(crate) fn entry(&mut self, archive: &Path) -> Result<(), Failure> {
        self.entries += 1;
        if self.entries > self.bounds.entries_max {
            return Err(too_large(archive, Bound::Entries, self.bounds.entries_max));
        }
        Ok(())
    }

    /// Counts bytes before they are written.
    pub(crate) fn bytes(&mut self, archive: &Path, count: u64) -> Result<(), Failure> {
        self.total_bytes = self.total_bytes.saturating_add(count);
        self.archive_bytes = self.archive_bytes.saturating_add(count);
        if self.total_bytes > self.bounds.total_bytes_max {
            return Err(too_large(archive, Bound::TotalBytes, self.bounds.total_bytes_max));
        }
        let allowed = self.packed_bytes.saturating_mul(self.bounds.ratio_max);
        if self.archive_bytes > Bounds::FREE_BYTES.max(allowed) {
            return Err(too_large(archive, Bound::Ratio, self.bounds.ratio_max));
        }
        Ok(())
    }

    pub(crate) fn total_bytes(&self) -> u64 {
        self.total_bytes
    }
}

fn too_large(archive: &Path, bound: Bound, max: u64) -> Failure {
    Failure::TooLarge { archive: archive.to_owned(), bound, max }
}
