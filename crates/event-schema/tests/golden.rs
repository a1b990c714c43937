//! The persisted forms: every file under `golden/` is read with today's code and written again to the same bytes.
//!
//! `golden/<kind>.v<version>.json` holds the `data` of one fact. Files are only ever added: a form that was once written
//! lies in somebody's log for ever.

use std::collections::BTreeSet;
use std::path::Path;

use revaer_event_log::{Fact, Position, StreamId};
use revaer_event_schema::{Decoded, KINDS, Metadata, decode, encode_engine, encode_health, encode_torrent};

const STREAM: &str = "torrent-01ARZ3NDEKTSV4RRFFQ69G5FAV";

fn golden() -> Vec<(String, i16, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("golden files")
        .map(|entry| {
            let path = entry.expect("entry").path();
            let name = path.file_name().expect("name").to_str().expect("UTF-8").to_owned();
            let (kind, version) = name
                .strip_suffix(".json")
                .and_then(|stem| stem.rsplit_once(".v"))
                .expect("a golden file is called <kind>.v<version>.json");
            let text = std::fs::read_to_string(&path).expect("readable");
            (kind.to_owned(), version.parse().expect("a number"), text.trim().to_owned())
        })
        .collect();
    files.sort();
    files
}

fn fact(kind: &str, schema_version: i16, data: &str) -> Fact {
    Fact {
        position: Position(1),
        stream: StreamId::new(STREAM).expect("stream"),
        version: 1,
        recorded_at: time::OffsetDateTime::UNIX_EPOCH,
        command_id: None,
        schema_version,
        kind: kind.to_owned(),
        data: data.to_owned(),
        meta: "{}".to_owned(),
    }
}

#[test]
fn every_persisted_form_is_read_and_written_back() {
    let metadata = Metadata::of_system("system", "c");
    for (kind, version, text) in golden() {
        let decoded = decode(&fact(&kind, version, &text)).unwrap_or_else(|error| panic!("{kind}: {error:?}"));
        let written = match decoded {
            Decoded::Torrent(_, event) => encode_torrent(&event, &metadata),
            Decoded::Engine(event) => encode_engine(&event, &metadata),
            Decoded::Health(event) => encode_health(&event, &metadata),
        };
        assert_eq!(written.kind, kind);
        assert_eq!(written.data, text, "{kind} is written in another form than the one that lies in logs");
    }
}

#[test]
fn every_kind_has_a_golden_file() {
    let kinds: BTreeSet<_> = golden().into_iter().map(|(kind, ..)| kind).collect();
    let missing: Vec<_> = KINDS.iter().filter(|kind| !kinds.contains(**kind)).collect();
    assert!(missing.is_empty(), "no golden file for {missing:?}");
}

#[test]
fn what_is_unknown_is_an_error() {
    assert!(decode(&fact("torrent.vanished", 1, "{}")).is_err());
    assert!(decode(&fact("torrent.paused", 2, "{}")).is_err());
    assert!(decode(&fact("torrent.failed", 1, "{}")).is_err());
}
