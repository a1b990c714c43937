//! `(state, command)` into events: the rules.

use super::command::KeyCommand;
use super::error::KeyRefused;
use super::event::{KeyEvent, Rotated};
use super::state::{ApiKey, Lifecycle};

/// Decides on one command.
pub(super) fn decide(key: &ApiKey, command: KeyCommand) -> Result<Vec<KeyEvent>, KeyRefused> {
    match (key.lifecycle, command) {
        (Lifecycle::Absent, KeyCommand::Issue { issued, at }) => {
            if issued.expires_at.is_some_and(|expires_at| expires_at <= at) {
                return Err(KeyRefused::ExpiresInThePast);
            }
            Ok(vec![KeyEvent::Issued(issued)])
        }
        (Lifecycle::Absent, _) => Err(KeyRefused::Absent),
        (_, KeyCommand::Issue { .. }) => Err(KeyRefused::Exists),
        (Lifecycle::Revoked, KeyCommand::Revoke) => Ok(Vec::new()),
        (Lifecycle::Revoked, _) => Err(KeyRefused::Revoked),
        // The time of its end was chosen when it was issued: another secret does not move it.
        (Lifecycle::Live, KeyCommand::Rotate { at, .. }) if key.is_expired(at) => Err(KeyRefused::Expired),
        (Lifecycle::Live, KeyCommand::Rotate { fingerprint, previous_valid_until, .. }) => {
            Ok(vec![KeyEvent::Rotated(Rotated { fingerprint, previous_valid_until })])
        }
        // Also one that has expired: whoever revokes wants it off the list.
        (Lifecycle::Live, KeyCommand::Revoke) => Ok(vec![KeyEvent::Revoked]),
    }
}
