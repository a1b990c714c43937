//! Info hashes: SHA-1 of the info dictionary (BEP 3), SHA-256 of it (BEP 52), or both for a hybrid torrent.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One info hash, of either version.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InfoHash {
    /// SHA-1, 20 bytes (BEP 3).
    V1([u8; 20]),
    /// SHA-256, 32 bytes (BEP 52).
    V2([u8; 32]),
}

/// The text is neither 40 nor 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an info hash: expected 40 hexadecimal digits (v1) or 64 (v2)")]
pub struct InvalidInfoHash;

impl FromStr for InfoHash {
    type Err = InvalidInfoHash;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = hex::decode(text).map_err(|_| InvalidInfoHash)?;
        match bytes.len() {
            20 => bytes.try_into().map(Self::V1).map_err(|_| InvalidInfoHash),
            32 => bytes.try_into().map(Self::V2).map_err(|_| InvalidInfoHash),
            _ => Err(InvalidInfoHash),
        }
    }
}

impl fmt::Display for InfoHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V1(bytes) => f.write_str(&hex::encode(bytes)),
            Self::V2(bytes) => f.write_str(&hex::encode(bytes)),
        }
    }
}

impl fmt::Debug for InfoHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InfoHash({self})")
    }
}

/// What a torrent is known by: at least one of the two hashes, both when it is a hybrid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct InfoHashes {
    /// Hexadecimal in JSON, `null` for a torrent of v2 alone.
    #[serde(with = "hex_v1", default)]
    pub v1: Option<[u8; 20]>,
    /// Hexadecimal in JSON, `null` for a torrent of v1 alone.
    #[serde(with = "hex_v2", default)]
    pub v2: Option<[u8; 32]>,
}

impl InfoHashes {
    /// Every hash that the torrent answers to.
    pub fn iter(&self) -> impl Iterator<Item = InfoHash> {
        self.v1.map(InfoHash::V1).into_iter().chain(self.v2.map(InfoHash::V2))
    }

    /// The hash under which bodies are kept: v1 where there is one.
    pub fn primary(&self) -> Option<InfoHash> {
        self.iter().next()
    }

    /// Whether one of the hashes is this one.
    pub fn contains(&self, hash: &InfoHash) -> bool {
        self.iter().any(|own| own == *hash)
    }

    /// Takes over what the other knows and this one does not (a magnet may name one half of a hybrid).
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self { v1: self.v1.or(other.v1), v2: self.v2.or(other.v2) }
    }
}

macro_rules! hex_option {
    ($name:ident, $length:literal) => {
        mod $name {
            use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

            #[expect(clippy::ref_option, reason = "serde's `with` passes the field by reference")]
            pub(super) fn serialize<S: Serializer>(
                hash: &Option<[u8; $length]>,
                serializer: S,
            ) -> Result<S::Ok, S::Error> {
                hash.map(hex::encode).serialize(serializer)
            }

            pub(super) fn deserialize<'de, D: Deserializer<'de>>(
                deserializer: D,
            ) -> Result<Option<[u8; $length]>, D::Error> {
                let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
                let mut hash = [0; $length];
                hex::decode_to_slice(text, &mut hash).map_err(D::Error::custom)?;
                Ok(Some(hash))
            }
        }
    };
}
hex_option!(hex_v1, 20);
hex_option!(hex_v2, 32);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_a_hash_parses_back() {
        for text in ["aa".repeat(20), "0b".repeat(32)] {
            assert_eq!(text.parse::<InfoHash>().expect("parses").to_string(), text);
        }
        assert_eq!("zz".repeat(20).parse::<InfoHash>(), Err(InvalidInfoHash));
        assert_eq!("aa".repeat(21).parse::<InfoHash>(), Err(InvalidInfoHash));
    }

    #[test]
    fn hybrid_keeps_both_hashes_in_json() {
        let hashes = InfoHashes { v1: Some([1; 20]), v2: Some([2; 32]) };
        let json = serde_json::to_string(&hashes).expect("serialises");
        assert_eq!(serde_json::from_str::<InfoHashes>(&json).expect("parses"), hashes);
    }
}
