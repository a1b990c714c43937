//! Buckets of addresses, in a memory that does not grow however many there are.
//!
//! An address is sent to one of a fixed number of buckets by a hash that nobody outside can compute. Who uses a bucket up hits
//! with himself those few who share it by chance, and cannot choose them. Nothing has to be evicted, so there is no way to get a
//! fresh bucket by crowding others out.

use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, PoisonError, RwLock};

use revaer_domain::api_key::RequestLimit;

use super::bucket::{Bucket, Standing};

/// About 100 bytes each. With a hundred addresses at once, two of them share a bucket about once in two moments.
const BUCKETS: usize = 8192;
/// What one customer of a provider has, and can choose from freely (RFC 6177).
const IPV6_PREFIX_BITS: u32 = 64;

/// The buckets.
#[derive(Default)]
pub(super) struct Addresses {
    hasher: RandomState,
    buckets: RwLock<Option<Arc<[Bucket]>>>,
}

impl Addresses {
    /// Takes a token of an address.
    pub(super) fn take(&self, address: IpAddr, limit: RequestLimit) -> (Standing, bool) {
        let buckets = self.buckets(limit);
        let hash = usize::try_from(self.hasher.hash_one(network(address)) % BUCKETS as u64);
        buckets[hash.expect("it is below the number of buckets")].take()
    }

    /// The buckets with this limit: full ones if the limit was another one.
    fn buckets(&self, limit: RequestLimit) -> Arc<[Bucket]> {
        let known = self.buckets.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = known.filter(|known| known[0].limit() == limit) {
            return known;
        }
        let fresh: Arc<[Bucket]> = (0..BUCKETS).map(|_| Bucket::new(limit)).collect();
        *self.buckets.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&fresh));
        fresh
    }
}

/// What counts as one address.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let mask = u128::MAX << (128 - IPV6_PREFIX_BITS);
            Ipv6Addr::from_bits(address.to_bits() & mask).into()
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::ipv4("192.0.2.1", "192.0.2.1")]
    #[case::ipv6("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::")]
    #[case::mapped("::ffff:192.0.2.1", "192.0.2.1")]
    fn address_counts_as_the_network_of_its_owner(#[case] address: &str, #[case] expected: &str) {
        assert_eq!(network(address.parse().expect("an address")).to_string(), expected);
    }

    #[test]
    fn each_address_has_tokens_of_its_own_and_other_addresses_of_a_network_have_none() {
        let (addresses, limit) = (Addresses::default(), RequestLimit::new(1, 1).expect("a limit"));
        let take = |text: &str| addresses.take(text.parse().expect("an address"), limit).1;
        assert!(take("2001:db8::1"));
        assert!(!take("2001:db8::2"));
        // One of a few others may share the bucket, by chance; not all of them.
        assert!((1..=8).any(|number| take(&format!("192.0.2.{number}"))));
    }
}
