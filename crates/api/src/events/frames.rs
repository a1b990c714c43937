//! Entries of the log as frames of server-sent events.
//!
//! The frames of an entry are written once and kept with it, for all clients whose filter lets the whole entry through. Only a
//! tick of which one torrent is wanted is written anew, and so is what one client reads of long ago.

use std::io::Write;

use bytes::Bytes;
use revaer_domain::values::TorrentId;
use revaer_event_log::{Body, Entry, FactRef, Position, Samples};
use revaer_event_schema::{FSOPS_PROGRESS_KIND, PROGRESS_KIND, UnpackedSamples, unpack_samples};
use serde::Serialize;

use super::filter::Filter;
use super::resume::Start;
use crate::present;

/// The frames of an entry that pass the filter, if any does. They are kept with the entry.
pub(super) fn of_entry(entry: &Entry, filter: &Filter, tag: &str) -> Option<Bytes> {
    match &entry.body {
        Body::Fact(fact) => {
            let fact = FactRef::from(fact);
            filter.wants(fact).then(|| entry.memo.get_or_init(|| of_fact(fact, tag)).clone())
        }
        Body::Samples(samples) if !filter.wants_samples(samples) => None,
        Body::Samples(samples) => {
            let frames = match filter.torrent() {
                None => entry.memo.get_or_init(|| of_samples(samples, tag, |_| true)).clone(),
                Some(id) => of_samples(samples, tag, |torrent| torrent == id),
            };
            (!frames.is_empty()).then_some(frames)
        }
    }
}

/// A fact onto the end of a chunk, for an entry that no other client will see: one that was read from the database for this one.
pub(super) fn write_fact(text: &mut Vec<u8>, fact: FactRef<'_>, tag: &str) {
    begin(text, Some((fact.position, tag)), fact.kind);
    let from = text.len();
    present::write_fact(text, fact);
    end(text, from);
}

/// An id alone: it moves `Last-Event-ID` and calls nobody.
pub(super) fn id(position: Position, tag: &str) -> Bytes {
    format!("id: {position}.{tag}\n\n").into()
}

/// A comment, so that nobody between takes the connection for dead.
pub(super) const fn comment() -> Bytes {
    Bytes::from_static(b":\n\n")
}

/// The service goes: come back in a moment.
pub(super) const fn farewell() -> Bytes {
    Bytes::from_static(b"retry: 1000\n\n")
}

/// What a stream opens with. Without an id at the very start, a client that is cut off before its first event would resume from
/// nowhere.
pub(super) fn opening(start: Start, tag: &str) -> Bytes {
    #[derive(Serialize)]
    struct Reset<'a> {
        head: i64,
        log_id: &'a str,
    }
    #[derive(Serialize)]
    struct Gap {
        from: i64,
        to: i64,
    }
    let mut text = format!("id: {}.{tag}\n\n", start.after).into_bytes();
    if start.reset {
        push(&mut text, None, "reset", &Reset { head: start.after.0, log_id: tag });
    }
    if let Some(to) = start.samples_gap_to {
        push(&mut text, None, "samples-gap", &Gap { from: start.after.0, to: to.0 });
    }
    text.into()
}

fn of_fact(fact: FactRef<'_>, tag: &str) -> Bytes {
    let mut text = Vec::with_capacity(512 + fact.data.len());
    write_fact(&mut text, fact, tag);
    text.into()
}

/// A tick has one position: its id stands on the last frame alone, so that a cut in the middle repeats some and loses none.
fn of_samples(samples: &Samples, tag: &str, wanted: impl Fn(TorrentId) -> bool) -> Bytes {
    match unpack_samples(&samples.data) {
        Ok(UnpackedSamples::Torrents(unpacked)) => {
            let wanted = unpacked.iter().filter(|sample| wanted(sample.torrent));
            let frames = wanted.map(|sample| present::sample_frame(samples, sample));
            of_tick(samples.position, tag, PROGRESS_KIND, &frames.collect::<Vec<_>>())
        }
        Ok(UnpackedSamples::Fsops(unpacked)) => {
            let wanted = unpacked.iter().filter(|sample| wanted(sample.torrent));
            let frames = wanted.map(|sample| present::fsops_sample_frame(samples, sample));
            of_tick(samples.position, tag, FSOPS_PROGRESS_KIND, &frames.collect::<Vec<_>>())
        }
        Err(error) => {
            // They were true for a moment; a stream does not end for them.
            tracing::warn!(%error, position = %samples.position, "samples are left out");
            Bytes::new()
        }
    }
}

fn of_tick(position: Position, tag: &str, kind: &str, frames: &[present::Frame<'_>]) -> Bytes {
    let mut text = Vec::with_capacity(frames.len() * 512);
    for (index, frame) in frames.iter().enumerate() {
        let id = (index + 1 == frames.len()).then_some((position, tag));
        push(&mut text, id, kind, frame);
    }
    text.into()
}

fn push(text: &mut Vec<u8>, id: Option<(Position, &str)>, event: &str, data: &impl Serialize) {
    begin(text, id, event);
    let from = text.len();
    serde_json::to_writer(&mut *text, data).expect("texts, numbers and stored JSON always serialise");
    end(text, from);
}

fn begin(text: &mut Vec<u8>, id: Option<(Position, &str)>, event: &str) {
    if let Some((position, tag)) = id {
        text.extend_from_slice(b"id: ");
        write!(text, "{position}").expect("a vector takes whatever is written");
        text.push(b'.');
        text.extend_from_slice(tag.as_bytes());
        text.push(b'\n');
    }
    text.extend_from_slice(b"event: ");
    text.extend_from_slice(event.as_bytes());
    text.extend_from_slice(b"\ndata: ");
}

/// Ends a frame whose JSON begins at `from`.
fn end(text: &mut Vec<u8>, from: usize) {
    // A line break outside of a string is only white space in JSON, and inside it cannot stand: a stored payload that was
    // written over several lines becomes one line.
    let json = &mut text[from..];
    if json.contains(&b'\n') || json.contains(&b'\r') {
        json.iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
    }
    text.extend_from_slice(b"\n\n");
}
