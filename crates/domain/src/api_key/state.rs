//! A key as its facts tell it.

use time::OffsetDateTime;

use super::event::{Issued, KeyEvent};
use crate::values::Fingerprint;

/// Where a key is between its issue and its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lifecycle {
    /// It was never issued.
    #[default]
    Absent,
    /// It is accepted, unless it has expired.
    Live,
    /// It was revoked.
    Revoked,
}

/// The secret before the one that a key has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replaced {
    /// Of that secret.
    pub fingerprint: Fingerprint,
    /// Until when it is accepted.
    pub valid_until: OffsetDateTime,
}

/// A key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ApiKey {
    /// Where it is.
    pub lifecycle: Lifecycle,
    /// As it was issued, with the fingerprint of the secret that it has now.
    pub issued: Option<Issued>,
    /// The secret before, if there was another.
    pub replaced: Option<Replaced>,
}

impl ApiKey {
    /// Takes one fact in. What happened, happened: nothing is judged here.
    pub(super) fn apply(&mut self, event: &KeyEvent) {
        match event {
            KeyEvent::Issued(issued) => {
                self.lifecycle = Lifecycle::Live;
                self.issued = Some(issued.clone());
            }
            KeyEvent::Rotated(rotated) => {
                if let Some(issued) = &mut self.issued {
                    let before = std::mem::replace(&mut issued.fingerprint, rotated.fingerprint);
                    let valid_until = rotated.previous_valid_until;
                    self.replaced = Some(Replaced { fingerprint: before, valid_until });
                }
            }
            KeyEvent::Revoked => self.lifecycle = Lifecycle::Revoked,
        }
    }

    /// Whether it has ended by itself.
    pub fn is_expired(&self, at: OffsetDateTime) -> bool {
        self.issued.as_ref().and_then(|issued| issued.expires_at).is_some_and(|expires_at| expires_at <= at)
    }
}
