//! Events on lines, the same in a history and in a stream.
//!
//! A stream has no end, so its columns have fixed widths; what an event says comes last and takes the room that is left.

use revaer_wire::EventFrame;

use crate::screen::{Align, cut, escape, padded};

const POSITION_COLUMNS: usize = 10;
const TIME_COLUMNS: usize = 20;
const KIND_COLUMNS: usize = 28;
/// `torrent-` and a ULID.
const STREAM_COLUMNS: usize = 34;

/// The event on a line, without its end.
pub(super) fn line(frame: &EventFrame, columns: Option<usize>) -> String {
    let position = padded(&frame.position.to_string(), POSITION_COLUMNS, Align::Right);
    let time = padded(&escape(&whole_seconds(&frame.recorded_at)), TIME_COLUMNS, Align::Left);
    let kind = padded(&escape(&frame.kind), KIND_COLUMNS, Align::Left);
    let stream = padded(&escape(&frame.stream), STREAM_COLUMNS, Align::Left);
    let says = if frame.data.as_object().is_some_and(serde_json::Map::is_empty) || frame.data.is_null() {
        String::new()
    } else {
        frame.data.to_string()
    };
    let line = format!("{position}  {time}  {kind}  {stream}  {}", escape(&says));
    let line = line.trim_end();
    columns.map_or_else(|| line.to_owned(), |columns| cut(line, columns))
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

    #[test]
    fn lines_stand_under_each_other() {
        let lines = [
            line(&frame("torrent.paused", "2026-01-02T03:04:05Z", &json!({})), None),
            line(&frame("torrent.paused", "2026-01-02T03:04:05.123456Z", &json!(null)), None),
            line(
                &frame("torrent.failed", "2026-01-02T03:04:05Z", &json!({"detail": "a\u{1b}[2J\u{9b}合"})),
                None,
            ),
            line(
                &frame(
                    "torrent.rate_cap_changed",
                    "2026-01-02T03:04:05Z",
                    &json!({"from": {}, "to": {"x": 1}}),
                ),
                Some(80),
            ),
        ];
        insta::assert_snapshot!(lines.join("\n"));
    }
}
