//! Lists that come in pages, joined into one document of the same form.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::client::{Client, Document};
use crate::failure::Failure;

/// The largest page that the service gives.
const LIMIT_MAX: u32 = 1000;

/// A page, its items as they came.
#[derive(Debug, Serialize, Deserialize)]
struct Page {
    items: Vec<Box<RawValue>>,
    next_cursor: Option<String>,
    /// Where to follow from: of several pages, the first one's.
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<i64>,
}

/// How much of a list is wanted.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct Extent {
    /// At most this many, up to 1000; the service's default is 50
    #[arg(long, value_name = "COUNT", conflicts_with = "all")]
    limit: Option<u32>,
    /// All of them, page by page
    #[arg(long)]
    all: bool,
}

/// Reads a list to the extent that is wanted.
pub(super) async fn read(
    client: &Client,
    path: &[&str],
    query: &[(&str, String)],
    extent: Extent,
) -> Result<Document, Failure> {
    let with = |name, value: String| [query, &[(name, value)]].concat();
    let Extent { limit, all } = extent;
    match (limit, all) {
        (None, false) => return client.get(path, query).await,
        (Some(limit), _) => return client.get(path, &with("limit", limit.to_string())).await,
        (None, true) => {}
    }
    let query = with("limit", LIMIT_MAX.to_string());
    let mut whole: Page = client.get(path, &query).await?.decode()?;
    while let Some(cursor) = whole.next_cursor.take() {
        let query = [&query[..], &[("cursor", cursor)]].concat();
        let page: Page = client.get(path, &query).await?.decode()?;
        whole.items.extend(page.items);
        whole.next_cursor = page.next_cursor;
    }
    let json = serde_json::to_string(&whole).map_err(|error| Failure::Local(error.into()))?;
    Ok(json.into())
}

/// Says that there is more, where that is not in the document.
pub(super) fn note_of_more(next_cursor: Option<&String>) {
    if next_cursor.is_some() {
        crate::screen::note("there is more: --all shows all of it");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scripted::{Scripted, json};

    #[tokio::test]
    async fn pages_are_joined_into_one_document_of_the_same_form() {
        let service = Scripted::start(vec![
            json(r#"{"items":[{"new":1},{"a":2}],"next_cursor":"c 1","position":7}"#),
            json(r#"{"items":[],"next_cursor":"c2","position":8}"#),
            json(r#"{"items":[{"a":3}],"next_cursor":null,"position":9}"#),
        ])
        .await;
        let extent = Extent { limit: None, all: true };
        let query = [("name", "x".to_owned())];
        let whole = read(&service.client(), &["v1", "torrents"], &query, extent).await.unwrap();
        // The position of the first page is the one to follow from without a gap.
        assert_eq!(whole.text(), r#"{"items":[{"new":1},{"a":2},{"a":3}],"next_cursor":null,"position":7}"#);
        let page = "GET /v1/torrents?name=x&limit=1000";
        assert_eq!(
            service.asked(),
            [page.to_owned(), format!("{page}&cursor=c+1"), format!("{page}&cursor=c2")]
        );
    }

    #[tokio::test]
    async fn single_page_is_passed_on_as_it_came() {
        let body = r#"{"unknown": 1, "items": []}"#;
        let service = Scripted::start(vec![json(body)]).await;
        let extent = Extent { limit: Some(3), all: false };
        assert_eq!(read(&service.client(), &["v1"], &[], extent).await.unwrap().text(), body);
        assert_eq!(service.asked(), ["GET /v1?limit=3"]);
    }
}
