//! A fact or a sample in the form of `wire::EventFrame`. The payload is embedded as stored, neither parsed nor written again.

use std::borrow::Cow;
use std::io::Write;

use revaer_domain::values::{JobId, TorrentId};
use revaer_event_log::{Fact, FactRef, Samples};
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

/// The same as text, onto the end of another: of a replay there are hundreds of thousands a second, so nothing is made but the text,
/// and the payload is copied without a look. The database has checked that it is JSON.
pub(crate) fn write_fact(text: &mut Vec<u8>, fact: FactRef<'_>) {
    text.extend_from_slice(b"{\"position\":");
    write_number(text, fact.position.0);
    text.extend_from_slice(b",\"kind\":");
    write_json(text, fact.kind);
    text.extend_from_slice(b",\"stream\":");
    write_json(text, fact.stream);
    text.extend_from_slice(b",\"version\":");
    write_number(text, i64::from(fact.version));
    text.extend_from_slice(b",\"recorded_at\":\"");
    write_time(text, fact.recorded_at);
    text.extend_from_slice(b"\",");
    write_told(text, fact.meta);
    text.extend_from_slice(b",\"data\":");
    text.extend_from_slice(fact.data);
    text.push(b'}');
}

/// The four values of the metadata that a frame has. As they are mostly written, they are found and copied; else they are parsed.
fn write_told(text: &mut Vec<u8>, meta: &[u8]) {
    if let Some((actor, rest)) = plainly_told(meta) {
        text.extend_from_slice(actor);
        text.extend_from_slice(rest);
        return;
    }
    let told: Told<'_> = serde_json::from_slice(meta).unwrap_or_default();
    for (index, (name, value)) in [
        ("actor", told.actor),
        ("request_id", told.request_id),
        ("correlation_id", told.correlation_id),
        ("causation_id", told.causation_id),
    ]
    .into_iter()
    .enumerate()
    {
        text.extend_from_slice(if index == 0 { b"\"" } else { b",\"" });
        text.extend_from_slice(name.as_bytes());
        text.extend_from_slice(b"\":");
        text.extend_from_slice(value.map_or("null", RawValue::get).as_bytes());
    }
}

/// Metadata with its members in their order, each a text without escapes or nothing: what comes before the key and what after.
fn plainly_told(meta: &[u8]) -> Option<(&[u8], &[u8])> {
    let inner = meta.strip_prefix(b"{")?.strip_suffix(b"}")?;
    let after_actor = after_member(inner, b"\"actor\":")?;
    let actor = &inner[..inner.len() - after_actor.len()];
    let rest = after_member(after_actor, b",\"key_id\":").unwrap_or(after_actor);
    let left = after_member(rest, b",\"request_id\":")?;
    let left = after_member(left, b",\"correlation_id\":")?;
    let left = after_member(left, b",\"causation_id\":")?;
    left.is_empty().then_some((actor, rest))
}

/// What follows a member whose value is plain.
fn after_member<'a>(text: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let value = text.strip_prefix(name)?;
    if let Some(rest) = value.strip_prefix(b"null") {
        return Some(rest);
    }
    let value = value.strip_prefix(b"\"")?;
    let end = value.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
    (value[end] == b'"').then(|| &value[end + 1..])
}

fn write_number(text: &mut Vec<u8>, number: i64) {
    write!(text, "{number}").expect("a vector takes whatever is written");
}

fn write_json(text: &mut Vec<u8>, value: &str) {
    serde_json::to_writer(text, value).expect("a text always serialises");
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
pub(crate) fn time(at: OffsetDateTime) -> String {
    let mut text = Vec::with_capacity("9999-12-31T23:59:59.999999Z".len());
    write_time(&mut text, at);
    String::from_utf8(text).expect("digits and marks")
}

/// By hand, because the formatter of the library takes as long as the rest of a fact together.
fn write_time(text: &mut Vec<u8>, at: OffsetDateTime) {
    let at = at.to_offset(time::UtcOffset::UTC);
    let ((year, month, day), (hour, minute, second)) = (at.to_calendar_date(), at.to_hms());
    let year = u32::try_from(year).expect("the years of the log are after Christ");
    for (number, digits, mark) in [
        (year, 4, b'-'),
        (u32::from(u8::from(month)), 2, b'-'),
        (u32::from(day), 2, b'T'),
        (u32::from(hour), 2, b':'),
        (u32::from(minute), 2, b':'),
        (u32::from(second), 2, b'.'),
    ] {
        write_digits(text, number, digits);
        text.push(mark);
    }
    write_digits(text, at.microsecond(), 6);
    while text.last() == Some(&b'0') {
        text.pop();
    }
    if text.last() == Some(&b'.') {
        text.pop();
    }
    text.push(b'Z');
}

fn write_digits(text: &mut Vec<u8>, number: u32, digits: usize) {
    let start = text.len();
    text.resize(start + digits, b'0');
    let mut rest = number;
    for digit in text[start..].iter_mut().rev() {
        *digit += u8::try_from(rest % 10).expect("it is below ten");
        rest /= 10;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use revaer_event_log::{Position, StreamId};
    use rstest::rstest;
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

    fn fact(meta: &str) -> Fact {
        Fact {
            position: Position(7),
            stream: StreamId::new("torrent-x").expect("a stream"),
            version: 3,
            recorded_at: OffsetDateTime::UNIX_EPOCH,
            command_id: None,
            schema_version: 1,
            kind: "torrent.paused".to_owned(),
            data: r#"{"a": [1, "two"]}"#.to_owned(),
            meta: meta.to_owned(),
        }
    }

    #[rstest]
    #[case::plain(r#"{"actor":"ü","request_id":null,"correlation_id":"c","causation_id":"position:7"}"#)]
    #[case::with_key(
        r#"{"actor":"a","key_id":"k","request_id":"r","correlation_id":"c","causation_id":null}"#
    )]
    #[case::escaped(r#"{"actor":"a \"b\"","request_id":null,"correlation_id":"c","causation_id":null}"#)]
    #[case::escaped_end(r#"{"actor":"a\\","request_id":null,"correlation_id":"c","causation_id":null}"#)]
    #[case::another_order(r#"{"request_id":"r","actor":"a","causation_id":null,"correlation_id":"c"}"#)]
    #[case::spaced(r#"{ "actor": "a", "request_id": null, "correlation_id": "c", "causation_id": null }"#)]
    #[case::another_type(r#"{"actor":1,"request_id":[],"correlation_id":"c","causation_id":{}}"#)]
    #[case::more(r#"{"actor":"a","request_id":null,"correlation_id":"c","causation_id":null,"more":"m"}"#)]
    #[case::null_and_more(
        r#"{"actor":nullified,"request_id":null,"correlation_id":"c","causation_id":null}"#
    )]
    #[case::missing(r#"{"actor":"a"}"#)]
    #[case::empty("{}")]
    fn fact_is_the_same_object_whichever_way_it_is_written(#[case] meta: &str) {
        let fact = fact(meta);
        let mut text = b"before".to_vec();
        write_fact(&mut text, FactRef::from(&fact));
        let written = serde_json::to_string(&fact_frame(&fact)).expect("serialises");
        assert_eq!(String::from_utf8(text).expect("text"), format!("before{written}"));
        let read: serde_json::Value = serde_json::from_str(&written).expect("JSON");
        let meta: serde_json::Value = serde_json::from_str(meta).unwrap_or_default();
        for name in ["actor", "request_id", "correlation_id", "causation_id"] {
            assert_eq!(read[name], meta[name], "{name}");
        }
    }
}
