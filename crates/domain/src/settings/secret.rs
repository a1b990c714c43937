//! A secret as the document shows it: by a keyed fingerprint. The secret itself never comes here.

use serde::{Deserialize, Serialize};

use crate::values::Fingerprint;

/// Stands for a secret in the document, in facts and in answers. The same secret has the same fingerprint, under a key that
/// only this instance has, so that nobody can try passwords against it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretRef {
    /// The fingerprint, by which the secret is found.
    pub fingerprint: Fingerprint,
}
