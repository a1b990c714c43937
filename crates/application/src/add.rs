//! Adding a torrent: parse, store the bodies, then record.

use std::net::SocketAddr;

use revaer_domain::selection::SelectionRule;
use revaer_domain::torrent::{Add, Added, FilesDiscovered, Origin, TorrentCommand};
use revaer_domain::values::{InfoHashes, Labels, MagnetUri, RateCap, SavePath, ShareLimits, TorrentId};
use revaer_event_log::CommandRecord;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::dispatch::{FirstTime, fingerprint, read_failed};
use crate::{Application, Caller, CommandError, Done, ParsedMetainfo};

/// The most trackers of a torrent file that its facts name.
const TRACKERS_MAX: usize = 100;
/// The longest of them.
const TRACKER_BYTES_MAX: usize = 2048;

/// What a torrent is added from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddSource {
    /// A magnet URI.
    Magnet(MagnetUri),
    /// The bytes of a torrent file.
    Metainfo(Vec<u8>),
}

/// An add as a client asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddTorrent {
    /// The torrent.
    pub source: AddSource,
    /// Where its files go.
    pub save_path: SavePath,
    /// Whether it waits for a resume.
    pub start_paused: bool,
    /// Its labels.
    pub labels: Labels,
    /// Which files are wanted.
    pub selection: SelectionRule,
    /// Whether it downloads in order.
    pub sequential: bool,
    /// Its limits.
    pub rate_cap: RateCap,
    /// Its limits of sharing.
    pub share_limits: ShareLimits,
    /// Announce URLs beside those of the source.
    pub trackers: Vec<String>,
    /// Peers to try first.
    pub peers: Vec<SocketAddr>,
}

impl AddTorrent {
    /// The fingerprint of what was asked for, before ids and times are drawn.
    fn fingerprint(&self) -> [u8; 32] {
        #[derive(Serialize)]
        struct Asked<'a> {
            magnet: Option<&'a str>,
            metainfo_sha256: Option<[u8; 32]>,
            save_path: &'a SavePath,
            start_paused: bool,
            labels: &'a Labels,
            selection: &'a SelectionRule,
            sequential: bool,
            rate_cap: RateCap,
            #[serde(skip_serializing_if = "ShareLimits::is_default")]
            share_limits: ShareLimits,
            trackers: &'a [String],
            peers: &'a [SocketAddr],
        }
        let (magnet, metainfo_sha256) = match &self.source {
            AddSource::Magnet(magnet) => (Some(magnet.as_str()), None),
            AddSource::Metainfo(body) => (None, Some(Sha256::digest(body).into())),
        };
        fingerprint(&Asked {
            magnet,
            metainfo_sha256,
            save_path: &self.save_path,
            start_paused: self.start_paused,
            labels: &self.labels,
            selection: &self.selection,
            sequential: self.sequential,
            rate_cap: self.rate_cap,
            share_limits: self.share_limits,
            trackers: &self.trackers,
            peers: &self.peers,
        })
    }
}

impl Application {
    /// Adds a torrent. A torrent that is there already, by any of its hashes, is [`CommandError::TorrentExists`].
    pub async fn add(&self, add: AddTorrent, caller: &Caller) -> Result<Done, CommandError> {
        let (record, _key) = match self.first_time(caller, add.fingerprint()).await? {
            FirstTime::Yes(record, key) => (record, key),
            FirstTime::No(outcome) => return self.repeat(*outcome).await,
        };
        let id = TorrentId::new(self.clock().ulid());
        let (mut add, parsed) = self.prepare(add).await?;
        for hash in add.added.info_hashes.iter() {
            // Only to spare the bodies of an add that cannot succeed; the log decides when two come at once.
            if let Some(id) = self.find(&hash).await? {
                return self.exists_or_repeats(id, &record).await;
            }
        }
        self.conceal_trackers_of_add(id, &mut add.added).await?;
        if let Some(files) = &mut add.files {
            self.conceal_trackers(id, &mut files.trackers).await?;
        }
        if let Some((body, parsed)) = parsed {
            self.store_metainfo(id, &body, &parsed.info_hashes, &parsed.files).await?;
        }
        self.dispatch(id, TorrentCommand::Add(Box::new(add)), record, caller).await
    }

