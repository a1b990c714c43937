//! Events on lines, the same in a history and in a stream.
//!
//! A stream has no end, so its columns have fixed widths; what an event says comes last and takes the room that is left.

use revaer_wire::EventFrame;

use crate::screen::{Align, cut, escape, padded};

const POSITION_COLUMNS: usize = 8;
const TIME_COLUMNS: usize = 20;
const KIND_COLUMNS: usize = 26;
/// A ULID.
const STREAM_COLUMNS: usize = 26;
/// `request ` and a ULID.
const CAUSE_COLUMNS: usize = 34;

/// Whether a line says of whom it speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// Of several: each line says of which.
    Shown,
    /// All lines are of the same torrent.
    Known,
}

/// The event on a line, without its end.
pub(super) fn line(frame: &EventFrame, whose: Whose, columns: Option<usize>) -> String {
    let column = |text: &str, width| padded(&escape(text), width, Align::Left);
    let mut parts = vec![
        padded(&frame.position.to_string(), POSITION_COLUMNS, Align::Right),
        column(&whole_seconds(&frame.recorded_at), TIME_COLUMNS),
        column(&frame.kind, KIND_COLUMNS),
    ];
    if whose == Whose::Shown {
        // That it is a torrent is in the kind.
        parts.push(column(frame.stream.strip_prefix("torrent-").unwrap_or(&frame.stream), STREAM_COLUMNS));
    }
    if whose == Whose::Known {
        parts.push(column(&cause(frame), CAUSE_COLUMNS));
    }
    let is_silent = frame.data.is_null() || frame.data.as_object().is_some_and(serde_json::Map::is_empty);
    if !is_silent {
        parts.push(escape(&frame.data.to_string()).into_owned());
    }
    let line = parts.join("  ");
    let line = line.trim_end();
    columns.map_or_else(|| line.to_owned(), |columns| cut(line, columns))
}

/// What led to it: a request, or another event by its position. Where nothing is known to have, whoever did it.
fn cause(frame: &EventFrame) -> String {
    let causation = frame.causation_id.as_deref().unwrap_or_default();
    if let Some(id) = causation.strip_prefix("request:") {
        return format!("request {id}");
    }
    match causation.strip_prefix("position:") {
        Some(position) => format!("event {position}"),
        None => frame.actor.clone().unwrap_or_default(),
    }
}

/// Nobody reads nanoseconds; programs have the JSON.
fn whole_seconds(time: &str) -> String {
    match time.split_once('.') {
        Some((seconds, rest)) if rest.ends_with('Z') => format!("{seconds}Z"),
        _ => time.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn frame(kind: &str, recorded_at: &str, data: &serde_json::Value) -> EventFrame {
        serde_json::from_value(json!({
            "position": 4711, "kind": kind, "stream": "torrent-01ARZ3NDEKTSV4RRFFQ69G5FAV", "version": 3,
            "recorded_at": recorded_at, "actor": "local", "data": data,
        }))
        .unwrap()
    }

    fn caused(by: &str) -> EventFrame {
        let frame = frame("torrent.paused", "2026-01-02T03:04:05Z", &json!({}));
        EventFrame { causation_id: Some(by.to_owned()), ..frame }
    }

    #[test]
    fn lines_stand_under_each_other() {
        let time = "2026-01-02T03:04:05Z";
        let hostile = json!({ "detail": "a\u{1b}[2J\u{9b}合" });
        let cap = json!({ "from": {}, "to": { "x": 1 } });
        let lines = [
            line(&frame("torrent.paused", time, &json!({})), Whose::Shown, None),
            line(&frame("torrent.paused", "2026-01-02T03:04:05.123456Z", &json!(null)), Whose::Shown, None),
            line(&frame("torrent.failed", time, &hostile), Whose::Shown, None),
            line(&frame("torrent.rate_cap_changed", time, &cap), Whose::Shown, Some(100)),
            line(&frame("torrent.reannounce_requested", time, &cap), Whose::Known, Some(80)),
            line(&caused("request:01ARZ3NDEKTSV4RRFFQ69G5FAV"), Whose::Known, None),
            line(&caused("position:4710"), Whose::Known, None),
        ];
        insta::assert_snapshot!(lines.join("\n"));
    }
}
