//! A fact or a sample in the form of `wire::EventFrame`. The payload is embedded as stored, neither parsed nor written again.

use revaer_event_log::{Fact, Samples};
use revaer_event_schema::{Metadata, PROGRESS_KIND, ProgressSample};
use serde::Serialize;
use serde_json::value::RawValue;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// `wire::EventFrame`, borrowed.
#[derive(Debug, Serialize)]
pub(crate) struct Frame<'a> {
    position: i64,
    kind: &'a str,
    stream: String,
    version: Option<u32>,
    recorded_at: String,
    actor: Option<String>,
    request_id: Option<String>,
    correlation_id: Option<String>,
    causation_id: Option<String>,
    data: Payload<'a>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Payload<'a> {
    Stored(&'a RawValue),
    Absent,
    Progress(Progress),
}

/// The data of `torrent.progress`.
#[derive(Debug, Serialize)]
struct Progress {
    wanted_done_bytes: u64,
    downloaded_bytes: u64,
    uploaded_bytes: u64,
    download_bytes_per_second: u64,
    upload_bytes_per_second: u64,
    peers: u32,
    seeds: u32,
}

/// A fact.
pub(crate) fn fact_frame(fact: &Fact) -> Frame<'_> {
    let metadata = serde_json::from_str::<Metadata>(&fact.meta).ok();
    let (actor, request_id, correlation_id, causation_id) =
        metadata.map_or((None, None, None, None), |metadata| {
            (Some(metadata.actor), metadata.request_id, Some(metadata.correlation_id), metadata.causation_id)
        });
    Frame {
        position: fact.position.0,
        kind: &fact.kind,
        stream: fact.stream.to_string(),
        version: Some(fact.version),
        recorded_at: time(fact.recorded_at),
        actor,
        request_id,
        correlation_id,
        causation_id,
        // The column holds JSON; a text that is none could only come from a damaged database.
        data: serde_json::from_str(&fact.data).map_or(Payload::Absent, Payload::Stored),
    }
}

/// One torrent of a tick of samples.
pub(crate) fn sample_frame<'a>(samples: &Samples, sample: &ProgressSample) -> Frame<'a> {
    Frame {
        position: samples.position.0,
        kind: PROGRESS_KIND,
        stream: sample.torrent.stream(),
        version: None,
        recorded_at: time(samples.at),
        actor: None,
        request_id: None,
        correlation_id: None,
        causation_id: None,
        data: Payload::Progress(Progress {
            wanted_done_bytes: sample.wanted_done_bytes,
            downloaded_bytes: sample.downloaded_bytes,
            uploaded_bytes: sample.uploaded_bytes,
            download_bytes_per_second: sample.download_bytes_per_second,
            upload_bytes_per_second: sample.upload_bytes_per_second,
            peers: sample.peers,
            seeds: sample.seeds,
        }),
    }
}

/// RFC 3339 in UTC, to the microsecond: the database keeps no more, and a time must not differ by where it was read.
pub(crate) fn time(at: OffsetDateTime) -> String {
    let at = at.to_offset(time::UtcOffset::UTC).truncate_to_microsecond();
    at.format(&Rfc3339).expect("the years of the log have four digits")
}
