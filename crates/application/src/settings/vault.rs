//! Secrets of the settings: taken out of a request before anything else sees it, and kept encrypted.
//!
//! The document, facts, answers and logs know a secret by its keyed fingerprint. Only who applies it asks for it here. The
//! row commits before the fact that names it.

use std::collections::BTreeMap;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use revaer_domain::settings::SecretRef;
use revaer_domain::settings::catalogue::{self, Kind};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::access::random;
use crate::dispatch::read_failed;
use crate::{Application, CommandError, ServerKey};

/// What the key of the encryption is made for.
const PURPOSE: &str = "revaer settings secrets v1";
const NONCE_BYTES: usize = 24;

/// A request without its secrets, and the secrets.
#[derive(Default)]
pub(super) struct Concealed {
    pub(super) request: Value,
    pub(super) secrets: BTreeMap<SecretRef, Zeroizing<String>>,
}

/// Takes every secret that a patch gives out of it. One that breaks its bounds stays, for the rules to refuse the patch.
pub(super) fn conceal(mut request: Value, key: &ServerKey) -> Concealed {
    let mut secrets = BTreeMap::new();
    for (pointer, bytes_max) in secret_keys() {
        let Some(value) = request.pointer_mut(pointer) else { continue };
        let places = match value {
            Value::Array(items) => items.as_mut_slice(),
            value => std::slice::from_mut(value),
        };
        for place in places {
            let Some(secret) = place.as_str().filter(|text| (1..=bytes_max).contains(&text.len())) else {
                continue;
            };
            let secret = Zeroizing::new(secret.to_owned());
            let shown = SecretRef { fingerprint: key.fingerprint(secret.as_bytes()) };
            *place = serde_json::to_value(shown).expect("a fingerprint is a plain value");
            secrets.insert(shown, secret);
        }
    }
    Concealed { request, secrets }
}

/// Where secrets stand, and how long they may be.
fn secret_keys() -> impl Iterator<Item = (&'static str, usize)> {
    catalogue::keys().filter_map(|key| match key.kind {
        Kind::Secret { bytes_max } | Kind::List { of: &Kind::Secret { bytes_max }, .. } => {
            Some((key.pointer, bytes_max))
        }
        _ => None,
    })
}

impl Application {
    /// A secret of the settings; `None` when no row has it, or it was sealed under another key.
    pub async fn secret(&self, of: SecretRef) -> Result<Option<Zeroizing<String>>, CommandError> {
        let sealed: Option<Vec<u8>> = sqlx::query_scalar("SELECT sealed FROM secrets WHERE fingerprint = $1")
            .bind(of.fingerprint.to_string())
            .fetch_optional(self.log().pool())
            .await
            .map_err(|error| read_failed(error.into()))?;
        let opened = sealed.and_then(|sealed| open(self.server_key(), of, &sealed));
        if opened.is_none() {
            tracing::warn!(fingerprint = %of.fingerprint, "a secret of the settings cannot be read");
        }
        Ok(opened)
    }

    /// Keeps secrets. One that is kept already stays as it is.
    pub(super) async fn keep_secrets(
        &self,
        secrets: &BTreeMap<SecretRef, Zeroizing<String>>,
    ) -> Result<(), CommandError> {
        for (of, secret) in secrets {
            sqlx::query(include_str!("../sql/put_secret.sql"))
                .bind(of.fingerprint.to_string())
                .bind(seal(self.server_key(), *of, secret))
                .execute(self.log().pool())
                .await
                .map_err(|error| read_failed(error.into()))?;
        }
        Ok(())
    }

    pub(crate) fn server_key(&self) -> &ServerKey {
        &self.inner.parts.server_key
    }
}

fn cipher(key: &ServerKey) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&key.derive(PURPOSE).into())
}

/// Encrypts a secret, for the row of its fingerprint.
pub(crate) fn seal(key: &ServerKey, of: SecretRef, secret: &str) -> Vec<u8> {
    // Drawn for every sealing: 192 bits never repeat by chance.
    let mut nonce = [0; NONCE_BYTES];
    nonce.copy_from_slice(&random()[..NONCE_BYTES]);
    let aad = of.fingerprint.to_string();
    let payload = Payload { msg: secret.as_bytes(), aad: aad.as_bytes() };
    let sealed = cipher(key)
        .encrypt(&XNonce::from(nonce), payload)
        .expect("a secret is far shorter than what one nonce may encrypt");
    [&nonce[..], &sealed].concat()
}

/// What was encrypted; nothing, if it is another row's or was sealed under another key.
pub(crate) fn open(key: &ServerKey, of: SecretRef, sealed: &[u8]) -> Option<Zeroizing<String>> {
    let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>()?;
    let aad = of.fingerprint.to_string();
    let payload = Payload { msg: sealed, aad: aad.as_bytes() };
    let secret = cipher(key).decrypt(&XNonce::from(*nonce), payload).ok()?;
    String::from_utf8(secret).ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secret_is_read_with_its_key_and_under_its_fingerprint_alone() {
        let (key, other) = (ServerKey::new([1; 32]), ServerKey::new([2; 32]));
        let of = |secret: &str| SecretRef { fingerprint: key.fingerprint(secret.as_bytes()) };
        let sealed = seal(&key, of("open sesame"), "open sesame");
        assert_eq!(
            open(&key, of("open sesame"), &sealed).as_deref().map(String::as_str),
            Some("open sesame")
        );
        assert!(open(&other, of("open sesame"), &sealed).is_none());
        assert!(open(&key, of("another"), &sealed).is_none(), "a row is no other row's");
        assert!(open(&key, of("open sesame"), &sealed[..30]).is_none());
        assert_ne!(sealed, seal(&key, of("open sesame"), "open sesame"));
    }

    #[test]
    fn secrets_are_taken_out_of_a_request_wherever_they_stand() {
        let request = json!({
            "engine": {"proxy": {"password": "p1", "host": "h"}},
            "fsops": {"archive_passwords": ["p2", {"fingerprint": "0123456789abcdef"}, "p1", 7]},
            "http": {"tls": {"key": "x".repeat(20_000)}},
        });
        let concealed = conceal(request, &ServerKey::new([1; 32]));
        assert_eq!(concealed.secrets.len(), 2, "the same secret is one");
        let text = concealed.request.to_string();
        assert!(!text.contains("p1") && !text.contains("p2"));
        assert!(text.contains("xxxx"), "what is too long is left to be refused");
        assert_eq!(concealed.request["engine"]["proxy"]["host"], "h");
        assert_eq!(concealed.request["fsops"]["archive_passwords"][3], 7);
    }
}
