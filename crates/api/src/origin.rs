//! Keeps the pages of a browser on this machine from giving commands.
//!
//! A page of another origin says so in `Origin` (Fetch standard, 3.1), and is believed. One whose name was made to point here
//! (DNS rebinding) says nothing, and gives itself away by its `Host`. That matters where being on this machine is a right in
//! itself, as in the setup: a page from anywhere runs on this machine too. Where a key is needed such a page has none, and the
//! service may be called by any name.

use std::net::IpAddr;

use poem::Request;
use poem::http::HeaderMap;
use poem::http::header::{HOST, ORIGIN};

/// Whether a request may come from a foreign page: one whose origin is not among those that are allowed; or, where this machine
/// is trusted, one that came by another name.
pub(crate) fn is_foreign(request: &Request, is_allowed_page: bool, trusts_this_machine: bool) -> bool {
    let host = text(request.headers(), HOST.as_str());
    let origin = text(request.headers(), ORIGIN.as_str());
    // Without a host it is no browser.
    let Some(host) = host else { return origin.is_some() };
    if trusts_this_machine && !names_this_machine(host) {
        return true;
    }
    !is_allowed_page
        && origin.is_some_and(|origin| origin.split_once("://").map(|(_, authority)| authority) != Some(host))
}

/// A header that is not text is as foreign as can be.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("?"))
}

fn names_this_machine(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    name.eq_ignore_ascii_case("localhost")
        || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::client(Some("127.0.0.1:7070"), None, false)]
    #[case::client_by_name(Some("localhost:7070"), None, false)]
    #[case::client_by_ipv6(Some("[::1]:7070"), None, false)]
    #[case::no_browser(None, None, false)]
    #[case::own_page(Some("127.0.0.1:7070"), Some("http://127.0.0.1:7070"), false)]
    #[case::other_port(Some("127.0.0.1:7070"), Some("http://127.0.0.1:8080"), true)]
    #[case::other_page(Some("127.0.0.1:7070"), Some("https://example.org"), true)]
    #[case::opaque_page(Some("127.0.0.1:7070"), Some("null"), true)]
    #[case::rebound_name(Some("rebound.example.org:7070"), None, true)]
    #[case::rebound_name_with_its_page(Some("a.example"), Some("http://a.example"), true)]
    #[case::name_that_looks_local(Some("127.0.0.1.example.org"), None, true)]
    fn only_this_machine_may_ask(
        #[case] host: Option<&str>,
        #[case] origin: Option<&str>,
        #[case] foreign: bool,
    ) {
        let mut request = Request::builder();
        if let Some(host) = host {
            request = request.header(HOST, host);
        }
        if let Some(origin) = origin {
            request = request.header(ORIGIN, origin);
        }
        assert_eq!(is_foreign(&request.finish(), false, true), foreign);
    }

    #[test]
    fn where_a_key_is_needed_the_service_may_have_any_name() {
        let by_name = || Request::builder().header(HOST, "nas.example:7070");
        assert!(!is_foreign(&by_name().finish(), false, false));
        assert!(!is_foreign(&by_name().header(ORIGIN, "http://nas.example:7070").finish(), false, false));
        assert!(is_foreign(&by_name().header(ORIGIN, "http://other.example").finish(), false, false));
    }
}
