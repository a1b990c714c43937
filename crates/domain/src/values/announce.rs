//! Announce URLs, and what of them may be shown: a private tracker knows its members by a key in the path, the query or before
//! the host, and whoever has the key is that member.
//!
//! Nobody can tell a key from a word, so that everything but a host with a well-known path is taken for one.

use super::Fingerprint;

/// Paths that public trackers have. Any other may be a key.
const PLAIN_PATHS: [&str; 5] = ["", "/", "/announce", "/announce/", "/announce.php"];

/// Whether an announce URL may have a key in it.
pub fn bears_secret(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else { return true };
    let (authority, path) = rest.split_at(end_of_authority(rest));
    authority.contains('@') || !PLAIN_PATHS.contains(&path)
}

/// What facts and answers have in place of a URL with a key: scheme and host, and a fingerprint in braces, which no URL has
/// (RFC 3986, 2).
pub fn concealed(url: &str, fingerprint: Fingerprint) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return format!("{{{fingerprint}}}") };
    let authority = &rest[..end_of_authority(rest)];
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}/{{{fingerprint}}}")
}

/// The fingerprint in what stands for a URL; none in a URL.
pub fn fingerprint_of(shown: &str) -> Option<Fingerprint> {
    let (_, last) = shown.strip_suffix('}')?.rsplit_once('{')?;
    last.parse().ok()
}

fn end_of_authority(rest: &str) -> usize {
    rest.find(['/', '?', '#']).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::udp("udp://tracker.example:6969", false)]
    #[case::udp_with_path("udp://tracker.example:6969/announce", false)]
    #[case::http("http://tracker.example/announce.php", false)]
    #[case::ipv6("http://[::1]:80/announce", false)]
    #[case::in_the_path("https://tracker.example/0123abcd/announce", true)]
    #[case::in_the_query("https://tracker.example/announce?passkey=0123abcd", true)]
    #[case::without_a_path("https://tracker.example?passkey=0123abcd", true)]
    #[case::before_the_host("https://me:word@tracker.example/announce", true)]
    #[case::in_the_fragment("https://tracker.example/announce#0123abcd", true)]
    #[case::no_url("0123abcd", true)]
    fn everything_but_a_host_with_a_known_path_may_be_a_key(#[case] url: &str, #[case] expected: bool) {
        assert_eq!(bears_secret(url), expected);
    }

    #[rstest]
    #[case(
        "https://me:word@tracker.example:8080/0123abcd/announce?x=1",
        "https://tracker.example:8080/{0001020304050607}"
    )]
    #[case("udp://tracker.example?key", "udp://tracker.example/{0001020304050607}")]
    #[case("0123abcd", "{0001020304050607}")]
    fn what_is_shown_has_the_host_and_a_fingerprint(#[case] url: &str, #[case] shown: &str) {
        let fingerprint = Fingerprint::new([0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(concealed(url, fingerprint), shown);
        assert_eq!(fingerprint_of(shown), Some(fingerprint));
        assert_eq!(fingerprint_of(url), None);
        assert!(bears_secret(shown), "what somebody sends in its form is concealed in its turn");
    }
}
