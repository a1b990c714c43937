//! A row of samples by what it is about: the first byte of a row names its packing.

use crate::DecodeError;
use crate::fsops_progress::{self, FSOPS_PACKING, FsopsProgressSample};
use crate::progress::{ProgressSample, unpack_progress};

/// What a row of samples says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnpackedSamples {
    /// How far torrents are, and how fast.
    Torrents(Vec<ProgressSample>),
    /// How far jobs of the file pipeline are.
    Fsops(Vec<FsopsProgressSample>),
}

/// Unpacks any row of samples.
pub fn unpack_samples(packed: &[u8]) -> Result<UnpackedSamples, DecodeError> {
    match packed.split_first() {
        Some((&FSOPS_PACKING, rest)) => fsops_progress::unpack(rest).map(UnpackedSamples::Fsops),
        _ => unpack_progress(packed).map(UnpackedSamples::Torrents),
    }
}
