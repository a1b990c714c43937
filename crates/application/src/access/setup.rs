//! The setup: a one-time token, and the first key in exchange for it.
//!
//! The key is issued before the setup is complete. The other way round, a crash between the two would leave a service that is
//! set up and that nobody has a key of; this way it leaves a key whose secret nobody has, and the next attempt revokes it.

use std::sync::PoisonError;
use std::time::Duration;

use revaer_domain::api_key::Scope;
use revaer_domain::setup::{
    Completed, Outcome, Phase, Presented, STREAM, Setup, SetupCommand, SetupEvent, SetupRefused, SetupRules,
};
use revaer_domain::values::{KeyId, Label};
use revaer_event_log::{AppendError, Position, Version};
use revaer_event_schema::encode_setup;
use time::OffsetDateTime;

use super::directory::setup_stream;
use super::streams::{append_failed, decide};
use super::{IssueKey, IssuedKey, KeyError, Secret, SetupError, hashes};
use crate::dispatch::read_failed;
use crate::{Application, Caller, CommandError, SettingsError};

/// How long a token is accepted.
pub const TOKEN_VALIDITY: Duration = Duration::from_mins(15);
/// How often a step is decided while another process keeps being faster.
const ATTEMPTS_MAX: u32 = 3;

/// A token of the setup, which nobody can ask for again.
#[derive(Debug, Clone)]
pub struct IssuedToken {
    /// The token.
    pub token: Secret,
    /// Until when it is accepted.
    pub expires_at: OffsetDateTime,
}

/// How far the setup is, as it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetupView {
    /// How far.
    pub phase: Phase,
    /// Until when the token is accepted, if one was issued and the setup is not complete.
    pub token_expires_at: Option<OffsetDateTime>,
    /// How often a token was not accepted.
    pub failed_attempts: u32,
}

impl Application {
    /// How far the setup is, as this process knows it: it follows the log.
    pub fn setup(&self) -> SetupView {
        let setup = self.access().setup();
        let phase = setup.state.phase();
        let token = setup.state.token.as_ref().filter(|_| phase != Phase::Complete);
        SetupView {
            phase,
            token_expires_at: token.map(|token| token.expires_at),
            failed_attempts: setup.state.failed_attempts,
        }
    }

    /// Whether there is a key, so that whoever asks for more than the setup can be asked for one.
    pub fn is_set_up(&self) -> bool {
        self.access().setup().state.completed.is_some()
    }

    /// Issues a token, in place of any before it.
    pub async fn start_setup(&self, validity: Duration, caller: &Caller) -> Result<IssuedToken, SetupError> {
        let _changing = self.access().changing.lock().await;
        let token = Secret::of_setup();
        let (server_key, bytes) = (&self.access().server_key, token.expose().as_bytes());
        let (fingerprint, hash) = (server_key.fingerprint(bytes), server_key.hash(bytes));
        for _ in 0..ATTEMPTS_MAX {
            let setup = self.refresh_setup().await?;
            let expires_at = self.clock().now() + validity;
            let events = decided(&setup.state, SetupCommand::Start { fingerprint, expires_at })?;
            if setup.state.token.as_ref().is_none_or(|token| token.fingerprint != fingerprint) {
                let put = hashes::put(self.log().pool(), STREAM, fingerprint, &hash).await;
                put.map_err(|error| read_failed(error.into()))?;
            }
            match self.append_setup(setup.version, &events, caller).await {
                Ok(_) => return Ok(IssuedToken { token, expires_at }),
                Err(AppendError::VersionConflict { .. }) => {
                    // Its hash goes in again with the next attempt.
                    let forget = hashes::forget_one(self.log().pool(), STREAM, fingerprint).await;
                    forget.map_err(|error| read_failed(error.into()))?;
                }
                Err(error) => return Err(append_failed(error).into()),
            }
        }
        Err(CommandError::VersionConflict.into())
    }

