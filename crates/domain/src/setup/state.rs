//! The setup as its facts tell it.

use std::collections::VecDeque;

use time::OffsetDateTime;

use super::command::Presented;
use super::event::{Completed, Outcome, SetupEvent, TokenIssued};
use crate::values::Fingerprint;

/// Tokens that had their time and are still told apart from wrong ones. Nobody tries an older one by mistake.
const USED_MAX: usize = 16;

/// How far the setup is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Nobody has asked for a token yet.
    Required,
    /// A token was issued; it may have expired.
    TokenIssued,
    /// There is a key.
    Complete,
}

impl Phase {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::TokenIssued => "token_issued",
            Self::Complete => "complete",
        }
    }
}

/// The setup.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Setup {
    /// The token that counts.
    pub token: Option<TokenIssued>,
    /// Tokens before it.
    used: VecDeque<Fingerprint>,
    /// How often a token was not accepted.
    pub failed_attempts: u32,
    /// How it ended.
    pub completed: Option<Completed>,
}

impl Setup {
    /// Takes one fact in. What happened, happened: nothing is judged here.
    pub(super) fn apply(&mut self, event: &SetupEvent) {
        match event {
            SetupEvent::TokenIssued(issued) => {
                let before = self.token.replace(issued.clone());
                self.used.extend(before.map(|before| before.fingerprint));
                if self.used.len() > USED_MAX {
                    self.used.pop_front();
                }
            }
            SetupEvent::Attempted(attempted) if attempted.outcome == Outcome::Accepted => {}
            SetupEvent::Attempted(_) => self.failed_attempts = self.failed_attempts.saturating_add(1),
            SetupEvent::Completed(completed) => self.completed = Some(completed.clone()),
        }
    }

    /// How far it is.
    pub const fn phase(&self) -> Phase {
        match (&self.completed, &self.token) {
            (Some(_), _) => Phase::Complete,
            (None, Some(_)) => Phase::TokenIssued,
            (None, None) => Phase::Required,
        }
    }

    /// What a token is worth.
    pub fn judge(&self, presented: Presented, at: OffsetDateTime) -> Outcome {
        match (presented, &self.token) {
            (Presented::OfFile, _) => Outcome::Accepted,
            (Presented::Issued(fingerprint), Some(token)) if token.fingerprint == fingerprint => {
                if token.expires_at <= at { Outcome::ExpiredToken } else { Outcome::Accepted }
            }
            (Presented::Issued(fingerprint), _) if self.used.contains(&fingerprint) => Outcome::UsedToken,
            _ => Outcome::WrongToken,
        }
    }
}
