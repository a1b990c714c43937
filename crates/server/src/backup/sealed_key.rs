//! The server key in a backup, under a passphrase.
//!
//! Whoever has a backup and its server key can try secrets and make keys. So the two are kept apart, or the key goes along sealed:
//! XChaCha20-Poly1305 under what Argon2id (RFC 9106) makes of a passphrase, slowly, since people's passphrases can be guessed.

use std::path::Path;

use anyhow::{Context, bail};
use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use revaer_application::ServerKey;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::exit::Fault;

/// The second recommendation of RFC 9106, section 4, for machines without much memory.
const MEMORY_KIBIBYTES: u32 = 64 << 10;
const PASSES: u32 = 3;
const LANES: u32 = 4;
/// What is read from a file may cost no more than this.
const MEMORY_KIBIBYTES_MAX: u32 = 1 << 20;
const PASSES_MAX: u32 = 16;
const LANES_MAX: u32 = 16;
const SALT_BYTES: usize = 16;
const NONCE_BYTES: usize = 24;
/// A passphrase that is shorter is soon guessed, however slowly each is tried.
const PASSPHRASE_CHARACTERS_MIN: usize = 12;

/// A server key that a passphrase opens.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SealedKey {
    kdf: String,
    memory_kibibytes: u32,
    passes: u32,
    lanes: u32,
    salt: String,
    nonce: String,
    sealed: String,
}

/// The first line of a file.
pub(crate) fn read_passphrase(file: &Path) -> anyhow::Result<Zeroizing<String>> {
    let text = std::fs::read_to_string(file).map(Zeroizing::new);
    let text = text.with_context(|| format!("cannot read the passphrase in {}", file.display()))?;
    let passphrase = Zeroizing::new(text.lines().next().unwrap_or_default().to_owned());
    if passphrase.chars().count() < PASSPHRASE_CHARACTERS_MIN {
        return Err(Fault::Usage(format!(
            "--passphrase-file {}: its first line needs {PASSPHRASE_CHARACTERS_MIN} characters or more",
            file.display()
        ))
        .into());
    }
    Ok(passphrase)
}

impl SealedKey {
    /// Seals a key; takes a moment, on purpose.
    pub(crate) fn seal(key: &ServerKey, passphrase: &str) -> anyhow::Result<Self> {
        let (mut salt, mut nonce) = ([0; SALT_BYTES], [0; NONCE_BYTES]);
        getrandom::fill(&mut salt).context("the system gives no randomness")?;
        getrandom::fill(&mut nonce).context("the system gives no randomness")?;
        let mut form = Self {
            kdf: "argon2id".to_owned(),
            memory_kibibytes: MEMORY_KIBIBYTES,
            passes: PASSES,
            lanes: LANES,
            salt: hex::encode(salt),
            nonce: hex::encode(nonce),
            sealed: String::new(),
        };
        let sealed = form.cipher(passphrase)?.encrypt(&XNonce::from(nonce), key.bytes().as_slice());
        form.sealed = hex::encode(sealed.expect("32 bytes are far fewer than one nonce may encrypt"));
        Ok(form)
    }

    /// The key; a wrong passphrase is told from a damaged file as little as it can be.
    pub(crate) fn open(&self, passphrase: &str) -> anyhow::Result<ServerKey> {
        let mut nonce = [0; NONCE_BYTES];
        hex::decode_to_slice(&self.nonce, &mut nonce).context("the sealed server key is damaged")?;
        let sealed = hex::decode(&self.sealed).context("the sealed server key is damaged")?;
        let opened = self.cipher(passphrase)?.decrypt(&XNonce::from(nonce), sealed.as_slice());
        let Some(opened) = opened.ok().map(Zeroizing::new) else {
            return Err(Fault::Usage(
                "the passphrase does not open the server key of this backup".to_owned(),
            )
            .into());
        };
        let bytes = <[u8; 32]>::try_from(opened.as_slice()).context("the sealed server key is damaged")?;
        Ok(ServerKey::new(bytes))
    }

    fn cipher(&self, passphrase: &str) -> anyhow::Result<XChaCha20Poly1305> {
        let costs_too_much = self.memory_kibibytes > MEMORY_KIBIBYTES_MAX
            || self.passes > PASSES_MAX
            || self.lanes > LANES_MAX;
        if self.kdf != "argon2id" || costs_too_much {
            bail!("the server key is sealed in a way that this build does not open");
        }
        let cannot = |error: argon2::Error| anyhow::anyhow!("the sealed server key is damaged: {error}");
        let params = Params::new(self.memory_kibibytes, self.passes, self.lanes, Some(32)).map_err(cannot)?;
        let salt = hex::decode(&self.salt).context("the sealed server key is damaged")?;
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.as_bytes(), &salt, key.as_mut_slice())
            .map_err(cannot)?;
        Ok(XChaCha20Poly1305::new((&*key).into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_is_opened_by_its_passphrase_alone() {
        let key = ServerKey::new([9; 32]);
        let sealed = SealedKey::seal(&key, "correct horse battery").unwrap();
        let written = serde_json::to_string(&sealed).unwrap();
        assert!(!written.contains(&hex::encode(key.bytes())));
        let read: SealedKey = serde_json::from_str(&written).unwrap();
        assert_eq!(read.open("correct horse battery").unwrap().bytes(), key.bytes());
        assert!(read.open("correct horse battery ").is_err());
    }

    #[test]
    fn file_cannot_ask_for_any_amount_of_memory() {
        let sealed = SealedKey::seal(&ServerKey::new([9; 32]), "correct horse battery").unwrap();
        let greedy = SealedKey { memory_kibibytes: u32::MAX, ..sealed };
        assert!(greedy.open("correct horse battery").is_err());
    }

    #[test]
    fn short_passphrase_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("passphrase");
        std::fs::write(&file, "short\n").unwrap();
        assert!(read_passphrase(&file).is_err());
        std::fs::write(&file, "long enough this time\nand more\n").unwrap();
        assert_eq!(read_passphrase(&file).unwrap().as_str(), "long enough this time");
    }
}
