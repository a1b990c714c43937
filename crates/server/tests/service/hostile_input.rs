//! Torrent files that were cut, stretched and twisted: a problem or a torrent, and the process alive.

use reqwest::Method;
use revaer_test_support::{Payload, Seeder, SeederOptions, ServiceProcess};
use serde_json::json;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use libtorrent_sys::Format;

use crate::world::{REVAERD, options};

fn metainfo(format: Format) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let payload = Payload::create(folder.path(), 3, 4, 200_000).unwrap();
    let options = SeederOptions { format, piece_length: Some(16 * 1024), ..SeederOptions::default() };
    Seeder::start(payload.root(), &options).unwrap().metainfo().to_vec()
}

/// Every way to break a torrent file that a flip of one byte or a cut can find, sampled evenly.
fn broken(whole: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let cuts = (0..20).map(move |part| whole[..whole.len() * part / 20].to_vec());
    let flips = (0..60).map(move |part| {
        let mut bytes = whole.to_vec();
        let at = whole.len() * part / 60;
        bytes[at] = bytes[at].wrapping_add(1);
        bytes
    });
    cuts.chain(flips)
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_torrent_files_are_problems_and_the_service_lives() {
    let folder = tempfile::tempdir().unwrap();
    let service = ServiceProcess::start(REVAERD, options(folder.path())).await;
    let mut refused = 0;
    for whole in [Format::V1, Format::V2, Format::Hybrid].map(metainfo) {
        for bytes in broken(&whole) {
            let body = json!({ "metainfo": BASE64_STANDARD.encode(&bytes), "start_paused": true });
            let (status, answer) = service.exchange(Method::POST, "/v1/torrents", Some(&body)).await;
            if status.is_client_error() {
                refused += 1;
                assert!(answer["code"].is_string() && answer["detail"].is_string(), "{answer}");
                if status == 422 {
                    assert_eq!(answer["errors"][0]["pointer"], "/metainfo", "{answer}");
                }
            } else {
                assert!(status.is_success(), "{status} {answer}");
            }
        }
    }
    assert!(refused >= 60, "{refused} were refused");
    assert_eq!(service.get_json("/health").await["status"], "alive");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_climb_are_confined_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let service = ServiceProcess::start(REVAERD, options(&folder.path().join("data"))).await;
    let long = "a".repeat(300);
    let names: [&[u8]; 10] = [
        b"../../escaped",
        b"/etc/escaped",
        b"..",
        b".",
        b"",
        b"nul\0inside",
        b"a/../../b",
        b"..\\..\\escaped",
        b"\xff\xfe",
        long.as_bytes(),
    ];
    for name in names {
        let bytes = single_file(name);
        let body = json!({ "metainfo": BASE64_STANDARD.encode(bytes) });
        let (status, torrent) = service.exchange(Method::POST, "/v1/torrents", Some(&body)).await;
        if !status.is_success() {
            assert!(status.is_client_error(), "{status} {torrent}");
            continue;
        }
        let id = torrent["id"].as_str().unwrap();
        let files = service.get_json(&format!("/v1/torrents/{id}/files")).await;
        for file in files["items"].as_array().unwrap() {
            let path = file["path"].as_str().unwrap();
            let safe = !path.starts_with('/') && path.split('/').all(|part| part != ".." && part.len() < 256);
            assert!(safe && !path.contains('\0'), "{path:?} of {name:?}");
        }
    }
    let outside: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(outside, ["data"], "nothing appeared beside the data directory");
}

/// A torrent of one piece and one file of that name.
fn single_file(name: &[u8]) -> Vec<u8> {
    let mut bytes = format!("d4:infod6:lengthi16384e4:name{}:", name.len()).into_bytes();
    bytes.extend_from_slice(name);
    bytes.extend_from_slice(b"12:piece lengthi16384e6:pieces20:");
    // The hash differs by name, since the info dictionary does.
    bytes.extend_from_slice(&[7; 20]);
    bytes.extend_from_slice(b"ee");
    bytes
}