    /// The torrent is there. It may be there by this very command, given to another process in the meantime.
    async fn exists_or_repeats(&self, id: TorrentId, record: &CommandRecord) -> Result<Done, CommandError> {
        match self.log().find_command(record.id).await.map_err(read_failed)? {
            Some(outcome) if outcome.fingerprint == record.fingerprint => self.repeat(outcome).await,
            Some(_) => Err(CommandError::KeyReused),
            None => Err(CommandError::TorrentExists { id }),
        }
    }

    async fn prepare(
        &self,
        add: AddTorrent,
    ) -> Result<(Add, Option<(Vec<u8>, ParsedMetainfo)>), CommandError> {
        add.selection.compile().map_err(|error| CommandError::Refused(error.into()))?;
        let mut added = Added {
            at: self.clock().now(),
            origin: Origin::Metainfo,
            info_hashes: InfoHashes::default(),
            name: String::new(),
            save_path: add.save_path,
            paused: add.start_paused,
            sequential: add.sequential,
            rate_cap: add.rate_cap,
            share_limits: add.share_limits,
            labels: add.labels,
            selection: add.selection,
            trackers: add.trackers,
            peers: add.peers,
        };
        match add.source {
            AddSource::Magnet(magnet) => {
                added.origin = Origin::Magnet(magnet.as_str().to_owned());
                added.info_hashes = magnet.info_hashes();
                added.name = magnet.name().map_or_else(|| hash_name(&added.info_hashes), str::to_owned);
                append_new(&mut added.trackers, magnet.trackers());
                append_new(&mut added.peers, magnet.peers());
                Ok((Add { added, files: None }, None))
            }
            AddSource::Metainfo(body) => {
                let parser = self.inner.parts.metainfo.clone();
                // Parsing megabytes of hostile input does not belong on a thread that serves others.
                let (body, parsed) = tokio::task::spawn_blocking(move || {
                    let parsed = parser.parse(&body);
                    (body, parsed)
                })
                .await
                .map_err(CommandError::internal)?;
                let parsed = parsed.map_err(CommandError::InvalidMetainfo)?;
                added.info_hashes = parsed.info_hashes;
                added.name.clone_from(&parsed.name);
                let files = files_discovered(&parsed);
                append_new(&mut added.trackers, &files.trackers);
                Ok((Add { added, files: Some(files) }, Some((body, parsed))))
            }
        }
    }

    /// The bodies of a torrent whose files are known. They commit before the fact that relies on them.
    pub(crate) async fn store_metainfo(
        &self,
        id: TorrentId,
        body: &[u8],
        hashes: &InfoHashes,
        files: &[crate::TorrentFile],
    ) -> Result<(), CommandError> {
        let unavailable = |error: sqlx::Error| read_failed(error.into());
        if let Some(hash) = hashes.primary() {
            self.bodies().put_metainfo(&hash, body).await.map_err(unavailable)?;
        }
        self.bodies().put_files(id, files).await.map_err(unavailable)
    }
}

pub(crate) fn files_discovered(parsed: &ParsedMetainfo) -> FilesDiscovered {
    FilesDiscovered {
        info_hashes: parsed.info_hashes,
        name: parsed.name.clone(),
        file_count: u32::try_from(parsed.files.len()).unwrap_or(u32::MAX),
        size_bytes: parsed.files.iter().map(|file| file.size_bytes).sum(),
        piece_length_bytes: parsed.piece_length_bytes,
        piece_count: parsed.piece_count,
        trackers: recorded(&parsed.trackers),
    }
}

/// The trackers of a torrent file as far as facts name them. It may name half a million; libtorrent reads all from the file.
fn recorded(trackers: &[String]) -> Vec<String> {
    let fits = |tracker: &&String| tracker.len() <= TRACKER_BYTES_MAX;
    trackers.iter().filter(fits).take(TRACKERS_MAX).cloned().collect()
}

fn hash_name(hashes: &InfoHashes) -> String {
    hashes.primary().map(|hash| hash.to_string()).unwrap_or_default()
}

fn append_new<T: Clone + PartialEq>(list: &mut Vec<T>, more: &[T]) {
    for item in more {
        if !list.contains(item) {
            list.push(item.clone());
        }
    }
}
