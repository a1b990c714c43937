//! Everything that a client can get wrong in a body or a query: a problem that names each failed place, and nothing recorded.

use poem::http::StatusCode;
use rstest::rstest;
use serde_json::{Value, json};
use ulid::Ulid;

use crate::world::{World, base64, magnet, post};

const HASH: &str = "c12fe1c06bba254a9dc9f519b335aa7c1367a88a";

/// The faults of a body, as `pointer code` each.
async fn faults_of(path: &str, body: String, status: u16, code: &str) -> Vec<String> {
    let world = World::new().await;
    let faults = faults_in(&world, path, body, status, code).await;
    assert_eq!(world.application.log().head().await.expect("reads"), world.began, "nothing is recorded");
    faults
}

async fn faults_in(world: &World, path: &str, body: String, status: u16, code: &str) -> Vec<String> {
    let refused = world.ask(post(path, &[], body)).await;
    refused.assert_problem(status, code);
    refused.faults().into_iter().map(|(place, code)| format!("{place} {code}")).collect()
}

#[rstest]
#[case::empty("")]
#[case::text("hello")]
#[case::array("[]")]
#[case::number("5")]
#[case::null("null")]
#[case::cut("{\"magnet\": \"magnet:?xt=")]
#[case::trailing("{} {}")]
#[case::comma("{\"magnet\": \"x\",}")]
#[case::twice("{\"magnet\": \"a\", \"magnet\": \"b\"}")]
#[case::lone_surrogate("{\"magnet\": \"\\ud800\"}x")]
#[case::deep(&"[".repeat(100_000))]
#[tokio::test]
async fn body_that_is_no_json_object_is_400(#[case] body: &str) {
    let world = World::new().await;
    let torrent = format!("/v1/torrents/{}", Ulid(1));
    for path in ["/v1/torrents", &format!("{torrent}/action"), &format!("{torrent}/select")] {
        assert_eq!(faults_in(&world, path, body.to_owned(), 400, "malformed").await, [" malformed"]);
    }
}

#[rstest]
#[case::empty("")]
#[case::other_scheme("http://example.org/")]
#[case::scheme_alone("magnet:")]
#[case::no_parameters("magnet:?")]
#[case::no_topic("magnet:?dn=x")]
#[case::foreign_topic("magnet:?xt=urn:sha1:ABCDEF")]
#[case::short_hash("magnet:?xt=urn:btih:abc")]
#[case::long_hash(&format!("magnet:?xt=urn:btih:{HASH}00"))]
#[case::no_hexadecimal(&format!("magnet:?xt=urn:btih:{}", "g".repeat(40)))]
#[case::no_base_32(&format!("magnet:?xt=urn:btih:{}", "1".repeat(32)))]
#[case::short_multihash("magnet:?xt=urn:btmh:1220ab")]
#[case::other_multihash(&format!("magnet:?xt=urn:btmh:1114{HASH}"))]
#[case::two_hashes(&format!("magnet:?xt=urn:btih:{HASH}&xt=urn:btih:{}", "a".repeat(40)))]
#[case::cut_escape("magnet:?xt=urn:btih:%4")]
#[case::no_escape(&format!("magnet:?xt=urn:btih:{HASH}&dn=%zz"))]
#[case::no_utf_8(&format!("magnet:?xt=urn:btih:{HASH}&dn=%ff"))]
#[case::nul(&format!("magnet:?xt=urn:btih:{HASH}&dn=a%00b"))]
#[case::blank(&format!("magnet:?xt=urn:btih:{HASH} "))]
#[case::line_break(&format!("magnet:?xt=urn:btih:{HASH}\n"))]
#[case::peer(&format!("magnet:?xt=urn:btih:{HASH}&x.pe=nowhere"))]
#[case::too_long(&format!("magnet:?xt=urn:btih:{HASH}&dn={}", "x".repeat(8192)))]
#[case::too_many_trackers(&format!("magnet:?xt=urn:btih:{HASH}{}", (0..65).map(|n| format!("&tr=http://{n}/")).collect::<Vec<_>>().concat()))]
#[tokio::test]
async fn malformed_magnet_is_refused_at_its_place(#[case] magnet: &str) {
    let body = json!({ "magnet": magnet }).to_string();
    assert_eq!(faults_of("/v1/torrents", body, 422, "invalid").await, ["/magnet invalid"]);
}