    /// Exchanges a token for the first key, with the scope `admin`. The attempt is recorded whatever comes of it.
    pub async fn complete_setup(
        &self,
        token: &str,
        instance_name: Label,
        key_label: Label,
        caller: &Caller,
    ) -> Result<IssuedKey, SetupError> {
        let _changing = self.access().changing.lock().await;
        for _ in 0..ATTEMPTS_MAX {
            let setup = self.refresh_setup().await?;
            if setup.state.completed.is_some() {
                return Err(SetupError::Complete);
            }
            let (presented, at) = (self.recognise(token).await?, self.clock().now());
            let accepted = setup.state.judge(presented, at) == Outcome::Accepted;
            let issued = if accepted {
                // The name first: an attempt that breaks off after it is repeated, and names the instance again.
                self.name_instance(&instance_name, caller).await.map_err(unnamed)?;
                Some(self.first_key(key_label.clone(), caller).await?)
            } else {
                None
            };
            let key_id =
                issued.as_ref().map_or_else(|| KeyId::new(self.clock().ulid()), |issued| issued.key.id);
            let completed = Completed { instance_name: instance_name.clone(), key_id };
            let events = decided(&setup.state, SetupCommand::Complete { presented, completed, at })?;
            let appended = self.append_setup(setup.version, &events, caller).await;
            match (appended, issued) {
                (Ok(position), Some(issued)) => return Ok(IssuedKey { position, ..issued }),
                (Ok(_), None) => return Err(SetupError::Token(setup.state.judge(presented, at))),
                (Err(error), issued) => {
                    if let Some(issued) = issued {
                        self.take_back(issued.key.id, caller).await;
                    }
                    if !matches!(error, AppendError::VersionConflict { .. }) {
                        return Err(append_failed(error).into());
                    }
                }
            }
        }
        Err(CommandError::VersionConflict.into())
    }

    async fn first_key(&self, label: Label, caller: &Caller) -> Result<IssuedKey, SetupError> {
        // Before the setup is complete there is no key, but for one that a crash left behind.
        for key in self.access().all() {
            self.take_back(key.id, caller).await;
        }
        let issue = IssueKey { label, scope: Scope::Admin, expires_at: None, rate_limit: None };
        self.issue_now(issue, None, caller).await.map_err(|error| match error {
            KeyError::Command(error) => error.into(),
            other => CommandError::internal(other).into(),
        })
    }

    /// Best effort: nobody has the secret of a key that stays.
    async fn take_back(&self, id: KeyId, caller: &Caller) {
        if let Err(error) = self.revoke_now(id, caller).await {
            tracing::warn!(%error, key = %id, "a key that nobody has the secret of could not be revoked");
        }
    }

    /// Which token a text is, by its hash.
    async fn recognise(&self, token: &str) -> Result<Presented, CommandError> {
        let server_key = &self.access().server_key;
        let (fingerprint, hash) =
            (server_key.fingerprint(token.as_bytes()), server_key.hash(token.as_bytes()));
        let of_file = self.access().file_token.read().unwrap_or_else(PoisonError::into_inner).clone();
        if of_file.is_some_and(|known| known.is(&hash).into()) {
            return Ok(Presented::OfFile);
        }
        let known = hashes::find(self.log().pool(), STREAM, fingerprint).await;
        let known = known.map_err(|error| read_failed(error.into()))?;
        let is_known = known.is_some_and(|known| known.is(&hash).into());
        Ok(if is_known { Presented::Issued(fingerprint) } else { Presented::Unknown })
    }

    /// Whether a text is the token of the file, which is accepted from everywhere.
    pub fn is_token_of_file(&self, token: &str) -> bool {
        let of_file = self.access().file_token.read().unwrap_or_else(PoisonError::into_inner).clone();
        of_file.is_some_and(|known| known.is(&self.access().server_key.hash(token.as_bytes())).into())
    }

    async fn append_setup(
        &self,
        expected: Version,
        events: &[SetupEvent],
        caller: &Caller,
    ) -> Result<Position, AppendError> {
        let facts = events.iter().map(|event| encode_setup(event, &caller.metadata())).collect();
        let appended = self.append_access(&setup_stream(), expected, facts, None).await?;
        if let Err(error) = self.refresh_setup().await {
            // The follower reads it as soon as the log can be read.
            tracing::warn!(%error, "the setup cannot be read back");
        }
        Ok(appended.position)
    }
}

/// A label is a name of an instance; what else can go wrong is the log.
fn unnamed(error: SettingsError) -> CommandError {
    match error {
        SettingsError::Command(error) => error,
        other => CommandError::internal(other),
    }
}

fn decided(setup: &Setup, command: SetupCommand) -> Result<Vec<SetupEvent>, SetupError> {
    decide(&SetupRules, &STREAM, setup, command).map_err(|refused| match refused {
        SetupRefused::Complete => SetupError::Complete,
    })
}
