//! Values that parse once and are right ever after.

pub mod announce;
mod fingerprint;
mod info_hash;
mod key_id;
mod label;
mod magnet;
mod rate_cap;
mod save_path;
mod share_limits;
mod torrent_id;

pub use fingerprint::{FINGERPRINT_BYTES, Fingerprint, InvalidFingerprint};
pub use info_hash::{InfoHash, InfoHashes, InvalidInfoHash};
pub use key_id::{InvalidKeyId, KeyId};
pub use label::{InvalidLabel, LABEL_BYTES_MAX, LABELS_MAX, Label, Labels};
pub use magnet::{InvalidMagnet, MAGNET_BYTES_MAX, MAGNET_PEERS_MAX, MAGNET_TRACKERS_MAX, MagnetUri};
pub use rate_cap::{InvalidRateLimit, RateCap, RateLimit};
pub use save_path::{InvalidSavePath, SAVE_PATH_BYTES_MAX, SavePath};
pub use share_limits::{InvalidShareRatio, ShareLimits, ShareRatio};
pub use torrent_id::{InvalidTorrentId, TorrentId};
