//! Announce URLs with a key of a private tracker: kept encrypted for each torrent, and known to facts, answers and logs by their
//! fingerprints.
//!
//! A row commits before the fact that names it, and goes some time after its torrent. What libtorrent makes (torrent files and
//! resume data) names such URLs whole; those are bodies, which nobody is shown.

use std::collections::HashMap;

use revaer_domain::settings::SecretRef;
use revaer_domain::torrent::{Added, Origin};
use revaer_domain::values::announce::{bears_secret, concealed, fingerprint_of};
use revaer_domain::values::{MagnetUri, TorrentId};

use crate::dispatch::read_failed;
use crate::settings::{open, seal};
use crate::{Application, CommandError};

impl Application {
    /// An announce URL as it may be shown.
    pub fn shown_tracker(&self, url: &str) -> String {
        if bears_secret(url) {
            concealed(url, self.server_key().fingerprint(url.as_bytes()))
        } else {
            url.to_owned()
        }
    }

    /// The announce URLs of a torrent as trackers know them. One that cannot be read is left out.
    pub async fn announce_urls(&self, id: TorrentId, shown: &[String]) -> Result<Vec<String>, CommandError> {
        if shown.iter().all(|url| fingerprint_of(url).is_none()) {
            return Ok(shown.to_vec());
        }
        let rows: Vec<(String, Vec<u8>)> =
            sqlx::query_as("SELECT fingerprint, sealed FROM announce_urls WHERE stream_id = $1")
                .bind(id.stream())
                .fetch_all(self.log().pool())
                .await
                .map_err(|error| read_failed(error.into()))?;
        let rows: HashMap<String, Vec<u8>> = rows.into_iter().collect();
        let whole = |shown: &String| {
            let Some(fingerprint) = fingerprint_of(shown) else { return Some(shown.clone()) };
            let sealed = rows.get(&fingerprint.to_string());
            let url = sealed.and_then(|sealed| open(self.server_key(), SecretRef { fingerprint }, sealed));
            if url.is_none() {
                tracing::warn!(torrent = %id, tracker = shown, "the key of a tracker cannot be read");
            }
            url.map(|url| url.to_string())
        };
        Ok(shown.iter().filter_map(whole).collect())
    }

    /// Puts the URLs with a key away, and what stands for each in its place.
    pub(crate) async fn conceal_trackers(
        &self,
        id: TorrentId,
        trackers: &mut [String],
    ) -> Result<(), CommandError> {
        for url in trackers.iter_mut().filter(|url| bears_secret(url)) {
            let fingerprint = self.server_key().fingerprint(url.as_bytes());
            sqlx::query(include_str!("sql/put_announce_url.sql"))
                .bind(id.stream())
                .bind(fingerprint.to_string())
                .bind(seal(self.server_key(), SecretRef { fingerprint }, url))
                .execute(self.log().pool())
                .await
                .map_err(|error| read_failed(error.into()))?;
            *url = concealed(url, fingerprint);
        }
        Ok(())
    }

    /// The same for all that an add names. A magnet is recorded without the URLs that were put away: they are among the
    /// trackers.
    pub(crate) async fn conceal_trackers_of_add(
        &self,
        id: TorrentId,
        added: &mut Added,
    ) -> Result<(), CommandError> {
        if let Origin::Magnet(magnet) = &mut added.origin
            && let Ok(uri) = magnet.parse::<MagnetUri>()
        {
            *magnet = uri.without_trackers(bears_secret);
        }
        self.conceal_trackers(id, &mut added.trackers).await
    }

    /// Removes the URLs of torrents that are gone, and of adds that came to nothing.
    pub(crate) async fn sweep_announce_urls(&self) -> Result<(), CommandError> {
        let swept = sqlx::query(include_str!("sql/sweep_announce_urls.sql")).execute(self.log().pool()).await;
        swept.map(drop).map_err(|error| read_failed(error.into()))
    }
}
