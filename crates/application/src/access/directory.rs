//! The keys that are live, in memory, with what proves each; and how far the setup is.
//!
//! Nothing is put in here but what was read from the log: whoever appended reads the stream again, under a lock, as does the
//! follower. An older reading can thereby never take the place of a newer one, and a key that was revoked does not come back.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use revaer_domain::api_key::{ApiKey, Issued, KeyRules, Lifecycle, RequestLimit, Scope};
use revaer_domain::setup::{Setup, SetupRules};
use revaer_domain::values::KeyId;
use revaer_event_log::StreamId;
use revaer_event_schema::Decoded;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use super::server_key::{SecretHash, ServerKey};
use super::streams::Folded;
use super::{SetupToken, hashes};
use crate::dispatch::read_failed;
use crate::{Application, CommandError};

/// Never used.
const NEVER: i64 = i64::MIN;

/// What the write side knows of who may ask.
pub(crate) struct Access {
    pub(super) server_key: ServerKey,
    /// The hash of the token that lies in a file, if there is one.
    pub(super) file_token: RwLock<Option<SecretHash>>,
    keys: RwLock<BTreeMap<KeyId, Arc<LiveKey>>>,
    setup: RwLock<Arc<Folded<Setup>>>,
    /// One reading at a time, from the log to the map.
    reading: tokio::sync::Mutex<()>,
    /// One change of a key, or one step of the setup, at a time.
    pub(super) changing: tokio::sync::Mutex<()>,
}

/// A key that was issued and not revoked.
pub(super) struct LiveKey {
    pub(super) id: KeyId,
    pub(super) actor: Arc<str>,
    pub(super) issued: Issued,
    pub(super) issued_at: OffsetDateTime,
    pub(super) current: Proof,
    pub(super) replaced: Option<Proof>,
    pub(super) used_at: Arc<AtomicI64>,
}

/// What one secret is recognised by.
#[derive(Clone)]
pub(super) struct Proof {
    pub(super) hash: SecretHash,
    /// For ever, as far as the secret is concerned, if absent.
    pub(super) valid_until: Option<OffsetDateTime>,
    /// Cancelled when the secret is replaced or its key is revoked.
    pub(super) ended: CancellationToken,
}

/// A key as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyView {
    /// Which.
    pub id: KeyId,
    /// What people call it.
    pub label: String,
    /// What it may do.
    pub scope: Scope,
    /// When it was issued.
    pub issued_at: OffsetDateTime,
    /// When it ends by itself.
    pub expires_at: Option<OffsetDateTime>,
    /// When it was used last, as far as this process knows.
    pub last_used_at: Option<OffsetDateTime>,
    /// Its own limit.
    pub rate_limit: Option<RequestLimit>,
    /// Of the secret that it has.
    pub fingerprint: String,
    /// Until when the secret before it is accepted too.
    pub previous_valid_until: Option<OffsetDateTime>,
}

impl Access {
    pub(crate) fn new(server_key: ServerKey) -> Self {
        Self {
            server_key,
            file_token: RwLock::default(),
            keys: RwLock::default(),
            setup: RwLock::default(),
            reading: tokio::sync::Mutex::default(),
            changing: tokio::sync::Mutex::default(),
        }
    }

