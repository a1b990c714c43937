//! From a secret that somebody shows to who that is.
//!
//! The hash is computed before anything is looked up, and compared in constant time with both secrets that a key may have, or
//! with none of nobody's: how long an answer takes tells nothing of a secret, nor whether a key exists.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use revaer_domain::api_key::{RequestLimit, Scope};
use revaer_domain::values::KeyId;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use super::secret::key_of;
use crate::Application;

/// Whoever showed a secret that is accepted.
#[derive(Clone)]
pub struct Principal {
    /// As facts name it: `key <label>`.
    pub actor: Arc<str>,
    /// Which key.
    pub key_id: KeyId,
    /// What it may do.
    pub scope: Scope,
    /// Its own limit, in place of that of the settings.
    pub rate_limit: Option<RequestLimit>,
    /// Until when the secret is accepted; whatever lasts longer than a request ends then.
    pub valid_until: Option<OffsetDateTime>,
    /// Cancelled when the key is revoked or gets another secret; whatever lasts longer than a request ends then.
    pub ended: CancellationToken,
}

impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Principal")
            .field("key_id", &self.key_id)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

/// Why a secret is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthFailure {
    /// It is no secret of a key that is live. Which part of it is wrong is nobody's business.
    #[error("the key is not accepted")]
    Unknown,
    /// It was right, and its time is over.
    #[error("the key has expired, or its secret was replaced")]
    Expired,
}

impl Application {
    /// Finds out who shows a secret. It asks memory alone.
    pub fn authenticate(&self, presented: &str, now: OffsetDateTime) -> Result<Principal, AuthFailure> {
        let shown = self.access().server_key.hash(presented.as_bytes());
        let key = key_of(presented).and_then(|id| self.access().key(id)).ok_or(AuthFailure::Unknown)?;
        let current = key.current.hash.is(&shown);
        let replaced = key.replaced.as_ref().map_or(subtle::Choice::from(0), |proof| proof.hash.is(&shown));
        if !bool::from(current | replaced) {
            return Err(AuthFailure::Unknown);
        }
        let proof = match &key.replaced {
            Some(proof) if bool::from(replaced) => proof,
            _ => &key.current,
        };
        let ends = [proof.valid_until, key.issued.expires_at];
        let valid_until = ends.into_iter().flatten().min();
        if valid_until.is_some_and(|until| until <= now) {
            return Err(AuthFailure::Expired);
        }
        key.used_at.fetch_max(now.unix_timestamp(), Ordering::Relaxed);
        Ok(Principal {
            actor: Arc::clone(&key.actor),
            key_id: key.id,
            scope: key.issued.scope,
            rate_limit: key.issued.rate_limit,
            valid_until,
            ended: proof.ended.clone(),
        })
    }
}
