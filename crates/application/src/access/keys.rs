//! Issuing, rotating and revoking keys.

use std::time::Duration;

use revaer_domain::api_key::{Issued, KeyCommand, KeyEvent, KeyRefused, KeyRules, RequestLimit, Scope};
use revaer_domain::values::{KeyId, Label};
use revaer_event_log::{AppendError, CommandOutcome, CommandRecord, Position};
use revaer_event_schema::encode_key;
use serde::Serialize;
use time::OffsetDateTime;

use super::directory::{key_stream, of_key};
use super::streams::{append_failed, decide};
use super::{KeyError, KeyView, Secret, hashes};
use crate::dispatch::{FirstTime, fingerprint, read_failed};
use crate::{Application, Caller, CommandError};

/// The most keys at once: each takes about a kilobyte of memory, and a list of more says nothing to a person.
pub const KEYS_MAX: usize = 1000;
/// How long a replaced secret is accepted unless the caller says.
pub const GRACE_DEFAULT: Duration = Duration::from_hours(1);
/// The longest time that may be asked for.
pub const GRACE_MAX: Duration = Duration::from_hours(30 * 24);
/// How often a command is decided while another process keeps being faster.
const ATTEMPTS_MAX: u32 = 3;

/// A key as a client asks for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IssueKey {
    /// What people will call it.
    pub label: Label,
    /// What it may do.
    pub scope: Scope,
    /// When it ends by itself.
    #[serde(with = "time::serde::rfc3339::option")]
    pub expires_at: Option<OffsetDateTime>,
    /// Its own limit, in place of that of the settings.
    pub rate_limit: Option<RequestLimit>,
}

/// A key with its secret, which nobody can ask for again.
#[derive(Debug, Clone)]
pub struct IssuedKey {
    /// The key.
    pub key: KeyView,
    /// The secret.
    pub secret: Secret,
    /// The position of the fact.
    pub position: Position,
}

impl Application {
    /// Issues a key.
    pub async fn issue_key(&self, issue: IssueKey, caller: &Caller) -> Result<IssuedKey, KeyError> {
        let (record, _key) = self.first_key_command(caller, fingerprint(&("key.issue", &issue))).await?;
        let _changing = self.access().changing.lock().await;
        if self.access().all().len() >= KEYS_MAX {
            return Err(KeyError::TooMany { max: KEYS_MAX });
        }
        self.issue_now(issue, Some(record), caller).await
    }

    /// Issues a key without asking whether it may be. Whoever calls holds what is being changed.
    pub(super) async fn issue_now(
        &self,
        issue: IssueKey,
        record: Option<CommandRecord>,
        caller: &Caller,
    ) -> Result<IssuedKey, KeyError> {
        let id = KeyId::new(self.clock().ulid());
        let secret = self.draw_secret(id).await?;
        let issued = Issued {
            label: issue.label,
            scope: issue.scope,
            expires_at: issue.expires_at,
            fingerprint: self.access().server_key.fingerprint(secret.expose().as_bytes()),
            rate_limit: issue.rate_limit,
        };
        let command = KeyCommand::Issue { issued, at: self.clock().now() };
        let changed = self.change_key(id, command, record, caller).await;
        if changed.is_err() {
            self.forget_hashes(id).await;
        }
        self.shown(id, secret, changed?)
    }

    /// Gives a key another secret; the one that it has is accepted for a time of grace, unless that is zero.
    pub async fn rotate_key(
        &self,
        id: KeyId,
        grace: Duration,
        caller: &Caller,
    ) -> Result<IssuedKey, KeyError> {
        let (record, _key) =
            self.first_key_command(caller, fingerprint(&("key.rotate", id, grace.as_secs()))).await?;
        let _changing = self.access().changing.lock().await;
        let secret = self.draw_secret(id).await?;
        let at = self.clock().now();
        let command = KeyCommand::Rotate {
            fingerprint: self.access().server_key.fingerprint(secret.expose().as_bytes()),
            previous_valid_until: at + grace.min(GRACE_MAX),
            at,
        };
        let position = self.change_key(id, command, Some(record), caller).await?;
        self.shown(id, secret, position)
    }

