//! The persisted forms: every file under `golden/` is read with today's code and written again to the same bytes.
//!
//! `golden/<kind>.v<version>.json` holds the `data` of one fact; `<kind>.v<version>.<case>.json` another shape of it. Files are
//! only ever added: a form that was once written lies in somebody's log for ever. `golden.sha256` is what holds that: a
//! change of a file that is listed there, or its end, fails, and so does a file that is not listed yet.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use revaer_domain::selection::{
    GLOB_BYTES_MAX, GLOBS_MAX, PRIORITIES_MAX, Priority, PriorityRule, SelectionRule, Target,
};
use revaer_domain::torrent::{SelectionChanged, TorrentEvent};
use revaer_domain::values::TorrentId;
use revaer_event_log::{Fact, Position, StreamId};
use revaer_event_schema::{
    Decoded, KINDS, Metadata, ProgressSample, decode, encode_engine, encode_health, encode_key, encode_root,
    encode_settings, encode_setup, encode_torrent, pack_progress, unpack_progress,
};
use sha2::{Digest, Sha256};

const STREAM: &str = "torrent-01ARZ3NDEKTSV4RRFFQ69G5FAV";
const KEY_STREAM: &str = "api-key-01ARZ3NDEKTSV4RRFFQ69G5FAV";

struct Golden {
    kind: String,
    version: i16,
    text: String,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden")
}

/// Every file by its name.
fn files() -> BTreeMap<String, Vec<u8>> {
    let read = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.expect("entry").path();
        let name = path.file_name().expect("name").to_str().expect("UTF-8").to_owned();
        (name, std::fs::read(&path).expect("readable"))
    };
    std::fs::read_dir(folder()).expect("golden files").map(read).collect()
}

fn golden() -> Vec<Golden> {
    let parse = |(name, body): (String, Vec<u8>)| {
        let (kind, rest) =
            name.strip_suffix(".json").and_then(|stem| stem.split_once(".v")).expect("<kind>.v<…>.json");
        let version = rest.split('.').next().and_then(|version| version.parse().ok()).expect("a version");
        let text = String::from_utf8(body).expect("UTF-8").trim().to_owned();
        Golden { kind: kind.to_owned(), version, text }
    };
    files().into_iter().map(parse).collect()
}

