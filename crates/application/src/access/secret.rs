//! Secrets as clients write them: `rvk_<key id>_<43 characters>` for a key, `rvs_<43 characters>` for the setup.
//!
//! The prefix lets scanners for leaked secrets find them, and the id finds the key without trying all of them.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use revaer_domain::values::KeyId;

use super::server_key::random;

const KEY_PREFIX: &str = "rvk_";
const TOKEN_PREFIX: &str = "rvs_";
/// 256 bits in base 64 without padding.
const RANDOM_CHARS: usize = 43;
/// Bounds of a token that somebody else made: at least 128 bits, whatever they are written in.
const TOKEN_BYTES_MIN: usize = 22;
const TOKEN_BYTES_MAX: usize = 512;

/// A secret in full. It is shown once, by whoever asks for the text, and by nothing else.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A new secret of a key.
    pub(super) fn of_key(id: KeyId) -> Self {
        Self(format!("{KEY_PREFIX}{id}_{}", BASE64_URL_SAFE_NO_PAD.encode(random())))
    }

    /// A new token of the setup.
    pub(super) fn of_setup() -> Self {
        Self(format!("{TOKEN_PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(random())))
    }

    /// The text.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The key that a text says it is a secret of.
pub(super) fn key_of(presented: &str) -> Option<KeyId> {
    let (id, random) = presented.strip_prefix(KEY_PREFIX)?.split_once('_')?;
    (random.len() == RANDOM_CHARS).then(|| id.parse().ok())?
}

/// A token that whoever starts the service chose, for a setup without anybody there.
#[derive(Clone)]
pub struct SetupToken(Secret);

/// The text is too short to be hard to guess, too long, or not plain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a setup token: expected {TOKEN_BYTES_MIN} to {TOKEN_BYTES_MAX} visible ASCII characters, of 128 random bits at least"
)]
pub struct InvalidSetupToken;

impl SetupToken {
    /// Reads it; blanks and line breaks around it are left out, since it comes from a file.
    pub fn read(text: &str) -> Result<Self, InvalidSetupToken> {
        let text = text.trim();
        let fits = (TOKEN_BYTES_MIN..=TOKEN_BYTES_MAX).contains(&text.len());
        let plain = text.bytes().all(|byte| byte.is_ascii_graphic());
        if fits && plain { Ok(Self(Secret(text.to_owned()))) } else { Err(InvalidSetupToken) }
    }

    pub(super) fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl fmt::Debug for SetupToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SetupToken(…)")
    }
}

#[cfg(test)]
mod tests {
    use ulid::Ulid;

    use super::*;

    #[test]
    fn secret_names_its_key_and_is_not_shown() {
        let id = KeyId::new(Ulid(7));
        let (secret, other) = (Secret::of_key(id), Secret::of_key(id));
        assert_eq!(key_of(secret.expose()), Some(id));
        assert_ne!(secret, other);
        assert_eq!(secret.expose().len(), 4 + 26 + 1 + RANDOM_CHARS);
        assert_eq!(format!("{secret:?}"), "Secret(…)");
    }

    #[test]
    fn text_of_another_form_names_no_key() {
        let secret = Secret::of_key(KeyId::new(Ulid(7)));
        let text = secret.expose();
        for text in
            ["", "rvk_", &text[1..], &text[..text.len() - 1], &format!("{text}a"), &text.replace('0', "u")]
        {
            assert_eq!(key_of(text), None, "{text}");
        }
        assert_eq!(key_of(Secret::of_setup().expose()), None);
    }

    #[test]
    fn token_from_a_file_has_to_be_hard_to_guess() {
        assert!(SetupToken::read(&format!("{}\n", "a".repeat(TOKEN_BYTES_MIN))).is_ok());
        for text in ["", "secret", &"a".repeat(TOKEN_BYTES_MIN - 1), &"a ".repeat(20), &"a".repeat(600)] {
            assert!(SetupToken::read(text).is_err(), "{text}");
        }
    }
}
