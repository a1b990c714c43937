//! From which address a client asks: the peer of the connection, or whom a trusted proxy names.
//!
//! What a header says is believed of trusted proxies alone, and read from its end, where the nearest proxy wrote. Whoever was
//! passed on but cannot be told apart gets an address that is nobody's: never loopback, which has rights of its own, and one and
//! the same for all of them, so that limits by address hold for them together.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use ipnet::IpNet;
use poem::http::HeaderMap;
use poem::http::header::FORWARDED;
use poem::{Addr, Request};

/// What proxies write that do not speak RFC 7239.
const X_FORWARDED_FOR: &str = "x-forwarded-for";
/// Nobody's address.
const UNKNOWN: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
/// The address of whoever did not come over a network: it is in this process.
const OURSELVES: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// The address that the edge found out, among the data of a request.
#[derive(Debug, Clone, Copy)]
struct ClientAddress(IpAddr);

/// The address of whoever asks. Loopback means this machine: a request that some proxy passed on is never of loopback, unless a
/// trusted proxy says that it is.
pub(crate) fn client_address(request: &Request) -> IpAddr {
    request.data::<ClientAddress>().map_or(OURSELVES, |address| address.0)
}

/// Finds it out, for whoever asks later.
pub(crate) fn find_out(request: &mut Request, trusted: &[IpNet]) {
    let peer = match &request.remote_addr().0 {
        Addr::SocketAddr(address) => address.ip().to_canonical(),
        Addr::Unix(_) | Addr::Custom(..) => OURSELVES,
    };
    let address = behind(peer, request.headers(), trusted);
    request.set_data(ClientAddress(address));
}

fn behind(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let forwarded = headers.contains_key(FORWARDED);
    let x_forwarded_for = headers.contains_key(X_FORWARDED_FOR);
    if !forwarded && !x_forwarded_for {
        return peer;
    }
    if !is_trusted(peer, trusted) {
        // Of itself a stranger may say what it likes. On this machine it is a proxy that nobody told us of: what it passes on
        // must not count as this machine's.
        return if peer.is_loopback() { UNKNOWN } else { peer };
    }
    let one =
        forwarded.then(|| nearest_stranger(peer, hops(headers, FORWARDED.as_str(), of_forwarded), trusted));
    let other =
        x_forwarded_for.then(|| nearest_stranger(peer, hops(headers, X_FORWARDED_FOR, of_plain), trusted));
    match (one, other) {
        // A proxy writes one of them and may pass on the other as the client sent it. Where they differ, one is a lie.
        (Some(one), Some(other)) if one != other => UNKNOWN,
        (Some(address), _) | (None, Some(address)) => address,
        (None, None) => peer,
    }
}

/// The first hop, from the nearest on, that is not a trusted proxy; the farthest of them if all are.
fn nearest_stranger(peer: IpAddr, hops: Vec<Option<IpAddr>>, trusted: &[IpNet]) -> IpAddr {
    let mut nearest = peer;
    for hop in hops.into_iter().rev() {
        let Some(hop) = hop else { return UNKNOWN };
        nearest = hop;
        if !is_trusted(hop, trusted) {
            break;
        }
    }
    nearest
}

fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|network| network.contains(&address))
}

/// The hops of all headers of one name, farthest first; `None` for one that is no address.
fn hops(headers: &HeaderMap, name: &str, read: fn(&str) -> Option<IpAddr>) -> Vec<Option<IpAddr>> {
    let texts = headers.get_all(name).iter().map(|value| value.to_str().unwrap_or("?"));
    texts
        .flat_map(|text| text.split(','))
        .map(|hop| read(hop).map(|address| address.to_canonical()))
        .collect()
}

/// `for=192.0.2.60;proto=http`, `For="[2001:db8::1]:4711"` (RFC 7239, 4 and 6).
fn of_forwarded(hop: &str) -> Option<IpAddr> {
    hop.split(';').find_map(|pair| {
        let (name, node) = pair.trim().split_once('=')?;
        name.eq_ignore_ascii_case("for").then(|| of_plain(node.trim_matches('"')))?
    })
}

/// An address, with or without port and brackets.
fn of_plain(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim();
    let bracketed = hop.strip_prefix('[').and_then(|hop| hop.strip_suffix(']'));
    let address = bracketed.unwrap_or(hop).parse().ok();
    address.or_else(|| hop.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use poem::http::HeaderName;
    use rstest::rstest;

    use super::*;

    const FOR: &str = "forwarded";
    const X: &str = X_FORWARDED_FOR;

    #[rstest]
    #[case::nobody_between("203.0.113.9", &[], "203.0.113.9")]
    #[case::stranger_lies("203.0.113.9", &[(X, "127.0.0.1")], "203.0.113.9")]
    #[case::stranger_lies_by_rfc("203.0.113.9", &[(FOR, "for=127.0.0.1")], "203.0.113.9")]
    #[case::undeclared_proxy_here("127.0.0.1", &[(X, "203.0.113.9")], "0.0.0.0")]
    #[case::undeclared_proxy_claims_loopback("127.0.0.1", &[(X, "127.0.0.1")], "0.0.0.0")]
    #[case::proxy_for_itself("10.0.0.1", &[], "10.0.0.1")]
    #[case::proxy("10.0.0.1", &[(X, "203.0.113.9")], "203.0.113.9")]
    #[case::proxy_by_rfc("10.0.0.1", &[(FOR, "proto=https;For=203.0.113.9;by=10.0.0.1")], "203.0.113.9")]
    #[case::proxy_by_rfc_with_port("10.0.0.1", &[(FOR, "for=\"[2001:db8::1]:4711\"")], "2001:db8::1")]
    #[case::proxy_with_port("10.0.0.1", &[(X, "203.0.113.9:4711")], "203.0.113.9")]
    #[case::client_lies_through_a_proxy("10.0.0.1", &[(X, "127.0.0.1, 203.0.113.9")], "203.0.113.9")]
    #[case::client_lies_in_a_header_of_its_own("10.0.0.1", &[(X, "127.0.0.1"), (X, "203.0.113.9")], "203.0.113.9")]
    #[case::two_proxies("10.0.0.1", &[(X, "203.0.113.9, 10.0.0.2")], "203.0.113.9")]
    #[case::all_are_proxies("10.0.0.1", &[(X, "10.0.0.3, 10.0.0.2")], "10.0.0.3")]
    #[case::mapped("::ffff:10.0.0.1", &[(X, "::ffff:203.0.113.9")], "203.0.113.9")]
    #[case::hidden("10.0.0.1", &[(FOR, "for=_hidden")], "0.0.0.0")]
    #[case::no_address("10.0.0.1", &[(X, "unknown")], "0.0.0.0")]
    #[case::empty("10.0.0.1", &[(X, "")], "0.0.0.0")]
    #[case::both_agree("10.0.0.1", &[(FOR, "for=203.0.113.9"), (X, "203.0.113.9")], "203.0.113.9")]
    #[case::one_was_passed_on_unread("10.0.0.1", &[(FOR, "for=127.0.0.1"), (X, "203.0.113.9")], "0.0.0.0")]
    fn only_trusted_proxies_are_believed(
        #[case] peer: &str,
        #[case] headers: &[(&'static str, &str)],
        #[case] expected: &str,
    ) {
        let trusted = ["10.0.0.0/24".parse().expect("a network")];
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().expect("a value")))
            .collect();
        let peer: IpAddr = peer.parse().expect("an address");
        let found = behind(peer.to_canonical(), &headers, &trusted);
        assert_eq!(found, expected.parse::<IpAddr>().expect("an address"));
    }
}
