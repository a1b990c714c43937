//! An entry of the audit as a sentence: when, who, what, and by which request.
//!
//! Each changed value has a line of its own. What has no words of its own here is told by its kind and what it says, so that a
//! newer service is still understood.

use std::borrow::Cow;

use revaer_wire::AuditEntry;
use serde_json::Value;

use crate::screen::escape;

/// The lines of an entry.
pub(super) fn of(entry: &AuditEntry) -> Vec<String> {
    let when = minutes(&entry.recorded_at);
    let request =
        entry.request_id.as_ref().map(|id| format!(" (request {})", escape(id))).unwrap_or_default();
    let deeds = deeds(entry).into_iter();
    deeds.map(|deed| format!("{when} {} {deed}{request}", escape(&entry.actor))).collect()
}

/// `2026-11-23 10:04`: seconds and their parts are in the JSON.
fn minutes(time: &str) -> String {
    let minutes: String = time.chars().take(16).collect();
    escape(&minutes.replace('T', " ")).into_owned()
}

fn deeds(entry: &AuditEntry) -> Vec<String> {
    let data = &entry.data;
    let subject = subject(&entry.subject);
    let (room, what) = entry.kind.split_once('.').unwrap_or(("", &entry.kind));
    match (room, what) {
        ("settings", "changed") => settings(data),
        ("torrent", "added") => vec![format!("added {subject} {}", quoted(&data["name"]))],
        ("torrent", "rate_cap_changed" | "share_limits_changed") => changed_fields(&subject, data),
        ("torrent", "labels_changed" | "selection_changed") => {
            let field = what.trim_end_matches("_changed");
            vec![format!("set {field} of {subject} {} -> {}", shown(&data["from"]), shown(&data["to"]))]
        }
        ("torrent", "move_requested") => {
            vec![format!("asked to move {subject} {} -> {}", shown(&data["from"]), shown(&data["to"]))]
        }
        ("torrent", "sequential_changed") => {
            vec![format!("set sequential of {subject} -> {}", shown(&data["enabled"]))]
        }
        ("torrent", "remove_requested") => {
            let files = if data["delete_data"] == true { " with its files" } else { "" };
            vec![format!("asked to remove {subject}{files}")]
        }
        ("torrent", "recheck_requested" | "reannounce_requested") => {
            vec![format!("asked to {} {subject}", what.trim_end_matches("_requested"))]
        }
        ("fsops", "requested") => {
            vec![format!("asked for the job of {subject} by profile {}", shown(&data["profile"]))]
        }
        ("fsops", "cancel_requested" | "undo_requested") => {
            vec![format!("asked to {} the job of {subject}", what.trim_end_matches("_requested"))]
        }
        ("torrent" | "api_key", "paused" | "resumed" | "rotated" | "revoked") => {
            vec![format!("{what} {subject}")]
        }
        ("api_key", "issued") => vec![format!(
            "issued {subject} {} with scope {} until {}",
            quoted(&data["label"]),
            shown(&data["scope"]),
            shown(&data["expires_at"]).replace("none", "revoked"),
        )],
        ("setup", "token_issued") => {
            vec![format!("issued a setup token until {}", shown(&data["expires_at"]))]
        }
        ("setup", "attempted") => vec![format!("tried to complete the setup: {}", shown(&data["outcome"]))],
        ("setup", "completed") => vec![format!("completed the setup of {}", quoted(&data["instance_name"]))],
        _ => vec![other(entry, &subject)],
    }
}

fn settings(data: &Value) -> Vec<String> {
    let taken_back = data["reverts"].as_i64().map(|position| format!(", which takes back {position}"));
    let reason = data["reason"].as_str().map(|reason| format!(": {}", escape(reason)));
    let why = [taken_back, reason].into_iter().flatten().collect::<String>();
    let changes = data["changes"].as_array().into_iter().flatten();
    changes
        .map(|change| {
            let path = change["path"].as_str().unwrap_or_default();
            let path = path.trim_start_matches('/').replace('/', ".");
            format!("set {} {} -> {}{why}", escape(&path), shown(&change["old"]), shown(&change["new"]))
        })
        .collect()
}

