//! The durable contract: how domain events lie in the log.
//!
//! Each event has a persisted name and a schema version that never change their meaning. `golden/` holds one JSON per name
//! and version; files are only added there, and a test reads every one of them. The domain may be renamed freely; what
//! is written here may not.

mod access;
mod codec;
mod fsops;
mod fsops_progress;
mod metadata;
mod progress;
mod roots;
mod samples;
mod settings;
mod verify;

pub use access::{encode_key, encode_setup};
pub use codec::{
    DecodeError, Decoded, KINDS, decode, decode_torrent, encode_engine, encode_health, encode_torrent,
    torrent_kind,
};
pub use fsops_progress::{FSOPS_PROGRESS_KIND, FsopsProgressSample, is_fsops_progress, pack_fsops_progress};
pub use metadata::Metadata;
pub use progress::{PROGRESS_KIND, ProgressSample, pack_progress, unpack_progress};
pub use roots::encode_root;
pub use samples::{UnpackedSamples, unpack_samples};
pub use settings::{decode_settings, encode_settings};
pub use verify::{Counted, verify};
