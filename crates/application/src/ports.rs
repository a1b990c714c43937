//! What the write side needs of a live session and of the HTTP edge, as traits: `server` wires them.

use async_trait::async_trait;
use revaer_domain::settings::TlsSettings;
use revaer_domain::torrent::Totals;
use revaer_domain::values::{InfoHashes, TorrentId};

use crate::TorrentFile;

/// A torrent file that parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedMetainfo {
    /// Its hashes.
    pub info_hashes: InfoHashes,
    /// Its name.
    pub name: String,
    /// Its files, padding left out.
    pub files: Vec<TorrentFile>,
    /// Bytes a piece.
    pub piece_length_bytes: u32,
    /// How many pieces.
    pub piece_count: u32,
    /// Announce URLs.
    pub trackers: Vec<String>,
}

/// Reads torrent files (BEP 3, BEP 52). Blocking and pure.
pub trait MetainfoParser: Send + Sync {
    /// The torrent, or what is wrong with the file in a sentence.
    fn parse(&self, body: &[u8]) -> Result<ParsedMetainfo, String>;
}

/// Why a certificate cannot be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFault {
    /// The key of the settings that it is about (RFC 6901, into the document).
    pub pointer: &'static str,
    /// What is wrong, as the rest of a sentence that begins with the place.
    pub detail: String,
}

/// Judges certificates.
#[async_trait]
pub trait CertificateJudge: Send + Sync {
    /// Whether what these settings name can be shown; `key` is the private key in PEM that they know by its fingerprint.
    async fn judge(&self, tls: &TlsSettings, key: Option<&str>) -> Result<(), CertificateFault>;
}

/// Why the session gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LiveError {
    /// The torrent is not in the session (yet, or any more).
    #[error("the torrent is not in the session")]
    NotInSession,
    /// The session does not answer.
    #[error("the session does not answer: {0}")]
    Unavailable(String),
}

/// A tracker of a torrent, as the session sees it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveTracker {
    /// Announce URL.
    pub url: String,
    /// Tier, 0 first (BEP 12).
    pub tier: u32,
    /// `not_contacted`, `working`, `updating` or `failing`.
    pub status: &'static str,
    /// What the tracker or the network said last.
    pub message: Option<String>,
}

/// A connected peer.
#[derive(Debug, Clone, PartialEq)]
pub struct LivePeer {
    /// `address:port`.
    pub address: String,
    /// What it calls itself.
    pub client: String,
    /// The part of the torrent that it has, 0 to 1.
    pub progress: f64,
    /// Payload from it.
    pub download_bytes_per_second: u64,
    /// Payload to it.
    pub upload_bytes_per_second: u64,
}

/// Counters of a torrent at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LiveRates {
    /// Bytes so far.
    pub totals: Totals,
    /// Payload received a second.
    pub download_bytes_per_second: u64,
    /// Payload sent a second.
    pub upload_bytes_per_second: u64,
    /// Connected peers.
    pub peers: u32,
    /// Those of them that have everything.
    pub seeds: u32,
}

/// The live session, for what no fact tells.
#[async_trait]
pub trait LiveView: Send + Sync {
    /// The trackers of a torrent.
    async fn trackers(&self, id: TorrentId) -> Result<Vec<LiveTracker>, LiveError>;
    /// The connected peers of a torrent.
    async fn peers(&self, id: TorrentId) -> Result<Vec<LivePeer>, LiveError>;
    /// Verified bytes of each file, in the torrent's order, padding left out.
    async fn file_progress(&self, id: TorrentId) -> Result<Vec<u64>, LiveError>;
    /// The newest counters, without asking libtorrent.
    fn rates(&self, id: TorrentId) -> Option<LiveRates>;
}
