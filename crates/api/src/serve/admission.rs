//! How many connections there are at once, and how many of one address.
//!
//! Of this machine and of trusted proxies the total alone counts: one address there speaks for many.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use crate::{Access, Limits};

/// The connections that are there.
#[derive(Debug, Clone, Default)]
pub(super) struct Admission(Arc<Mutex<Counts>>);

/// As large as there are connections, no larger.
#[derive(Debug, Default)]
struct Counts {
    all: usize,
    of_each: HashMap<IpAddr, usize>,
}

/// A place for one connection; free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    counts: Arc<Mutex<Counts>>,
    /// Whom it counts for, if for anybody.
    of: Option<IpAddr>,
}

impl Admission {
    /// Takes a place, unless as many are taken as may be.
    pub(super) fn admit(&self, address: IpAddr, limits: &Limits, access: &Access) -> Option<Place> {
        let speaks_for_many =
            address.is_loopback() || access.trusted_proxies.iter().any(|network| network.contains(&address));
        let of = (!speaks_for_many).then(|| household(address));
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.all >= limits.connections_max {
            return None;
        }
        if let Some(of) = of {
            let taken = counts.of_each.entry(of).or_default();
            if *taken >= limits.connections_per_address_max {
                return None;
            }
            *taken += 1;
        }
        counts.all += 1;
        Some(Place { counts: Arc::clone(&self.0), of })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.all -= 1;
        if let Some(of) = self.of
            && let Some(taken) = counts.of_each.get_mut(&of)
        {
            *taken -= 1;
            if *taken == 0 {
                counts.of_each.remove(&of);
            }
        }
    }
}

/// Of IPv6 the network of 64 bits: a single host has all of its addresses.
fn household(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn bounds() -> (Limits, Access) {
        let limits = Limits { connections_max: 4, connections_per_address_max: 2, ..Limits::default() };
        (
            limits,
            Access { trusted_proxies: vec!["10.0.0.0/24".parse().expect("a network")], ..Access::default() },
        )
    }

    #[rstest]
    #[case::one_address(["192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.1"], 2)]
    #[case::two(["192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.1", "192.0.2.2"], 4)]
    #[case::one_host_of_ipv6(["2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8::4", "2001:db8::5"], 2)]
    #[case::this_machine(["127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.1"], 4)]
    #[case::proxy(["10.0.0.1", "10.0.0.1", "10.0.0.1", "10.0.0.1", "10.0.0.1"], 4)]
    fn address_and_total_are_bounded(#[case] addresses: [&str; 5], #[case] admitted: usize) {
        let (limits, access) = bounds();
        let admission = Admission::default();
        let admit = |address: &&str| admission.admit(address.parse().expect("an address"), &limits, &access);
        let places: Vec<_> = addresses.iter().filter_map(admit).collect();
        assert_eq!(places.len(), admitted);
    }

    #[test]
    fn place_is_free_again_and_nothing_of_it_is_kept() {
        let (limits, access) = bounds();
        let admission = Admission::default();
        let address = "192.0.2.1".parse().expect("an address");
        for _ in 0..10 {
            let places = [(); 2].map(|()| admission.admit(address, &limits, &access).expect("is free"));
            drop(places);
        }
        let counts = admission.0.lock().expect("not poisoned");
        assert_eq!((counts.all, counts.of_each.len()), (0, 0));
    }
}
