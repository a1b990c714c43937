//! Values that parse once and are right ever after.

mod info_hash;
mod label;
mod magnet;
mod rate_cap;
mod save_path;
mod torrent_id;

pub use info_hash::{InfoHash, InfoHashes, InvalidInfoHash};
pub use label::{InvalidLabel, LABEL_BYTES_MAX, LABELS_MAX, Label, Labels};
pub use magnet::{InvalidMagnet, MAGNET_BYTES_MAX, MAGNET_PEERS_MAX, MAGNET_TRACKERS_MAX, MagnetUri};
pub use rate_cap::{InvalidRateLimit, RateCap, RateLimit};
pub use save_path::{InvalidSavePath, SAVE_PATH_BYTES_MAX, SavePath};
pub use torrent_id::{InvalidTorrentId, TorrentId};
