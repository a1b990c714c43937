//! Torrent files (BEP 3, BEP 52) and magnet URIs, as libtorrent reads and makes them.

use std::net::SocketAddr;
use std::path::Path;

use crate::error::Error;
use crate::ffi::bridge;

/// The bounds of a torrent file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MetainfoLimits {
    /// The file itself.
    pub bytes_max: u32,
    /// Pieces.
    pub pieces_max: u32,
    /// Nesting of its bencoding.
    pub depth_max: u32,
    /// Items of its bencoding.
    pub tokens_max: u32,
}

impl Default for MetainfoLimits {
    fn default() -> Self {
        Self { bytes_max: 16 << 20, pieces_max: 0x0020_0000, depth_max: 100, tokens_max: 3_000_000 }
    }
}

/// A file of a torrent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEntry {
    /// As libtorrent sanitised it, top folder included.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Where it begins among the bytes of the torrent.
    pub offset: u64,
    /// Whether it is padding (BEP 47) and no file at all.
    pub pad: bool,
}

impl FileEntry {
    pub(crate) fn of(raw: bridge::RawFile) -> Self {
        Self { path: raw.path, size: raw.size, offset: raw.offset, pad: raw.pad }
    }
}

/// What a torrent file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metainfo {
    /// The torrent's name.
    pub name: String,
    /// SHA-1 of the info dictionary.
    pub info_hash_v1: Option<[u8; 20]>,
    /// SHA-256 of the info dictionary.
    pub info_hash_v2: Option<[u8; 32]>,
    /// All files, padding included.
    pub total_size: u64,
    /// Bytes a piece.
    pub piece_length: u32,
    /// How many pieces.
    pub piece_count: u32,
    /// The files in order, padding included.
    pub files: Vec<FileEntry>,
    /// Announce URLs.
    pub trackers: Vec<String>,
    /// Whether peers come from trackers alone (BEP 27).
    pub private: bool,
    /// The maker's comment.
    pub comment: String,
}

/// What a magnet URI says to libtorrent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Magnet {
    /// The display name.
    pub name: Option<String>,
    /// SHA-1 of the info dictionary.
    pub info_hash_v1: Option<[u8; 20]>,
    /// SHA-256 of the info dictionary.
    pub info_hash_v2: Option<[u8; 32]>,
    /// Announce URLs.
    pub trackers: Vec<String>,
    /// Peers.
    pub peers: Vec<SocketAddr>,
}

/// Reads a torrent file.
pub fn parse_metainfo(body: &[u8], limits: &MetainfoLimits) -> Result<Metainfo, Error> {
    let bound = |limit: u32| i32::try_from(limit).unwrap_or(i32::MAX);
    let raw = bridge::parse_metainfo(
        body,
        bound(limits.bytes_max),
        bound(limits.pieces_max),
        bound(limits.depth_max),
        bound(limits.tokens_max),
    )?;
    Ok(Metainfo {
        name: raw.name,
        info_hash_v1: raw.v1.try_into().ok(),
        info_hash_v2: raw.v2.try_into().ok(),
        total_size: raw.total_size,
        piece_length: raw.piece_length,
        piece_count: raw.piece_count,
        files: raw.files.into_iter().map(FileEntry::of).collect(),
        trackers: raw.trackers,
        private: raw.private_torrent,
        comment: raw.comment,
    })
}

/// Reads a magnet URI.
pub fn parse_magnet(uri: &str) -> Result<Magnet, Error> {
    let raw = bridge::parse_magnet(uri)?;
    Ok(Magnet {
        name: (!raw.name.is_empty()).then_some(raw.name),
        info_hash_v1: raw.v1.try_into().ok(),
        info_hash_v2: raw.v2.try_into().ok(),
        trackers: raw.trackers,
        peers: raw.peers.iter().filter_map(|peer| peer.parse().ok()).collect(),
    })
}

/// The magnet URI of a torrent file.
pub fn make_magnet(metainfo: &[u8]) -> Result<String, Error> {
    Ok(bridge::make_magnet(metainfo)?)
}

/// Which kinds of hashes a torrent file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// BEP 3 alone.
    V1,
    /// BEP 52 alone.
    V2,
    /// Both.
    #[default]
    Hybrid,
}

/// How a torrent file is made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CreateOptions {
    /// Which kinds of hashes.
    pub format: Format,
    /// Bytes a piece; `None` lets libtorrent choose.
    pub piece_length: Option<u32>,
    /// Announce URLs.
    pub trackers: Vec<String>,
    /// Whether peers come from trackers alone (BEP 27).
    pub private: bool,
}

/// Hashes a file or folder into a torrent file. Blocks for as long as reading it takes.
pub fn create_metainfo(path: &Path, options: &CreateOptions) -> Result<Vec<u8>, Error> {
    let path = path.to_str().ok_or_else(|| Error::new("metainfo", 3, "the path is not UTF-8"))?;
    let format = match options.format {
        Format::Hybrid => 0,
        Format::V1 => 1,
        Format::V2 => 2,
    };
    let piece_length = options.piece_length.map_or(0, |length| i32::try_from(length).unwrap_or(i32::MAX));
    Ok(bridge::create_metainfo(path, format, piece_length, &options.trackers, options.private)?)
}
