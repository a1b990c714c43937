//! Where to listen, as far as it can be judged before libtorrent tries.

use std::net::IpAddr;
use std::path::Path;

/// The first network device of a list that this machine does not have. libtorrent passes over such a one without a word.
pub(crate) fn unknown_device(interfaces: &str) -> Option<&str> {
    interfaces
        .split(',')
        .filter_map(|interface| Some(interface.trim().rsplit_once(':')?.0))
        .find(|host| !is_address(host) && !is_device(host))
}

fn is_address(host: &str) -> bool {
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.parse::<IpAddr>().is_ok()
}

fn is_device(host: &str) -> bool {
    let is_a_name = !host.is_empty() && !host.starts_with('.') && !host.contains('/');
    is_a_name && Path::new("/sys/class/net").join(host).exists()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::addresses("0.0.0.0:6881,[::]:6881", None)]
    #[case::with_tls("127.0.0.1:6881s", None)]
    #[case::loopback("lo:6881, 127.0.0.1:0", None)]
    #[case::none_such("127.0.0.1:0,nosuch0:6881", Some("nosuch0"))]
    #[case::no_name("../net/lo:6881", Some("../net/lo"))]
    fn device_that_is_not_there_is_named(#[case] interfaces: &str, #[case] unknown: Option<&str>) {
        assert_eq!(unknown_device(interfaces), unknown);
    }
}
