//! The OpenAPI document: what it promises, and that the copy in the repository is this one.

use poem::http::StatusCode;
use serde_json::Value;

use crate::world::World;

#[test]
#[expect(clippy::disallowed_methods, reason = "cargo names the crate's folder to its tests by a variable")]
fn document_of_the_repository_is_the_one_of_the_code() {
    let path = std::path::Path::new(&std::env::var("CARGO_MANIFEST_DIR").expect("cargo runs this"))
        .join("../../openapi/revaer.json");
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        written == revaer_api::document(),
        "openapi/revaer.json is not what the code says; write it anew with `make openapi` and look at the difference"
    );
}

#[test]
fn document_is_the_same_each_time() {
    assert_eq!(revaer_api::document(), revaer_api::document());
}

#[test]
fn every_operation_documents_its_problems() {
    let document: Value = serde_json::from_str(&revaer_api::document()).expect("JSON");
    let paths = document["paths"].as_object().expect("paths");
    for (path, operations) in paths.iter().filter(|(path, _)| path.starts_with("/v1")) {
        for (method, operation) in operations.as_object().expect("operations") {
            let responses = operation["responses"].as_object().expect("responses");
            for status in ["400", "401", "403", "409", "422", "429", "500", "503"] {
                let content = &responses[status]["content"]["application/problem+json"];
                assert!(content.is_object(), "{method} {path} says nothing of {status}");
            }
            assert!(
                operation["operationId"].is_string() && operation["summary"].is_string(),
                "{method} {path}"
            );
        }
    }
    assert!(paths.len() >= 17, "{}", paths.len());
}

#[test]
fn fields_that_may_be_null_are_documented_so() {
    let document: Value = serde_json::from_str(&revaer_api::document()).expect("JSON");
    let torrent = &document["components"]["schemas"]["Torrent"];
    assert_eq!(torrent["properties"]["completed_at"]["nullable"], true);
    assert_eq!(torrent["properties"]["error"]["nullable"], true);
    assert_eq!(torrent["properties"]["id"].get("nullable"), None);
}

#[tokio::test]
async fn document_and_the_page_to_try_it_are_served_from_here() {
    let world = World::new().await;
    let document = world.get("/openapi.json").await;
    assert_eq!(document.body, serde_json::from_str::<Value>(&revaer_api::document()).expect("JSON"));
    let page = world.get("/docs").await;
    assert_eq!((page.status, page.header("content-type")), (StatusCode::OK, "text/html; charset=utf-8"));
    assert!(
        page.header("content-security-policy").starts_with("default-src 'self'"),
        "nothing is loaded from elsewhere"
    );
}