#[rstest]
#[case::no_source(json!({"magnet": null}), 422, &["/magnet invalid"])]
#[case::two_sources(json!({"metainfo": "ZA=="}), 422, &["/metainfo invalid"])]
#[case::no_base_64(json!({"magnet": null, "metainfo": "*"}), 422, &["/metainfo invalid"])]
#[case::types(
    json!({"save_path": 5, "start_paused": "yes", "labels": "a", "sequential": 1, "case_sensitive": "no",
        "skip_fluff": 1, "first_last_piece_first": []}), 400,
    &["/save_path malformed", "/labels malformed", "/start_paused malformed", "/case_sensitive malformed", "/skip_fluff malformed",
      "/first_last_piece_first malformed", "/sequential malformed"]
)]
#[case::types_of_items(
    json!({"labels": ["ok", 1], "trackers": [null], "peers": [{}], "include": [2], "exclude": ["ok", []]}), 400,
    &["/labels/1 malformed", "/include/0 malformed", "/exclude/1 malformed", "/trackers/0 malformed", "/peers/0 malformed"]
)]
#[case::labels(json!({"labels": ["", " a", "a/b", "ok", "x".repeat(65)]}), 422,
    &["/labels/0 invalid", "/labels/1 invalid", "/labels/2 invalid", "/labels/4 invalid"])]
#[case::too_many_labels(json!({"labels": vec!["a"; 33]}), 422, &["/labels invalid"])]
#[case::absolute_path(json!({"save_path": "/etc"}), 422, &["/save_path invalid"])]
#[case::traversal(json!({"save_path": "a/../../b"}), 422, &["/save_path invalid"])]
#[case::nul_path(json!({"save_path": "a\0b"}), 422, &["/save_path invalid"])]
#[case::globs(json!({"include": ["ok", "["], "exclude": ["{a"], "priorities": [{"glob": "[", "priority": 4}]}), 422,
    &["/include/1 invalid", "/exclude/0 invalid", "/priorities/0/glob invalid"])]
#[case::long_glob(json!({"include": ["x".repeat(1025)]}), 422, &["/include/0 invalid"])]
#[case::too_many_globs(json!({"include": vec!["a"; 65]}), 422, &["/include invalid"])]
#[case::priorities(
    json!({"priorities": [{"index": 0, "glob": "a", "priority": 4}, {"priority": 4}, {"index": 0, "priority": 2}, {"index": 0}]}), 422,
    &["/priorities/0 invalid", "/priorities/1 invalid", "/priorities/2/priority invalid", "/priorities/3/priority invalid"]
)]
#[case::types_of_priorities(
    json!({"priorities": [5, {"index": -1, "priority": "high"}, {"index": 4_294_967_296_u64, "priority": 1, "shape": 1}]}), 400,
    &["/priorities/0 malformed", "/priorities/1/index malformed", "/priorities/1/priority malformed",
      "/priorities/2/index invalid", "/priorities/2/shape invalid"]
)]
#[case::rate_of_zero(json!({"download_bytes_per_second": 0}), 422, &["/download_bytes_per_second invalid"])]
#[case::rate_beyond(json!({"upload_bytes_per_second": 1_u64 << 31}), 422, &["/upload_bytes_per_second invalid"])]
#[case::rate_below(json!({"upload_bytes_per_second": -1}), 400, &["/upload_bytes_per_second malformed"])]
#[case::rate_in_parts(json!({"upload_bytes_per_second": 1.5}), 400, &["/upload_bytes_per_second malformed"])]
#[case::trackers(json!({"trackers": ["", "ftp://a/", "http:///x", "http://a b/", "udp://ok:1/"]}), 422,
    &["/trackers/0 invalid", "/trackers/1 invalid", "/trackers/2 invalid", "/trackers/3 invalid"])]
#[case::peers(json!({"peers": ["127.0.0.1", "127.0.0.1:0", "host:1", "127.0.0.1:99999", "[::1]:1"]}), 422,
    &["/peers/0 invalid", "/peers/1 invalid", "/peers/2 invalid", "/peers/3 invalid"])]
