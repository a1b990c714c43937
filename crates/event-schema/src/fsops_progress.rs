//! Progress samples of jobs of the file pipeline, packed: two ULIDs, the number of the step and two LEB128 numbers for each
//! job that moved.

use revaer_domain::fsops::Step;
use revaer_domain::values::{JobId, TorrentId};
use ulid::Ulid;

use crate::DecodeError;
use crate::progress::{push_number, take_number};

/// The kind under which clients see a sample of a job.
pub const FSOPS_PROGRESS_KIND: &str = "fsops.progress";
/// The packing of these samples, in the first byte.
pub(crate) const FSOPS_PACKING: u8 = 2;

/// How far a job was at one tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FsopsProgressSample {
    /// Whose files.
    pub torrent: TorrentId,
    /// Which job.
    pub job: JobId,
    /// The step that it was at.
    pub step: Step,
    /// Bytes that the step has moved, unpacked or read.
    pub done_bytes: u64,
    /// Bytes that there are; none if that is not known, as of what is unpacked.
    pub total_bytes: Option<u64>,
}

/// Packs a tick.
pub fn pack_fsops_progress(samples: &[FsopsProgressSample]) -> Vec<u8> {
    let mut packed = Vec::with_capacity(1 + samples.len() * 48);
    packed.push(FSOPS_PACKING);
    for sample in samples {
        packed.extend_from_slice(&sample.torrent.ulid().to_bytes());
        packed.extend_from_slice(&sample.job.ulid().to_bytes());
        let step = Step::ALL.iter().position(|step| *step == sample.step);
        packed.push(step.and_then(|step| u8::try_from(step).ok()).expect("there are nine steps"));
        push_number(&mut packed, sample.done_bytes);
        // Zero stands for what is not known.
        push_number(&mut packed, sample.total_bytes.map_or(0, |bytes| bytes.saturating_add(1)));
    }
    packed
}

/// Whether a row of samples is of jobs, without unpacking it.
pub fn is_fsops_progress(packed: &[u8]) -> bool {
    packed.first() == Some(&FSOPS_PACKING)
}

/// Unpacks what follows the first byte.
pub(crate) fn unpack(mut rest: &[u8]) -> Result<Vec<FsopsProgressSample>, DecodeError> {
    let mut samples = Vec::with_capacity(rest.len() / 35);
    while !rest.is_empty() {
        let (torrent, tail) = rest.split_first_chunk::<16>().ok_or(DecodeError::Samples)?;
        let (job, tail) = tail.split_first_chunk::<16>().ok_or(DecodeError::Samples)?;
        let (&step, tail) = tail.split_first().ok_or(DecodeError::Samples)?;
        rest = tail;
        samples.push(FsopsProgressSample {
            torrent: TorrentId::new(Ulid::from_bytes(*torrent)),
            job: JobId::new(Ulid::from_bytes(*job)),
            step: *Step::ALL.get(usize::from(step)).ok_or(DecodeError::Samples)?,
            done_bytes: take_number(&mut rest)?,
            total_bytes: take_number(&mut rest)?.checked_sub(1),
        });
    }
    Ok(samples)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{UnpackedSamples, unpack_samples};

    prop_compose! {
        fn sample()(
            ids: [u128; 2],
            step in 0..Step::ALL.len(),
            done_bytes: u64,
            total_bytes in proptest::option::of(0..u64::MAX),
        ) -> FsopsProgressSample {
            FsopsProgressSample {
                torrent: TorrentId::new(Ulid(ids[0])),
                job: JobId::new(Ulid(ids[1])),
                step: Step::ALL[step],
                done_bytes,
                total_bytes,
            }
        }
    }

    proptest! {
        #[test]
        fn what_was_packed_unpacks(samples in prop::collection::vec(sample(), 0..20)) {
            let unpacked = unpack_samples(&pack_fsops_progress(&samples)).expect("unpacks");
            prop_assert_eq!(unpacked, UnpackedSamples::Fsops(samples));
        }

        #[test]
        fn damage_is_an_error_and_never_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = unpack(&bytes);
        }
    }
}
