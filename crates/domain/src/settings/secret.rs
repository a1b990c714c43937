//! A secret as the document shows it: by a keyed fingerprint. The secret itself never comes here.

use serde::{Deserialize, Serialize};

/// Characters of a fingerprint: 128 bits in hex.
pub(super) const FINGERPRINT_LENGTH: usize = 32;

/// Stands for a secret in the document, in facts and in answers. The same secret has the same fingerprint, under a key that
/// only this instance has, so that nobody can try passwords against it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretRef {
    /// 32 hex digits.
    pub fingerprint: String,
}

impl SecretRef {
    /// Whether a text has the form of a fingerprint.
    pub(super) fn is_fingerprint(text: &str) -> bool {
        text.len() == FINGERPRINT_LENGTH && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    }
}
