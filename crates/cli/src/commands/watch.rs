//! Watches one torrent until it is complete, for `add --wait` and `status --follow`.
//!
//! Samples move the numbers; after a fact the torrent is read again, so that what its state is stays the service's judgement.
//! A service that goes away meanwhile is waited for.

use std::pin::pin;
use std::time::Duration;

use futures::StreamExt;
use revaer_wire::Torrent;
use serde::Deserialize;

use super::Context;
use super::now::now;
use crate::client::{Client, Document};
use crate::events::{Backoff, Event, Filter, FirstContact, Followed, Resume, follow};
use crate::failure::Failure;
use crate::screen::Progress;
use crate::values::TorrentRef;

const PROGRESS: &str = "torrent.progress";

/// What a sample of progress says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Sample {
    wanted_done_bytes: Option<u64>,
    downloaded_bytes: Option<u64>,
    uploaded_bytes: Option<u64>,
    download_bytes_per_second: Option<u64>,
    upload_bytes_per_second: Option<u64>,
    peers: Option<u32>,
    seeds: Option<u32>,
}

/// Shows how it goes on, and gives the torrent as it is when it is complete.
pub(super) async fn watch(context: &Context, torrent: Torrent) -> Result<Document, Failure> {
    let mut watched = Watched { context, progress: Progress::new(context.output.is_quiet()), torrent };
    let ended = watched.until_complete().await;
    watched.progress.end();
    ended
}

struct Watched<'a> {
    context: &'a Context,
    progress: Progress,
    torrent: Torrent,
}

impl Watched<'_> {
    async fn until_complete(&mut self) -> Result<Document, Failure> {
        let id: TorrentRef = self.torrent.id.parse().map_err(|error| Failure::Unexpected {
            status: None,
            what: format!("the torrent's id: {error}"),
        })?;
        // From now on, and not from its last fact: a download of days has left many samples since.
        let start = self.patiently(async |client| now(client).await).await?;
        let mut document = self.read(start.position().max(self.torrent.position)).await?;
        let filter = Filter { torrent: Some(id), ..Filter::default() };
        let client = self.context.client.clone();
        let mut events = pin!(follow(client, filter, Resume::after(start), FirstContact::MayFail));
        loop {
            self.progress.show(&self.torrent);
            match self.torrent.state.as_str() {
                "seeding" | "completed" => return Ok(document),
                "failed" => return Err(self.failed()),
                _ => {}
            }
            match events.next().await {
                Some(Ok(Followed::Event(event))) if event.frame.kind == PROGRESS => self.apply(&event),
                Some(Ok(Followed::Event(event))) => {
                    // A fact that is in what was read already says nothing new.
                    if event.frame.position > self.torrent.position {
                        document = self.read(event.frame.position).await?;
                    }
                }
                Some(Ok(Followed::Reset { id, .. })) => document = self.read(id.position()).await?,
                Some(Ok(Followed::SamplesGap { .. })) => {}
                Some(Ok(Followed::Interrupted { why, wait })) => self.note_interruption(&why, wait),
                Some(Err(failure)) => return Err(failure),
                None => {
                    return Err(Failure::Unexpected { status: None, what: "the stream ended".to_owned() });
                }
            }
        }
    }

    /// Reads it as it is at that position or later.
    async fn read(&mut self, position: i64) -> Result<Document, Failure> {
        let id = self.torrent.id.clone();
        let query = [("min_position", position.to_string())];
        match self.patiently(async |client| client.get(&["v1", "torrents", &id], &query).await).await {
            Ok(document) => {
                self.torrent = document.decode()?;
                Ok(document)
            }
            Err(Failure::Refused(refusal)) if refusal.status == 404 => Err(Failure::TorrentGone { id }),
            Err(failure) => Err(failure),
        }
    }

    /// Asks until there is an answer, however long the service is away.
    async fn patiently<T>(&mut self, ask: impl AsyncFn(&Client) -> Result<T, Failure>) -> Result<T, Failure> {
        let mut backoff = Backoff::default();
        loop {
            match ask(&self.context.client).await {
                Err(failure) if failure.is_passing() => {
                    let wait = backoff.next();
                    self.note_interruption(&failure.to_string(), wait);
                    tokio::time::sleep(wait).await;
                }
                answer => return answer,
            }
        }
    }

    fn apply(&mut self, event: &Event) {
        // A sample is true for a moment: one that is not understood is not missed.
        let sample: Sample = serde_json::from_value(event.frame.data.clone()).unwrap_or_default();
        update(&mut self.torrent, &sample);
    }

    fn note_interruption(&mut self, why: &str, wait: Duration) {
        self.progress.note(&format!("{why}; trying again in {:.1} s", wait.as_secs_f64()));
    }

    fn failed(&self) -> Failure {
        let error = self.torrent.error.as_ref();
        Failure::TorrentFailed {
            id: self.torrent.id.clone(),
            code: error.map_or_else(|| "failed".to_owned(), |error| error.code.clone()),
            detail: error.map_or_else(|| "no reason is known".to_owned(), |error| error.detail.clone()),
        }
    }
}

fn update(torrent: &mut Torrent, sample: &Sample) {
    let set = |field: &mut u64, value: Option<u64>| *field = value.unwrap_or(*field);
    set(&mut torrent.downloaded_bytes, sample.downloaded_bytes);
    set(&mut torrent.uploaded_bytes, sample.uploaded_bytes);
    set(&mut torrent.download_bytes_per_second, sample.download_bytes_per_second);
    set(&mut torrent.upload_bytes_per_second, sample.upload_bytes_per_second);
    torrent.peers = sample.peers.unwrap_or(torrent.peers);
    torrent.seeds = sample.seeds.unwrap_or(torrent.seeds);
    let (Some(done), Some(wanted)) = (sample.wanted_done_bytes, torrent.wanted_bytes) else { return };
    #[expect(clippy::cast_precision_loss, reason = "a few digits are shown")]
    if wanted > 0 {
        torrent.progress = (done as f64 / wanted as f64).min(1.0);
    }
    torrent.eta_seconds = wanted.saturating_sub(done).checked_div(torrent.download_bytes_per_second);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::samples;

    #[test]
    fn sample_moves_the_numbers() {
        let mut torrent = samples::torrent();
        let sample = r#"{"wanted_done_bytes":100000000,"downloaded_bytes":7,"download_bytes_per_second":3000000,"peers":9}"#;
        update(&mut torrent, &serde_json::from_str(sample).unwrap());
        assert_eq!((torrent.downloaded_bytes, torrent.peers, torrent.seeds), (7, 9, 1));
        assert!((torrent.progress - 0.25).abs() < 1e-9);
        assert_eq!(torrent.eta_seconds, Some(100));
    }

    #[test]
    fn torrent_that_stands_still_has_no_end_in_sight() {
        let mut torrent = samples::torrent();
        update(
            &mut torrent,
            &serde_json::from_str(r#"{"wanted_done_bytes":1,"download_bytes_per_second":0}"#).unwrap(),
        );
        assert_eq!(torrent.eta_seconds, None);
    }
}
