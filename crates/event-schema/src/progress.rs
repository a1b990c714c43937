//! Progress samples of one tick, packed: 16 bytes of ULID and seven LEB128 numbers for each torrent that moved.
//!
//! A sample is true for a moment and is never folded into an aggregate; a tick of a thousand torrents is one row.

use revaer_domain::values::TorrentId;
use ulid::Ulid;

use crate::DecodeError;

/// The kind under which clients see a progress sample.
pub const PROGRESS_KIND: &str = "torrent.progress";

/// How far a torrent was, and how fast, at one tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProgressSample {
    /// Which torrent.
    pub torrent: TorrentId,
    /// Verified bytes of wanted files.
    pub wanted_done_bytes: u64,
    /// Payload received, ever.
    pub downloaded_bytes: u64,
    /// Payload sent, ever.
    pub uploaded_bytes: u64,
    /// Payload received a second.
    pub download_bytes_per_second: u64,
    /// Payload sent a second.
    pub upload_bytes_per_second: u64,
    /// Connected peers.
    pub peers: u32,
    /// Those of them that have everything.
    pub seeds: u32,
}

/// Packs a tick. The first byte is the version of the packing.
pub fn pack_progress(samples: &[ProgressSample]) -> Vec<u8> {
    let mut packed = Vec::with_capacity(1 + samples.len() * 40);
    packed.push(1);
    for sample in samples {
        packed.extend_from_slice(&sample.torrent.ulid().to_bytes());
        for number in [
            sample.wanted_done_bytes,
            sample.downloaded_bytes,
            sample.uploaded_bytes,
            sample.download_bytes_per_second,
            sample.upload_bytes_per_second,
            u64::from(sample.peers),
            u64::from(sample.seeds),
        ] {
            push_number(&mut packed, number);
        }
    }
    packed
}

/// Unpacks a tick.
pub fn unpack_progress(packed: &[u8]) -> Result<Vec<ProgressSample>, DecodeError> {
    let Some((1, mut rest)) = packed.split_first() else { return Err(DecodeError::Samples) };
    let mut samples = Vec::with_capacity(rest.len() / 24);
    while !rest.is_empty() {
        let (ulid, tail) = rest.split_first_chunk::<16>().ok_or(DecodeError::Samples)?;
        rest = tail;
        let mut number = || take_number(&mut rest);
        samples.push(ProgressSample {
            torrent: TorrentId::new(Ulid::from_bytes(*ulid)),
            wanted_done_bytes: number()?,
            downloaded_bytes: number()?,
            uploaded_bytes: number()?,
            download_bytes_per_second: number()?,
            upload_bytes_per_second: number()?,
            peers: number()?.try_into().map_err(|_| DecodeError::Samples)?,
            seeds: number()?.try_into().map_err(|_| DecodeError::Samples)?,
        });
    }
    Ok(samples)
}

pub(crate) fn push_number(packed: &mut Vec<u8>, mut number: u64) {
    loop {
        let low = u8::try_from(number & 0x7f).expect("masked to seven bits");
        number >>= 7;
        if number == 0 {
            packed.push(low);
            return;
        }
        packed.push(low | 0x80);
    }
}

pub(crate) fn take_number(rest: &mut &[u8]) -> Result<u64, DecodeError> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, tail) = rest.split_first().ok_or(DecodeError::Samples)?;
        *rest = tail;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(DecodeError::Samples)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    prop_compose! {
        fn sample()(id: u128, bytes: [u64; 5], peers: u32, seeds: u32) -> ProgressSample {
            ProgressSample {
                torrent: TorrentId::new(Ulid(id)),
                wanted_done_bytes: bytes[0],
                downloaded_bytes: bytes[1],
                uploaded_bytes: bytes[2],
                download_bytes_per_second: bytes[3],
                upload_bytes_per_second: bytes[4],
                peers,
                seeds,
            }
        }
    }

    proptest! {
        #[test]
        fn what_was_packed_unpacks(samples in prop::collection::vec(sample(), 0..20)) {
            prop_assert_eq!(unpack_progress(&pack_progress(&samples)).expect("unpacks"), samples);
        }

        #[test]
        fn damage_is_an_error_and_never_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = unpack_progress(&bytes);
        }
    }
}