    pub(super) fn key(&self, id: KeyId) -> Option<Arc<LiveKey>> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    pub(super) fn all(&self) -> Vec<Arc<LiveKey>> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    pub(super) fn setup(&self) -> Arc<Folded<Setup>> {
        Arc::clone(&self.setup.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn put(&self, id: KeyId, key: Option<LiveKey>) {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        let before = match key {
            Some(key) => {
                let current = key.current.hash.clone();
                let before = keys.insert(id, Arc::new(key));
                // The same secret again, read a second time, ends nobody's stream.
                before.filter(|before| !bool::from(before.current.hash.is(&current)))
            }
            None => keys.remove(&id),
        };
        if let Some(before) = before {
            for proof in std::iter::once(&before.current).chain(&before.replaced) {
                proof.ended.cancel();
            }
        }
    }
}

impl LiveKey {
    pub(super) fn view(&self) -> KeyView {
        let used_at = self.used_at.load(Ordering::Relaxed);
        KeyView {
            id: self.id,
            label: self.issued.label.as_str().to_owned(),
            scope: self.issued.scope,
            issued_at: self.issued_at,
            expires_at: self.issued.expires_at,
            last_used_at: (used_at != NEVER)
                .then(|| OffsetDateTime::from_unix_timestamp(used_at).ok())
                .flatten(),
            rate_limit: self.issued.rate_limit,
            fingerprint: self.issued.fingerprint.to_string(),
            previous_valid_until: self.replaced.as_ref().and_then(|proof| proof.valid_until),
        }
    }

    pub(super) fn is_live(&self, at: OffsetDateTime) -> bool {
        self.issued.expires_at.is_none_or(|expires_at| expires_at > at)
    }
}

impl Application {
    /// Accepts the token of a file in the setup, beside those that `start_setup` issues.
    pub fn accept_setup_token(&self, token: &SetupToken) {
        let hash = self.access().server_key.hash(token.expose().as_bytes());
        *self.access().file_token.write().unwrap_or_else(PoisonError::into_inner) = Some(hash);
    }

    /// Keys that were issued and not revoked, by id, above one of them.
    pub fn keys(&self, after: Option<KeyId>, limit: usize) -> Vec<KeyView> {
        let keys = self.access().keys.read().unwrap_or_else(PoisonError::into_inner);
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        keys.range((from, Bound::Unbounded)).take(limit).map(|(_, key)| key.view()).collect()
    }

    pub(super) fn access(&self) -> &Access {
        &self.inner.access
    }

    /// Reads every key and the setup: what a process does before it serves. A key without a hash proves nothing, so those that
    /// were revoked need not be looked at.
    pub(super) async fn read_access(&self) -> Result<(), CommandError> {
        let streams: Vec<String> = sqlx::query_scalar(
            "SELECT DISTINCT stream_id FROM secret_hashes WHERE stream_id LIKE 'api-key-%'",
        )
        .fetch_all(self.log().pool())
        .await
        .map_err(|error| read_failed(error.into()))?;
        for id in streams.iter().filter_map(|stream| KeyId::from_stream(stream)) {
            self.refresh_key(id).await?;
        }
        self.refresh_setup().await.map(drop)
    }

    /// Reads one key again.
    pub(super) async fn refresh_key(&self, id: KeyId) -> Result<(), CommandError> {
        let _reading = self.access().reading.lock().await;
        let folded = self.fold_access::<KeyRules>(&key_stream(id), of_key).await?;
        let key = self.live_key(id, folded).await?;
        self.access().put(id, key);
        Ok(())
    }

    /// Reads the setup again.
    pub(super) async fn refresh_setup(&self) -> Result<Arc<Folded<Setup>>, CommandError> {
        let _reading = self.access().reading.lock().await;
        let folded = Arc::new(self.fold_access::<SetupRules>(&setup_stream(), of_setup).await?);
        *self.access().setup.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&folded);
        Ok(folded)
    }

    /// A key with its proofs, if it is live.
    async fn live_key(&self, id: KeyId, folded: Folded<ApiKey>) -> Result<Option<LiveKey>, CommandError> {
        let (Lifecycle::Live, Some(issued), Some(issued_at)) =
            (folded.state.lifecycle, folded.state.issued, folded.began_at)
        else {
            return Ok(None);
        };
        let (pool, stream) = (self.log().pool(), id.stream());
        let find = |fingerprint| hashes::find(pool, &stream, fingerprint);
        let current = find(issued.fingerprint).await.map_err(|error| read_failed(error.into()))?;
        let Some(current) = current else {
            // Somebody took the row away: the key is there, and nothing proves it.
            tracing::error!(key = %id, "the hash of the key's secret is missing; nobody can use it");
            return Ok(None);
        };
        let before = self.access().key(id);
        let replaced = match folded.state.replaced {
            None => None,
            Some(replaced) => {
                let hash = find(replaced.fingerprint).await.map_err(|error| read_failed(error.into()))?;
                hash.map(|hash| (hash, replaced.valid_until))
            }
        };
        // Who came in by a secret goes on for as long as the secret is what it was: read again, it is the same.
        let same = |known: Option<&Proof>, hash: &SecretHash| {
            let known = known.filter(|known| bool::from(known.hash.is(hash)));
            known.map_or_else(CancellationToken::new, |known| known.ended.clone())
        };
        let ended = same(before.as_ref().map(|before| &before.current), &current);
        let replaced = replaced.map(|(hash, valid_until)| {
            let ended = same(before.as_ref().and_then(|before| before.replaced.as_ref()), &hash);
            Proof { hash, valid_until: Some(valid_until), ended }
        });
        let used_at = match &before {
            Some(before) => Arc::clone(&before.used_at),
            None => Arc::new(AtomicI64::new(self.recorded_use(id).await?.unwrap_or(NEVER))),
        };
        Ok(Some(LiveKey {
            id,
            actor: format!("key {}", issued.label).into(),
            issued,
            issued_at,
            current: Proof { hash: current, valid_until: None, ended },
            replaced,
            used_at,
        }))
    }

    async fn recorded_use(&self, id: KeyId) -> Result<Option<i64>, CommandError> {
        let at: Option<OffsetDateTime> =
            sqlx::query_scalar("SELECT last_used_at FROM key_uses WHERE key_id = $1")
                .bind(id.to_string())
                .fetch_optional(self.log().pool())
                .await
                .map_err(|error| read_failed(error.into()))?;
        Ok(at.map(OffsetDateTime::unix_timestamp))
    }
}

pub(super) fn key_stream(id: KeyId) -> StreamId {
    StreamId::new(&id.stream()).expect("`api-key-` and a ULID are a stream id")
}

pub(super) fn setup_stream() -> StreamId {
    StreamId::new(revaer_domain::setup::STREAM).expect("a word is a stream id")
}

pub(super) fn of_key(decoded: Decoded) -> Option<revaer_domain::api_key::KeyEvent> {
    match decoded {
        Decoded::Key(_, event) => Some(event),
        _ => None,
    }
}

pub(super) fn of_setup(decoded: Decoded) -> Option<revaer_domain::setup::SetupEvent> {
    match decoded {
        Decoded::Setup(event) => Some(event),
        _ => None,
    }
}