    /// Ends a key, for good. The last key that may do everything stays.
    pub async fn revoke_key(&self, id: KeyId, caller: &Caller) -> Result<Position, KeyError> {
        let (record, _key) = match self.first_time(caller, fingerprint(&("key.revoke", id))).await? {
            FirstTime::Yes(record, key) => (record, key),
            FirstTime::No(outcome) => return Ok(outcome.last_position),
        };
        let _changing = self.access().changing.lock().await;
        let now = self.clock().now();
        let is_admin = |key: &super::directory::LiveKey| key.issued.scope == Scope::Admin && key.is_live(now);
        let all = self.access().all();
        let (this, others): (Vec<_>, Vec<_>) = all.iter().partition(|key| key.id == id);
        if this.iter().any(|key| is_admin(key)) && !others.iter().any(|key| is_admin(key)) {
            return Err(KeyError::LastAdmin);
        }
        let position = self.change_key(id, KeyCommand::Revoke, Some(record), caller).await?;
        self.forget_hashes(id).await;
        Ok(position)
    }

    /// Ends a key without asking whether it may. Whoever calls holds what is being changed.
    pub(super) async fn revoke_now(&self, id: KeyId, caller: &Caller) -> Result<(), KeyError> {
        self.change_key(id, KeyCommand::Revoke, None, caller).await?;
        self.forget_hashes(id).await;
        Ok(())
    }

    /// A secret whose hash is stored.
    async fn draw_secret(&self, id: KeyId) -> Result<Secret, CommandError> {
        let secret = Secret::of_key(id);
        let bytes = secret.expose().as_bytes();
        let server_key = &self.access().server_key;
        let (print, hash) = (server_key.fingerprint(bytes), server_key.hash(bytes));
        let put = hashes::put(self.log().pool(), &id.stream(), print, &hash).await;
        put.map_err(|error| read_failed(error.into()))?;
        Ok(secret)
    }

    /// Best effort: a hash that stays behind belongs to no key that is live, and proves nothing.
    pub(super) async fn forget_hashes(&self, id: KeyId) {
        if let Err(error) = hashes::forget(self.log().pool(), &id.stream()).await {
            tracing::debug!(%error, key = %id, "hashes of a key that is not live stay behind");
        }
    }

    /// Decides, appends, and reads the key again, so that the next request sees it as it now is.
    async fn change_key(
        &self,
        id: KeyId,
        command: KeyCommand,
        record: Option<CommandRecord>,
        caller: &Caller,
    ) -> Result<Position, KeyError> {
        let stream = key_stream(id);
        for _ in 0..ATTEMPTS_MAX {
            let folded = self.fold_access::<KeyRules>(&stream, of_key).await?;
            let events: Vec<KeyEvent> = decide(&KeyRules, &id, &folded.state, command.clone())?;
            if events.is_empty() && caller.idempotency_key.is_none() {
                return Ok(folded.position);
            }
            let facts = events.iter().map(|event| encode_key(event, &caller.metadata())).collect();
            match self.append_access(&stream, folded.version, facts, record.clone()).await {
                Ok(appended) => {
                    self.refresh_key(id).await?;
                    return Ok(if events.is_empty() { folded.position } else { appended.position });
                }
                Err(AppendError::VersionConflict { .. }) => {}
                Err(AppendError::AlreadyRecorded(outcome)) => {
                    return Err(repeated(&outcome, record.as_ref()));
                }
                Err(error) => return Err(append_failed(error).into()),
            }
        }
        Err(CommandError::VersionConflict.into())
    }

    fn shown(&self, id: KeyId, secret: Secret, position: Position) -> Result<IssuedKey, KeyError> {
        // Another process may have revoked it in this very moment; then its secret is worth nothing.
        let key = self.access().key(id).ok_or(KeyError::Refused(KeyRefused::Revoked))?;
        Ok(IssuedKey { key: key.view(), secret, position })
    }

    /// A command that answers with a secret cannot be answered twice.
    async fn first_key_command(
        &self,
        caller: &Caller,
        fingerprint: [u8; 32],
    ) -> Result<(CommandRecord, Option<crate::stream_lock::Held>), KeyError> {
        match self.first_time(caller, fingerprint).await? {
            FirstTime::Yes(record, key) => Ok((record, key)),
            FirstTime::No(_) => Err(KeyError::AlreadyAnswered),
        }
    }
}

fn repeated(outcome: &CommandOutcome, record: Option<&CommandRecord>) -> KeyError {
    let is_same = record.is_some_and(|record| record.fingerprint == outcome.fingerprint);
    if is_same { KeyError::AlreadyAnswered } else { CommandError::KeyReused.into() }
}