#[case::share_limits(json!({"share_ratio": 10_001, "seed_time_seconds": 1_u64 << 40, "share_action": "fly"}), 422,
    &["/share_ratio invalid", "/seed_time_seconds invalid", "/share_action invalid"])]
#[case::unknown(json!({"a/b": 1, "c~d": 2, "speed": 3}), 422, &["/a~1b invalid", "/c~0d invalid", "/speed invalid"])]
#[case::later_fields(
    json!({"fsops_profile": "x"}), 422,
    &["/fsops_profile not_supported"]
)]
#[case::all_at_once(json!({"magnet": "x", "labels": ["/"], "sequential": 1, "shape": 1, "fsops_profile": "x"}), 400,
    &["/magnet invalid", "/fsops_profile not_supported", "/labels/0 invalid", "/sequential malformed", "/shape invalid"])]
#[tokio::test]
async fn every_failed_field_of_an_add_is_named(
    #[case] fields: Value,
    #[case] status: u16,
    #[case] expected: &[&str],
) {
    let mut body = json!({ "magnet": magnet(1) });
    for (name, value) in fields.as_object().expect("fields") {
        body[name] = value.clone();
    }
    let code = match expected {
        _ if status == 400 => "malformed",
        all if all.iter().all(|fault| fault.ends_with("not_supported")) => "not_supported",
        _ => "invalid",
    };
    assert_eq!(faults_of("/v1/torrents", body.to_string(), status, code).await, expected);
}

#[rstest]
#[case::truncated(b"d4:infod".to_vec())]
#[case::empty(Vec::new())]
#[case::no_info(b"d8:announce0:e".to_vec())]
#[case::zero_pieces(b"d4:infod6:lengthi0e4:name1:a12:piece lengthi16384e6:pieces0:ee".to_vec())]
#[case::huge_length(b"d4:infod6:lengthi9223372036854775807e4:name1:a12:piece lengthi16384e6:pieces20:00000000000000000000ee".to_vec())]
#[case::wrong_types(b"d4:infoi5ee".to_vec())]
#[case::huge_text(b"d4:info99999999999:".to_vec())]
#[case::random((0..=255).cycle().take(10_000).collect())]
#[tokio::test]
async fn torrent_file_that_is_not_usable_is_refused_at_its_place(#[case] file: Vec<u8>) {
    let body = json!({ "metainfo": base64(&file) }).to_string();
    let faults = faults_of("/v1/torrents", body, 422, "invalid_metainfo").await;
    assert_eq!(faults, ["/metainfo invalid_metainfo"]);
}

#[rstest]
#[case::no_action(json!({}), 422, &["/action invalid"])]
#[case::null_action(json!({"action": null}), 422, &["/action invalid"])]
#[case::type_of_action(json!({"action": 1}), 400, &["/action malformed"])]
#[case::unknown_action(json!({"action": "fly", "speed": 1}), 422, &["/action invalid", "/speed invalid"])]
#[case::foreign_fields(json!({"action": "pause", "delete_data": true, "labels": []}), 422, &["/delete_data invalid", "/labels invalid"])]
#[case::no_enable(json!({"action": "sequential"}), 422, &["/enable invalid"])]
#[case::type_of_enable(json!({"action": "sequential", "enable": "on"}), 400, &["/enable malformed"])]
#[case::no_path(json!({"action": "move"}), 422, &["/save_path invalid"])]
#[case::path(json!({"action": "move", "save_path": "../x"}), 422, &["/save_path invalid"])]
#[case::no_labels(json!({"action": "label"}), 422, &["/labels invalid"])]
#[case::labels(json!({"action": "label", "labels": ["a", 1, "/"]}), 400, &["/labels/1 malformed", "/labels/2 invalid"])]
#[case::rates(json!({"action": "rate_cap", "download_bytes_per_second": 0, "upload_bytes_per_second": "fast"}), 400,
    &["/download_bytes_per_second invalid", "/upload_bytes_per_second malformed"])]
