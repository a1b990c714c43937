//! The reader of torrent files that the write side asks for, by libtorrent.

use libtorrent_sys::MetainfoLimits;
use revaer_application::{MetainfoParser, ParsedMetainfo, TorrentFile};
use revaer_domain::values::InfoHashes;

/// Reads with libtorrent, within the bridge's limits.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LibtorrentParser;

impl MetainfoParser for LibtorrentParser {
    fn parse(&self, body: &[u8]) -> Result<ParsedMetainfo, String> {
        let parsed = libtorrent_sys::parse_metainfo(body, &MetainfoLimits::default())
            .map_err(|error| error.message)?;
        let files = parsed.files.into_iter().filter(|file| !file.pad);
        Ok(ParsedMetainfo {
            info_hashes: InfoHashes { v1: parsed.info_hash_v1, v2: parsed.info_hash_v2 },
            name: parsed.name,
            files: files.map(|file| TorrentFile { path: file.path, size_bytes: file.size }).collect(),
            piece_length_bytes: parsed.piece_length,
            piece_count: parsed.piece_count,
            trackers: parsed.trackers,
        })
    }
}
