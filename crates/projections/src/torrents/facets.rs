//! What torrents are searched by: the hosts of trackers, the extensions of files.

use std::collections::{BTreeSet, HashMap};

use revaer_domain::values::TorrentId;
use sqlx::PgPool;
use sqlx::types::Json;

use crate::files::ListedFile;

/// The most extensions of one torrent that are searched by.
const EXTENSIONS_MAX: usize = 256;
/// The longest extension: what is longer is a name with a dot in it.
const EXTENSION_BYTES_MAX: usize = 32;

/// The extensions of all files of some torrents. A torrent without a list has none.
pub(crate) async fn extensions(
    pool: &PgPool,
    ids: &[TorrentId],
) -> Result<HashMap<TorrentId, Vec<String>>, sqlx::Error> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let names: Vec<_> = ids.iter().map(TorrentId::to_string).collect();
    let lists: Vec<(String, Json<Vec<ListedFile>>)> =
        sqlx::query_as("SELECT torrent_id, body FROM public.file_lists WHERE torrent_id = ANY ($1)")
            .bind(names)
            .fetch_all(pool)
            .await?;
    let found = lists.into_iter().filter_map(|(id, files)| {
        let extensions: BTreeSet<_> = files.0.iter().filter_map(|file| extension(&file.path)).collect();
        Some((id.parse().ok()?, extensions.into_iter().take(EXTENSIONS_MAX).collect()))
    });
    Ok(found.collect())
}

/// The extension of a path in lower case, without the dot.
fn extension(path: &str) -> Option<String> {
    let name = path.rsplit('/').next()?;
    let (stem, extension) = name.rsplit_once('.')?;
    let fits = !stem.is_empty() && (1..=EXTENSION_BYTES_MAX).contains(&extension.len());
    (fits && !extension.contains('\0')).then(|| extension.to_lowercase())
}

/// The hosts of announce URLs, each once, in their order.
pub fn hosts(urls: &[String]) -> Vec<String> {
    let mut hosts = Vec::new();
    for host in urls.iter().filter_map(|url| host(url)) {
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    hosts
}

/// The host of a URL in lower case, without port and credentials.
fn host(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let address = authority.rsplit_once('@').map_or(authority, |(_, address)| address);
    let host = match address.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next()?,
        None => address.split(':').next()?,
    };
    (!host.is_empty() && !host.contains('\0')).then(|| host.to_lowercase())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::plain("http://Tracker.example/announce", Some("tracker.example"))]
    #[case::port("udp://t.example:6969/announce", Some("t.example"))]
    #[case::credentials("https://user:pass@t.example:443?key=a@b", Some("t.example"))]
    #[case::six("udp://[2001:DB8::1]:80/announce", Some("2001:db8::1"))]
    #[case::no_url("announce", None)]
    #[case::empty("http:///announce", None)]
    fn host_is_what_an_operator_would_type(#[case] url: &str, #[case] expected: Option<&str>) {
        assert_eq!(host(url).as_deref(), expected);
    }

    #[rstest]
    #[case::nested("Show/a.b/e01.MKV", Some("mkv"))]
    #[case::folder_with_dot("Show.x/readme", None)]
    #[case::hidden("Show/.nfo", None)]
    #[case::trailing_dot("Show/a.", None)]
    fn extension_is_of_the_file_alone(#[case] path: &str, #[case] expected: Option<&str>) {
        assert_eq!(extension(path).as_deref(), expected);
    }
}