#[case::type_of_delete(json!({"action": "remove", "delete_data": 1}), 400, &["/delete_data malformed"])]
#[case::share_limits(json!({"action": "share_limits", "share_ratio": "2", "seed_time_seconds": -1, "share_action": ""}), 400,
    &["/share_ratio malformed", "/seed_time_seconds malformed", "/share_action invalid"])]
#[case::retry_fsops(json!({"action": "retry_fsops"}), 422, &["/action not_supported"])]
#[case::cancel_fsops(json!({"action": "cancel_fsops"}), 422, &["/action not_supported"])]
#[case::undo_fsops(json!({"action": "undo_fsops"}), 422, &["/action not_supported"])]
#[tokio::test]
async fn every_failed_field_of_an_action_is_named(
    #[case] body: Value,
    #[case] status: u16,
    #[case] expected: &[&str],
) {
    let code = match expected {
        _ if status == 400 => "malformed",
        all if all.iter().all(|fault| fault.ends_with("not_supported")) => "not_supported",
        _ => "invalid",
    };
    let path = format!("/v1/torrents/{}/action", Ulid(1));
    assert_eq!(faults_of(&path, body.to_string(), status, code).await, expected);
}

#[rstest]
#[case::limits("/v1/torrents?limit=0", 422, &["limit invalid"])]
#[case::beyond("/v1/torrents?limit=1001", 422, &["limit invalid"])]
#[case::no_number("/v1/torrents?limit=many&min_position=x", 400, &["limit malformed", "min_position malformed"])]
#[case::state_and_sort("/v1/torrents?state=flying&sort=colour", 422, &["sort invalid", "state invalid"])]
#[case::twice("/v1/torrents?name=a&name=b", 422, &["name invalid"])]
#[case::unknown("/v1/torrents?page=2&limit=0&colour=red", 422, &["limit invalid", "page invalid", "colour invalid"])]
#[case::cursor("/v1/torrents?cursor=xyz", 400, &["cursor malformed"])]
#[case::at("/v1/torrents/x?at=yesterday&min_position=-1", 400, &["min_position malformed", "at malformed"])]
#[case::history("/v1/torrents/x/history?limit=0&cursor=abc", 400, &["limit invalid", "cursor malformed"])]
#[case::files("/v1/torrents/x/files?limit=5", 422, &["limit invalid"])]
#[case::health("/v1/events?after=x", 400, &["after malformed"])]
#[case::types("/v1/events?types=A,b&samples=maybe&colour=red", 422, &["types invalid", "samples invalid", "colour invalid"])]
#[tokio::test]
async fn every_failed_parameter_is_named(#[case] uri: &str, #[case] status: u16, #[case] expected: &[&str]) {
    let refused = World::new().await.get(uri).await;
    refused.assert_problem(status, if status == 400 { "malformed" } else { "invalid" });
    let faults: Vec<_> =
        refused.faults().into_iter().map(|(place, code)| format!("{place} {code}")).collect();
    assert_eq!(faults, expected);
}

#[rstest]
#[case::key("idempotency-key", "")]
#[case::key_with_blank("idempotency-key", "a b")]
#[case::key_too_long("idempotency-key", &"x".repeat(256))]
#[case::version_in_half_quotes("if-match", "\"7")]
#[case::version_with_a_sign("if-match", "+7")]
#[case::weak_version("if-match", "W/\"7\"")]
#[case::no_version("if-match", "\"seven\"")]
#[case::two_versions("if-match", "\"1\", \"2\"")]
#[tokio::test]
async fn malformed_header_is_named(#[case] header: &str, #[case] value: &str) {
    let world = World::new().await;
    let id = world.add(1).await;
    let refused = world
        .post_with(&format!("/v1/torrents/{id}/action"), &[(header, value)], &json!({"action": "pause"}))
        .await;
    refused.assert_problem(400, "malformed");
    assert!(refused.faults()[0].0.eq_ignore_ascii_case(header));
}

#[tokio::test]
async fn problem_names_a_hundred_faults_and_no_more() {
    let world = World::new().await;
    let body = json!({ "magnet": magnet(1), "include": vec![1; 50_000] });
    let refused = world.post("/v1/torrents", &body).await;
    assert_eq!((refused.status, refused.faults().len()), (StatusCode::BAD_REQUEST, 100));
}