fn fact(kind: &str, schema_version: i16, data: &str) -> Fact {
    Fact {
        position: Position(1),
        stream: StreamId::new(if kind.starts_with("api_key.") { KEY_STREAM } else { STREAM })
            .expect("stream"),
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
    for Golden { kind, version, text } in golden() {
        let decoded =
            decode(&fact(&kind, version, &text)).unwrap_or_else(|error| panic!("{kind}: {error:?}"));
        let written = match decoded {
            Decoded::Torrent(_, event) => encode_torrent(&event, &metadata),
            Decoded::Engine(event) => encode_engine(&event, &metadata),
            Decoded::Health(event) => encode_health(&event, &metadata),
            Decoded::Settings(event) => encode_settings(&event, &metadata),
            Decoded::Key(_, event) => encode_key(&event, &metadata),
            Decoded::Setup(event) => encode_setup(&event, &metadata),
            Decoded::Root(event) => encode_root(&event, &metadata),
        };
        assert_eq!(written.kind, kind);
        if version < written.schema_version {
            // An older form is never written again: what it becomes lies beside it.
            let name = format!("{kind}.v{}.of_v{version}.json", written.schema_version);
            let newer = String::from_utf8(files().remove(&name).expect("a file of what it becomes"));
            assert_eq!(written.data, newer.expect("UTF-8").trim(), "{kind} of version {version}");
            continue;
        }
        assert_eq!(written.data, text, "{kind} is written in another form than the one that lies in logs");
    }
}

#[test]
fn every_kind_has_a_golden_file() {
    let kinds: BTreeSet<_> = golden().into_iter().map(|golden| golden.kind).collect();
    let missing: Vec<_> = KINDS.iter().filter(|kind| !kinds.contains(**kind)).collect();
    assert!(missing.is_empty(), "no golden file for {missing:?}");
}

#[test]
fn what_is_unknown_is_an_error() {
    assert!(decode(&fact("torrent.vanished", 1, "{}")).is_err());
    assert!(decode(&fact("torrent.paused", 2, "{}")).is_err());
    assert!(decode(&fact("torrent.failed", 1, "{}")).is_err());
}

#[test]
fn golden_files_are_only_ever_added() {
    let listed: BTreeMap<String, String> = include_str!("../golden.sha256")
        .lines()
        .map(|line| line.split_once("  ").expect("<hash>  <file>, as sha256sum writes it"))
        .map(|(hash, name)| (name.to_owned(), hash.to_owned()))
        .collect();
    let here: BTreeMap<String, String> =
        files().into_iter().map(|(name, body)| (name, hex::encode(Sha256::digest(body)))).collect();
    for (name, hash) in &listed {
        assert_eq!(
            here.get(name),
            Some(hash),
            "{name} was changed or removed; add a file of the next version instead"
        );
    }
    let new: Vec<_> = here.iter().filter(|(name, _)| !listed.contains_key(*name)).collect();
    let lines: Vec<_> = new.iter().map(|(name, hash)| format!("{hash}  {name}")).collect();
    assert!(new.is_empty(), "to be listed in golden.sha256:\n{}", lines.join("\n"));
}

#[test]
fn metadata_lies_in_the_log_in_one_form() {
    let text = r#"{"actor":"operator","request_id":"r","correlation_id":"c","causation_id":null}"#;
    let metadata: Metadata = serde_json::from_str(text).expect("parses");
    assert_eq!(serde_json::to_string(&metadata).expect("serialises"), text);
    let text = r#"{"actor":"key laptop","key_id":"01ARZ3NDEKTSV4RRFFQ69G5FAV","request_id":"r","correlation_id":"c","causation_id":null}"#;
    let metadata: Metadata = serde_json::from_str(text).expect("parses");
    assert_eq!(serde_json::to_string(&metadata).expect("serialises"), text);
}

#[test]
fn key_fact_outside_a_key_stream_is_an_error() {
    let mut misplaced = fact("api_key.revoked", 1, "{}");
    assert!(decode(&misplaced).is_ok());
    misplaced.stream = StreamId::new(STREAM).expect("stream");
    assert!(decode(&misplaced).is_err());
}

#[test]
fn samples_lie_in_the_log_in_one_form() {
    let sample = ProgressSample {
        torrent: TorrentId::from_stream(STREAM).expect("a torrent's"),
        wanted_done_bytes: 300,
        downloaded_bytes: 127,
        uploaded_bytes: 128,
        download_bytes_per_second: 0,
        upload_bytes_per_second: u64::MAX,
        peers: 2,
        seeds: 1,
    };
    let packed = pack_progress(&[sample]);
    let expected = concat!(
        "01",
        "01563e3ab5d3d6764c61efb99302bd5b",
        "ac02",
        "7f",
        "8001",
        "00",
        "ffffffffffffffffff01",
        "02",
        "01"
    );
    assert_eq!(hex::encode(&packed), expected);
    assert_eq!(unpack_progress(&packed).expect("unpacks"), [sample]);
}

#[test]
fn change_between_the_largest_rules_fits_into_a_fact() {
    let target = Target::Index(u32::MAX);
    let rule = SelectionRule {
        include: vec!["*".repeat(GLOB_BYTES_MAX); GLOBS_MAX],
        priorities: vec![PriorityRule { target, priority: Priority::Normal }; PRIORITIES_MAX],
        ..SelectionRule::default()
    };
    let changed = SelectionChanged { from: rule.clone(), to: rule };
    let fact = encode_torrent(&TorrentEvent::SelectionChanged(changed), &Metadata::of_system("system", "c"));
    let max = revaer_event_log::Options::default().fact_bytes_max;
    assert!(fact.data.len() <= max, "{} of {max}", fact.data.len());
}
