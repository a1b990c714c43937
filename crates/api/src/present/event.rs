//! A fact or a sample in the form of `wire::EventFrame`. The payload is embedded as stored, neither parsed nor written again.

use std::borrow::Cow;

use revaer_domain::values::{JobId, TorrentId};
use revaer_event_log::{Fact, Samples};
use revaer_event_schema::{FSOPS_PROGRESS_KIND, FsopsProgressSample, PROGRESS_KIND, ProgressSample};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use time::OffsetDateTime;

/// `wire::EventFrame`, borrowed.
#[derive(Debug, Serialize)]
pub(crate) struct Frame<'a> {
    #[serde(flatten)]
    head: Head<'a>,
    data: Payload<'a>,
}

/// All of it but the payload.
#[derive(Debug, Serialize)]
struct Head<'a> {
    position: i64,
    kind: &'a str,
    stream: Cow<'a, str>,
    version: Option<u32>,
    recorded_at: String,
    actor: Option<&'a RawValue>,
    request_id: Option<&'a RawValue>,
    correlation_id: Option<&'a RawValue>,
    causation_id: Option<&'a RawValue>,
}

/// `event_schema::Metadata`, each value as it is written.
#[derive(Debug, Default, Deserialize)]
struct Told<'a> {
    #[serde(borrow)]
    actor: Option<&'a RawValue>,
    #[serde(borrow)]
    request_id: Option<&'a RawValue>,
    #[serde(borrow)]
    correlation_id: Option<&'a RawValue>,
    #[serde(borrow)]
    causation_id: Option<&'a RawValue>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Payload<'a> {
    Stored(&'a RawValue),
    Absent,
    Progress(Progress),
    Fsops(FsopsProgress),
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

/// The data of `fsops.progress`.
#[derive(Debug, Serialize)]
struct FsopsProgress {
    job: JobId,
    step: &'static str,
    done_bytes: u64,
    total_bytes: Option<u64>,
}

/// A fact.
pub(crate) fn fact_frame(fact: &Fact) -> Frame<'_> {
    // The column holds JSON; a text that is none could only come from a damaged database.
    let data = serde_json::from_str(&fact.data).map_or(Payload::Absent, Payload::Stored);
    Frame { head: head(fact), data }
}

/// The same as text, onto the end of another: of a replay there are hundreds of thousands a second, so the payload is copied
/// without a look. The database has checked that it is JSON.
pub(crate) fn write_fact(text: &mut Vec<u8>, fact: &Fact) {
    serde_json::to_writer(&mut *text, &head(fact)).expect("texts and numbers always serialise");
    assert_eq!(text.pop(), Some(b'}'), "a frame is an object");
    text.extend_from_slice(b",\"data\":");
    text.extend_from_slice(fact.data.as_bytes());
    text.push(b'}');
}

fn head(fact: &Fact) -> Head<'_> {
    let Told { actor, request_id, correlation_id, causation_id } =
        serde_json::from_str(&fact.meta).unwrap_or_default();
    Head {
        position: fact.position.0,
        kind: &fact.kind,
        stream: Cow::Borrowed(fact.stream.as_str()),
        version: Some(fact.version),
        recorded_at: time(fact.recorded_at),
        actor,
        request_id,
        correlation_id,
        causation_id,
    }
}

/// One torrent of a tick of samples.
pub(crate) fn sample_frame<'a>(samples: &Samples, sample: &ProgressSample) -> Frame<'a> {
    Frame {
        head: sampled(samples, PROGRESS_KIND, sample.torrent),
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

/// One job of a tick of samples.
pub(crate) fn fsops_sample_frame<'a>(samples: &Samples, sample: &FsopsProgressSample) -> Frame<'a> {
    Frame {
        head: sampled(samples, FSOPS_PROGRESS_KIND, sample.torrent),
        data: Payload::Fsops(FsopsProgress {
            job: sample.job,
            step: sample.step.name(),
            done_bytes: sample.done_bytes,
            total_bytes: sample.total_bytes,
        }),
    }
}

fn sampled<'a>(samples: &Samples, kind: &'static str, torrent: TorrentId) -> Head<'a> {
    Head {
        position: samples.position.0,
        kind,
        stream: Cow::Owned(torrent.stream()),
        version: None,
        recorded_at: time(samples.at),
        actor: None,
        request_id: None,
        correlation_id: None,
        causation_id: None,
    }
}

/// RFC 3339 in UTC, to the microsecond: the database keeps no more, and a time must not differ by where it was read.
///
/// By hand, because the formatter of the library takes as long as the rest of a fact together.
pub(crate) fn time(at: OffsetDateTime) -> String {
    let at = at.to_offset(time::UtcOffset::UTC);
    let ((year, month, day), (hour, minute, second)) = (at.to_calendar_date(), at.to_hms());
    let mut text = String::with_capacity("9999-12-31T23:59:59.999999Z".len());
    let year = u32::try_from(year).expect("the years of the log are after Christ");
    for (separator, number, digits) in [
        ("", year, 4),
        ("-", u32::from(u8::from(month)), 2),
        ("-", u32::from(day), 2),
        ("T", u32::from(hour), 2),
        (":", u32::from(minute), 2),
        (":", u32::from(second), 2),
    ] {
        text.push_str(separator);
        push_digits(&mut text, number, digits);
    }
    let microsecond = at.microsecond();
    if microsecond > 0 {
        text.push('.');
        push_digits(&mut text, microsecond, 6);
        text.truncate(text.trim_end_matches('0').len());
    }
    text.push('Z');
    text
}

fn push_digits(text: &mut String, number: u32, digits: u32) {
    for place in (0..digits).rev() {
        let digit = number / 10_u32.pow(place) % 10;
        text.push(char::from_digit(digit, 10).expect("it is below ten"));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use revaer_event_log::{Position, StreamId};
    use time::format_description::well_known::Rfc3339;

    use super::*;

    proptest! {
        #[test]
        fn time_is_written_as_the_library_writes_it(
            // From the year 1 to 9999.
            microseconds in prop_oneof![-62_135_596_800_000_000_i64..253_402_300_800_000_000, 0..2_000_000_i64],
        ) {
            let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(microseconds) * 1000).expect("a time");
            prop_assert_eq!(time(at), at.format(&Rfc3339).expect("four digits"));
            let finer = at + time::Duration::nanoseconds(999);
            prop_assert_eq!(time(finer), time(at), "the database keeps no more");
        }
    }

    #[test]
    fn fact_is_the_same_object_whichever_way_it_is_written() {
        for meta in [
            r#"{"actor":"a \"b\" ü","request_id":null,"correlation_id":"c","causation_id":"position:7"}"#,
            "{}",
        ] {
            let fact = Fact {
                position: Position(7),
                stream: StreamId::new("torrent-x").expect("a stream"),
                version: 3,
                recorded_at: OffsetDateTime::UNIX_EPOCH,
                command_id: None,
                schema_version: 1,
                kind: "torrent.paused".to_owned(),
                data: r#"{"a": [1, "two"]}"#.to_owned(),
                meta: meta.to_owned(),
            };
            let mut text = b"before".to_vec();
            write_fact(&mut text, &fact);
            let written = serde_json::to_string(&fact_frame(&fact)).expect("serialises");
            assert_eq!(String::from_utf8(text).expect("text"), format!("before{written}"));
            let read: serde_json::Value = serde_json::from_str(&written).expect("JSON");
            assert_eq!(
                read["actor"],
                serde_json::from_str::<serde_json::Value>(meta).expect("JSON")["actor"]
            );
        }
    }
}
