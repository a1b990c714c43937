//! The keys that this build of the client knows, for completion and for what a word is taken as.
//!
//! `settings.json` is generated from the service's catalogue, and a test of the service holds it. The service judges: a key
//! that it knows and this client does not can be set all the same.

use std::sync::LazyLock;

use serde::Deserialize;

/// One key.
#[derive(Debug, Deserialize)]
pub(super) struct Key {
    /// With dots.
    pub(super) name: String,
    /// What it does, in one sentence.
    pub(super) summary: String,
    /// Whether its values are texts, which need no quotes on the command line.
    pub(super) is_text: bool,
    /// The words that it takes, if it takes certain words alone.
    #[serde(default)]
    pub(super) words: Vec<String>,
}

static KEYS: LazyLock<Vec<Key>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("settings.json")).expect("the service generates the list of keys")
});

/// Every key.
pub(super) fn keys() -> &'static [Key] {
    &KEYS
}

/// The key of a name.
pub(super) fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// Whether a name is that of a key, and not of a section.
pub(super) fn is_key(name: &str) -> bool {
    find(name).is_some()
}
