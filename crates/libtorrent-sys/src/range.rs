//! A range of addresses, of one version.

use std::net::IpAddr;

use crate::ffi::bridge::RawRange;

/// Addresses from the first to the last, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct AddressRange {
    first: IpAddr,
    last: IpAddr,
}

impl AddressRange {
    /// `None` when the two are of different versions, or the last is below the first.
    pub fn new(first: IpAddr, last: IpAddr) -> Option<Self> {
        (first.is_ipv4() == last.is_ipv4() && first <= last).then_some(Self { first, last })
    }

    /// Where it begins.
    pub const fn first(&self) -> IpAddr {
        self.first
    }

    /// Where it ends.
    pub const fn last(&self) -> IpAddr {
        self.last
    }

    pub(crate) fn raw(&self) -> RawRange {
        RawRange { is_v6: self.first.is_ipv6(), first: octets(self.first), last: octets(self.last) }
    }
}

fn octets(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V6(address) => address.octets(),
        IpAddr::V4(address) => {
            let mut octets = [0; 16];
            octets[..4].copy_from_slice(&address.octets());
            octets
        }
    }
}