/// One line for each field in which `from` and `to` differ.
fn changed_fields(subject: &str, data: &Value) -> Vec<String> {
    let fields = data["to"].as_object().into_iter().flatten();
    fields
        .filter(|(name, to)| data["from"][name.as_str()] != **to)
        .map(|(name, to)| {
            format!(
                "set {} of {subject} {} -> {}",
                escape(name),
                shown(&data["from"][name.as_str()]),
                shown(to)
            )
        })
        .collect()
}

fn other(entry: &AuditEntry, subject: &str) -> String {
    let is_silent = entry.data.is_null() || entry.data.as_object().is_some_and(serde_json::Map::is_empty);
    let says = if is_silent { String::new() } else { format!(" {}", escape(&entry.data.to_string())) };
    format!("{} {subject}{says}", escape(&entry.kind))
}

/// `torrent-<ULID>` as two words.
fn subject(stream: &str) -> String {
    let known = [("torrent-", "torrent"), ("api-key-", "key")];
    let named = known.into_iter().find_map(|(prefix, word)| Some((word, stream.strip_prefix(prefix)?)));
    named.map_or_else(|| escape(stream).into_owned(), |(word, id)| format!("{word} {}", escape(id)))
}

/// A value as one would say it.
fn shown(value: &Value) -> String {
    let text = match value {
        Value::Null => Cow::Borrowed("none"),
        Value::String(text) if text.is_empty() => Cow::Borrowed("\"\""),
        Value::String(text) => Cow::Borrowed(text.as_str()),
        other => Cow::Owned(other.to_string()),
    };
    escape(&text).into_owned()
}

fn quoted(value: &Value) -> String {
    format!("\"{}\"", escape(value.as_str().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn lines(kind: &str, subject: &str, data: Value, request_id: Option<&str>) -> String {
        let entry = AuditEntry {
            position: 7,
            recorded_at: "2026-11-23T10:04:59.123456Z".to_owned(),
            actor: "key ops-laptop".to_owned(),
            key_id: None,
            request_id: request_id.map(str::to_owned),
            kind: kind.to_owned(),
            subject: subject.to_owned(),
            data,
        };
        of(&entry).join("\n")
    }

    #[test]
    fn entries_read_like_sentences() {
        let torrent = "torrent-01ARZ3NDEKTSV4RRFFQ69G5FAV";
        let key = "api-key-01ARZ3NDEKTSV4RRFFQ69G5FAV";
        let changes = json!([
            { "path": "/limits/download_bytes_per_second", "old": null, "new": 5_000_000 },
            { "path": "/engine/dht", "old": false, "new": true },
        ]);
        let cap = json!({
            "from": { "download_bytes_per_second": null, "upload_bytes_per_second": 1024 },
            "to": { "download_bytes_per_second": 65536, "upload_bytes_per_second": 1024 },
        });
        let told = [
            lines(
                "settings.changed",
                "settings",
                json!({ "changes": changes, "reverts": null }),
                Some("01J"),
            ),
            lines(
                "settings.changed",
                "settings",
                json!({ "changes": [{ "path": "/engine/proxy", "old": "", "new": "x\u{1b}[2J" }], "reverts": 41, "reason": "refused" }),
                None,
            ),
            lines("torrent.added", torrent, json!({ "name": "Debian" }), Some("01J")),
            lines("torrent.paused", torrent, json!({}), None),
            lines("torrent.rate_cap_changed", torrent, cap, None),
            lines("torrent.labels_changed", torrent, json!({ "from": [], "to": ["films"] }), None),
            lines("torrent.move_requested", torrent, json!({ "from": "", "to": "films" }), None),
            lines("torrent.remove_requested", torrent, json!({ "delete_data": true }), None),
            lines("torrent.recheck_requested", torrent, json!({ "request": 1 }), None),
            lines(
                "api_key.issued",
                key,
                json!({ "label": "laptop", "scope": "control", "expires_at": null }),
                None,
            ),
            lines("api_key.revoked", key, json!({}), None),
            lines("setup.attempted", "setup", json!({ "outcome": "wrong_token" }), None),
            lines("setup.completed", "setup", json!({ "instance_name": "home" }), None),
            lines("torrent.levitated", torrent, json!({ "metres": 3 }), None),
        ];
        insta::assert_snapshot!(told.join("\n"));
    }
}
