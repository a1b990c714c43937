//! The identity of an API key: a ULID, which is no secret. It stands in front of the secret, so that a key is found without
//! trying all of them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use ulid::Ulid;

/// What the streams of keys begin with.
const STREAM_PREFIX: &str = "api-key-";

/// An API key's identity for as long as the log exists.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyId(Ulid);

/// The text is not a ULID of 26 characters in Crockford's base 32.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a key id: expected a ULID of 26 characters")]
pub struct InvalidKeyId;

impl KeyId {
    /// Names a key by a ULID that the caller drew.
    pub const fn new(ulid: Ulid) -> Self {
        Self(ulid)
    }

    /// The ULID itself.
    pub const fn ulid(self) -> Ulid {
        self.0
    }

    /// The key's stream in the log: `api-key-<ULID>`.
    pub fn stream(self) -> String {
        format!("{STREAM_PREFIX}{}", self.0)
    }

    /// The key whose stream has this name, if it is the stream of a key.
    pub fn from_stream(stream: &str) -> Option<Self> {
        stream.strip_prefix(STREAM_PREFIX)?.parse().ok()
    }
}

impl FromStr for KeyId {
    type Err = InvalidKeyId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ulid::from_string(text).map(Self).map_err(|_| InvalidKeyId)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({})", self.0)
    }
}
