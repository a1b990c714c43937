//! Changing the settings: by a merge patch, or by taking a change back.

use std::collections::BTreeMap;
use std::sync::Arc;

use revaer_domain::settings::{
    Change, FaultCode, Patch, Refused, Reversal, SecretRef, Settings, SettingsCommand, SettingsEvent, decide,
};
use revaer_domain::values::Label;
use revaer_event_log::{Append, AppendError, Appended, CommandOutcome, CommandRecord, Position, Version};
use revaer_event_schema::encode_settings;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::vault::{Concealed, conceal};
use super::{SettingsError, SettingsNow, stream};
use crate::command_store::StoreError;
use crate::dispatch::{FirstTime, fingerprint, store_failed};
use crate::{Application, Caller, CommandError};

/// How often a command is decided while others keep being faster.
const ATTEMPTS_MAX: u32 = 3;
/// The key under which the stream is held from load to commit: drawn once, as ULIDs are.
const STREAM_LOCK: u128 = 0x7d1e_3c0f_52a9_4b6e_9a10_c4d8_51f7_02b3;

/// The answer to a change: the settings as the log has them after it.
#[derive(Debug, Clone)]
pub struct SettingsDone {
    /// The document.
    pub settings: Settings,
    /// Its version.
    pub version: Version,
    /// The position of the change; of the last one, when nothing changed.
    pub position: Position,
    /// What changed; nothing, if this is the first answer given again.
    pub changes: Vec<Change>,
    /// Whether this is the first answer given again.
    pub repeated: bool,
}

impl Application {
    /// Merges a patch (RFC 7396) into the document. Secrets that it gives are kept apart, and known by their fingerprints.
    pub async fn patch_settings(
        &self,
        request: Value,
        caller: &Caller,
    ) -> Result<SettingsDone, SettingsError> {
        let Concealed { request, secrets } = conceal(request, self.server_key());
        // Of the request without its secrets: a hash that anybody can make would let them be guessed.
        let fingerprint = fingerprint(&("settings.patch", &request));
        let patch = Patch { request, secrets: secrets.keys().copied().collect() };
        self.keyed(SettingsCommand::Patch(patch), &secrets, fingerprint, caller).await
    }

    /// What a patch would do, without doing it.
    pub async fn preview_settings(
        &self,
        request: Value,
        caller: &Caller,
    ) -> Result<SettingsDone, SettingsError> {
        let Concealed { request, secrets } = conceal(request, self.server_key());
        let patch = Patch { request, secrets: secrets.keys().copied().collect() };
        let now = self.refresh_settings().await?;
        let command = SettingsCommand::Patch(patch);
        let events = decide_for(&now, &command, caller)?;
        self.judge(&now.recorded, &events, &command, &secrets).await?;
        let after = events.iter().fold((*now).clone(), |now, event| self.inner.settings.then(&now, event));
        Ok(done(after, changes(events)))
    }

    /// Takes the change at a position back; a conflict where one of its values was overwritten since.
    pub async fn revert_settings(
        &self,
        position: Position,
        caller: &Caller,
    ) -> Result<SettingsDone, SettingsError> {
        let reversal = self.reversal(position).await?;
        let fingerprint = fingerprint(&("settings.revert", position.0));
        self.keyed(SettingsCommand::Revert(reversal), &BTreeMap::new(), fingerprint, caller).await
    }

    /// Takes back what could not be carried out, as far as nobody has overwritten it since, and says why.
    pub async fn compensate_settings(
        &self,
        position: Position,
        reason: String,
        caller: &Caller,
    ) -> Result<SettingsDone, SettingsError> {
        let of = self.reversal(position).await?;
        let fingerprint = fingerprint(&("settings.compensate", position.0));
        self.keyed(SettingsCommand::Compensate { of, reason }, &BTreeMap::new(), fingerprint, caller).await
    }

    /// Gives the instance its id, if it has none yet.
    pub async fn identify_instance(&self) -> Result<SettingsDone, SettingsError> {
        let id = self.clock().ulid().to_string();
        let caller = Caller::system("system", format!("instance:{id}"), None);
        let fingerprint = fingerprint(&("settings.identify", &id));
        self.keyed(SettingsCommand::Identify { id }, &BTreeMap::new(), fingerprint, &caller).await
    }

    /// Gives the instance the name that whoever sets it up has for it. A key of that request is for the request as a whole.
    pub(crate) async fn name_instance(&self, name: &Label, caller: &Caller) -> Result<(), SettingsError> {
        let caller = Caller { idempotency_key: None, if_match: None, ..caller.clone() };
        self.patch_settings(json!({ "instance": { "name": name } }), &caller).await.map(drop)
    }

