//! The key that only this service has: what it makes of a secret, nobody else can make.
//!
//! It lies beside the database and not in it. Whoever gets a copy of the database can neither try secrets against the hashes
//! nor put in a hash of a secret of their own that would be accepted.

use std::fmt;

use hmac::{Hmac, Mac};
use revaer_domain::values::{FINGERPRINT_BYTES, Fingerprint};
use sha2::Sha256;

/// Bytes of the key, and of a hash.
const BYTES: usize = 32;

/// 256 random bits, and the keys that are made from them.
#[derive(Clone)]
pub struct ServerKey {
    root: [u8; BYTES],
    hashes: Hmac<Sha256>,
    fingerprints: Hmac<Sha256>,
}

impl ServerKey {
    /// A new one.
    pub fn draw() -> Self {
        Self::new(random())
    }

    /// The one that was drawn before.
    pub fn new(root: [u8; BYTES]) -> Self {
        let of = |purpose| keyed(&derived(&root, purpose));
        Self { hashes: of("revaer secret hash v1"), fingerprints: of("revaer fingerprint v1"), root }
    }

    /// The bits, to be kept.
    pub const fn bytes(&self) -> &[u8; BYTES] {
        &self.root
    }

    /// A key for another purpose, independent of all others.
    pub fn derive(&self, purpose: &str) -> [u8; BYTES] {
        derived(&self.root, purpose)
    }

    /// What is kept of a secret. Secrets are random, so there is nothing to slow a guesser down for.
    pub(super) fn hash(&self, secret: &[u8]) -> SecretHash {
        SecretHash(self.hashes.clone().chain_update(secret).finalize().into_bytes().into())
    }

    /// What is said of a secret. It is made with a key of its own, so that it tells nothing of the hash.
    pub(crate) fn fingerprint(&self, secret: &[u8]) -> Fingerprint {
        let tag: [u8; BYTES] = self.fingerprints.clone().chain_update(secret).finalize().into_bytes().into();
        let mut bytes = [0; FINGERPRINT_BYTES];
        bytes.copy_from_slice(&tag[..FINGERPRINT_BYTES]);
        Fingerprint::new(bytes)
    }
}

impl fmt::Debug for ServerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerKey(…)")
    }
}

/// The keyed hash of a secret. It can be compared in constant time and in no other way.
#[derive(Clone)]
pub(super) struct SecretHash(pub(super) [u8; BYTES]);

impl SecretHash {
    /// Whether two are the same; takes as long for any two.
    pub(super) fn is(&self, other: &Self) -> subtle::Choice {
        subtle::ConstantTimeEq::ct_eq(&self.0[..], &other.0[..])
    }
}

/// 256 bits from the system.
pub(crate) fn random() -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).expect("a system that serves has a source of randomness");
    bytes
}

fn derived(root: &[u8; BYTES], purpose: &str) -> [u8; BYTES] {
    keyed(root).chain_update(purpose).finalize().into_bytes().into()
}

fn keyed(key: &[u8; BYTES]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length (RFC 2104)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hash_depends_on_the_key_and_on_the_secret() {
        let (one, other) = (ServerKey::new([1; BYTES]), ServerKey::new([2; BYTES]));
        let same = |one: &SecretHash, other: &SecretHash| bool::from(one.is(other));
        assert!(same(&one.hash(b"a"), &one.hash(b"a")));
        assert!(!same(&one.hash(b"a"), &one.hash(b"b")));
        assert!(!same(&one.hash(b"a"), &other.hash(b"a")));
        assert_ne!(one.fingerprint(b"a"), other.fingerprint(b"a"));
    }

    /// Does not compile as soon as hashes can be compared by `==`, which ends at the first byte that differs: there would be two
    /// ways to be what is asked for.
    #[test]
    fn hashes_are_compared_in_constant_time_and_in_no_other_way() {
        trait Is<Way> {
            const KNOWN: bool = true;
        }
        struct Comparable;
        struct Bytes;
        impl<T> Is<()> for T {}
        impl<T: PartialEq> Is<Comparable> for T {}
        impl<T: AsRef<[u8]>> Is<Bytes> for T {}
        const { assert!(<SecretHash as Is<_>>::KNOWN) };
    }

    #[test]
    fn purposes_have_keys_of_their_own_and_a_fingerprint_is_no_part_of_a_hash() {
        let key = ServerKey::new([1; BYTES]);
        assert_ne!(key.derive("a"), key.derive("b"));
        assert!(!hex::encode(key.hash(b"a").0).contains(&key.fingerprint(b"a").to_string()));
        assert_eq!(format!("{key:?}"), "ServerKey(…)");
    }
}
