//! Many torrents at once, for who is about to look at each of them: one question for all instead of several for each.
//!
//! Only the common case is served so. A torrent with a long history or a large body is left out, and found out by its own
//! question later; that bounds what one call may take.

use std::collections::HashMap;

use revaer_domain::values::{InfoHash, TorrentId};
use revaer_event_log::Version;
use sha2::{Digest, Sha256};

use crate::cache::Folded;
use crate::command_store::stream_of;
use crate::dispatch::read_failed;
use crate::{Application, Bodies, CommandError};

/// Facts of one torrent that are read with those of others; most have a dozen.
const VERSION_MAX: Version = 64;
/// The largest body that is read with others.
const BODY_BYTES_MAX: i32 = 256 << 10;

/// Bodies of several torrents; those that are missing, damaged or large are not among them.
#[derive(Debug, Default)]
pub struct PrefetchedBodies {
    /// Resume data.
    pub resume_data: HashMap<TorrentId, Vec<u8>>,
    /// Torrent files.
    pub metainfo: HashMap<InfoHash, Vec<u8>>,
}

impl Application {
    /// Folds torrents, so that [`Application::torrent_since`] version zero answers from memory.
    pub async fn prefetch(&self, ids: &[TorrentId]) -> Result<(), CommandError> {
        let streams: Vec<_> =
            ids.iter().filter(|id| self.cache().get(**id).is_none()).map(|id| stream_of(*id)).collect();
        if streams.is_empty() {
            return Ok(());
        }
        let facts = self.log().read_streams(&streams, VERSION_MAX).await.map_err(read_failed)?;
        for facts in facts.chunk_by(|one, next| one.stream == next.stream) {
            let Some(id) = TorrentId::from_stream(facts[0].stream.as_str()) else { continue };
            // As many as were asked for are perhaps not all.
            if facts.len() >= VERSION_MAX as usize {
                continue;
            }
            let folded = facts.iter().try_fold(Folded::default(), Folded::then)?;
            self.cache().put(id, folded);
        }
        Ok(())
    }
}

impl Bodies {
    /// The bodies of several torrents.
    pub async fn prefetch(
        &self,
        ids: &[TorrentId],
        hashes: &[InfoHash],
    ) -> Result<PrefetchedBodies, sqlx::Error> {
        let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
        let by_name: HashMap<String, InfoHash> =
            hashes.iter().map(|hash| (hash.to_string(), *hash)).collect();
        let names: Vec<&str> = by_name.keys().map(String::as_str).collect();
        let resume_data: Vec<(String, Vec<u8>, Vec<u8>)> = sqlx::query_as(
            "SELECT torrent_id, sha256, body FROM resume_data
             WHERE torrent_id = ANY ($1) AND octet_length(body) <= $2",
        )
        .bind(ids)
        .bind(BODY_BYTES_MAX)
        .fetch_all(&self.pool)
        .await?;
        let metainfo: Vec<(String, Vec<u8>)> = sqlx::query_as(
            "SELECT info_hash, body FROM metainfo WHERE info_hash = ANY ($1) AND octet_length(body) <= $2",
        )
        .bind(names)
        .bind(BODY_BYTES_MAX)
        .fetch_all(&self.pool)
        .await?;
        let whole = |(id, hash, body): (String, Vec<u8>, Vec<u8>)| {
            (Sha256::digest(&body)[..] == hash[..]).then_some((id.parse().ok()?, body))
        };
        Ok(PrefetchedBodies {
            resume_data: resume_data.into_iter().filter_map(whole).collect(),
            metainfo: metainfo
                .into_iter()
                .filter_map(|(name, body)| Some((*by_name.get(&name)?, body)))
                .collect(),
        })
    }
}