    async fn reversal(&self, position: Position) -> Result<Reversal, SettingsError> {
        let change = self.settings_change(position).await?.ok_or(SettingsError::NoSuchChange)?;
        Ok(Reversal { position: position.0, changes: change.changed.changes })
    }

    /// Carries a command out, or gives its first answer again.
    async fn keyed(
        &self,
        command: SettingsCommand,
        secrets: &BTreeMap<SecretRef, Zeroizing<String>>,
        fingerprint: [u8; 32],
        caller: &Caller,
    ) -> Result<SettingsDone, SettingsError> {
        let (record, _key) = match self.first_time(caller, fingerprint).await? {
            FirstTime::Yes(record, key) => (record, key),
            FirstTime::No(outcome) => return self.first_answer(*outcome).await,
        };
        let _stream = self.inner.locks.hold(STREAM_LOCK).await;
        for _ in 0..ATTEMPTS_MAX {
            let now = self.refresh_settings().await?;
            let events = decide_for(&now, &command, caller)?;
            if events.is_empty() && caller.idempotency_key.is_none() {
                return Ok(done((*now).clone(), Vec::new()));
            }
            self.judge(&now.recorded, &events, &command, secrets).await?;
            self.keep_secrets(secrets).await?;
            self.revive_secrets(&events, secrets).await?;
            match self.append_settings(&now, &events, record.clone(), caller).await {
                Ok(appended) => {
                    let after = events
                        .iter()
                        .fold((*now).clone(), |now, event| self.inner.settings.then(&now, event));
                    let (version, position) = (appended.version, appended.position);
                    let after = SettingsNow { version, position, ..after };
                    self.inner.settings.publish(after.clone());
                    return Ok(done(after, changes(events)));
                }
                Err(AppendError::VersionConflict { .. }) => {}
                Err(AppendError::AlreadyRecorded(outcome)) if outcome.fingerprint == fingerprint => {
                    return self.first_answer(*outcome).await;
                }
                Err(AppendError::AlreadyRecorded(_)) => return Err(CommandError::KeyReused.into()),
                Err(error) => return Err(store_failed(StoreError::Append(error)).into()),
            }
        }
        Err(CommandError::VersionConflict.into())
    }

    async fn append_settings(
        &self,
        now: &Arc<SettingsNow>,
        events: &[SettingsEvent],
        record: CommandRecord,
        caller: &Caller,
    ) -> Result<Appended, AppendError> {
        let metadata = caller.metadata();
        let append = Append {
            stream: stream(),
            expected: now.version,
            facts: events.iter().map(|event| encode_settings(event, &metadata)).collect(),
            command: Some(record),
            claims: Vec::new(),
            releases: Vec::new(),
        };
        self.log().append(append).await
    }

    /// The document as it was after a command that was carried out before.
    async fn first_answer(&self, outcome: CommandOutcome) -> Result<SettingsDone, SettingsError> {
        if outcome.stream != stream() {
            return Err(CommandError::KeyReused.into());
        }
        let then = self.fold_settings(|fact| fact.version <= outcome.version_after).await?;
        Ok(SettingsDone { repeated: true, ..done(then, Vec::new()) })
    }
}

/// What the rules say, if the settings have the version that the caller knows. What would be wrong at any version is told first.
fn decide_for(
    now: &SettingsNow,
    command: &SettingsCommand,
    caller: &Caller,
) -> Result<Vec<SettingsEvent>, SettingsError> {
    let decided = decide(&now.recorded, command);
    let is_wrong_anyway = matches!(&decided, Err(Refused::Invalid(faults))
        if faults.iter().any(|fault| fault.code != FaultCode::Contradiction));
    if !is_wrong_anyway {
        check_version(now, caller)?;
    }
    Ok(decided?)
}

fn check_version(now: &SettingsNow, caller: &Caller) -> Result<(), CommandError> {
    match caller.if_match {
        Some(expected) if expected != now.version => {
            Err(CommandError::PreconditionFailed { actual: now.version })
        }
        _ => Ok(()),
    }
}

fn changes(events: Vec<SettingsEvent>) -> Vec<Change> {
    events.into_iter().flat_map(|SettingsEvent::Changed(changed)| changed.changes).collect()
}

fn done(now: SettingsNow, changes: Vec<Change>) -> SettingsDone {
    SettingsDone {
        settings: now.recorded,
        version: now.version,
        position: now.position,
        changes,
        repeated: false,
    }
}
