//! Every key of the document: what it takes, what it is until it is set, and what a change of it needs to take effect.
//!
//! A key whose default is `null` is one that may be `null`, and no other: so `null` in a merge patch always brings the
//! default back, as RFC 7396 has it, and never means two things.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::Value;

use super::format::Format;
use super::{
    DiskIoSettings, EngineSettings, FsopsSettings, HttpSettings, InstanceSettings, LimitSettings,
    ProxySettings, RateLimitSettings, RetentionSettings, ScheduleSettings, TelemetrySettings, TlsSettings,
    UnauthenticatedRateLimitSettings,
};

/// One key.
#[derive(Debug)]
pub struct Key {
    /// RFC 6901, from the root of the document; within an entry or an item, from its root.
    pub pointer: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// What a change of it needs.
    pub effect: Effect,
    pub(crate) description: &'static str,
    pub(crate) default: fn() -> Value,
}

/// What a value has to be.
#[derive(Debug)]
pub enum Kind {
    /// `true` or `false`.
    Boolean,
    /// A whole number.
    Integer {
        /// The least.
        min: i64,
        /// The most.
        max: i64,
    },
    /// Any number.
    Number {
        /// The least.
        min: f64,
        /// The most.
        max: f64,
    },
    /// A text.
    Text {
        /// Its form.
        format: Format,
        /// The most bytes of UTF-8.
        bytes_max: usize,
    },
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Given as a text; kept encrypted elsewhere, and shown as its fingerprint.
    Secret {
        /// The most bytes of UTF-8.
        bytes_max: usize,
    },
    /// A list, replaced as a whole.
    List {
        /// What each item is.
        of: &'static Kind,
        /// The most items.
        items_max: usize,
    },
    /// Objects by name, merged one by one.
    Entries {
        /// The keys of each.
        of: &'static Kind,
        /// The most entries.
        entries_max: usize,
    },
    /// An object with these keys.
    Object(&'static [Key]),
}

/// What a change of a key needs to take effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: it is in force at once.
    Live,
    /// The next start of the service.
    Restart,
    /// It never changes.
    Immutable,
}

/// The rows of the document, section by section in the order of the documentation.
pub const KEYS: &[&[Key]] = &[
    InstanceSettings::KEYS,
    EngineSettings::KEYS,
    ProxySettings::KEYS,
    DiskIoSettings::KEYS,
    LimitSettings::KEYS,
    ScheduleSettings::KEYS,
    FsopsSettings::KEYS,
    HttpSettings::KEYS,
    TlsSettings::KEYS,
    RateLimitSettings::KEYS,
    UnauthenticatedRateLimitSettings::KEYS,
    RetentionSettings::KEYS,
    TelemetrySettings::KEYS,
];

/// Every key of the document.
pub fn keys() -> impl Iterator<Item = &'static Key> {
    KEYS.iter().copied().flatten()
}

/// The key at a pointer.
pub fn find(pointer: &str) -> Option<&'static Key> {
    static BY_POINTER: LazyLock<BTreeMap<&str, &Key>> =
        LazyLock::new(|| keys().map(|key| (key.pointer, key)).collect());
    BY_POINTER.get(pointer).copied()
}

/// Whether keys lie beneath a pointer that is none itself.
pub(crate) fn is_group(pointer: &str) -> bool {
    keys().any(|key| is_beneath(key.pointer, pointer))
}

/// Whether one pointer leads to something within another.
pub(crate) fn is_beneath(pointer: &str, group: &str) -> bool {
    pointer.strip_prefix(group).is_some_and(|rest| rest.starts_with('/'))
}

/// A name as a part of a pointer (RFC 6901).
pub(crate) fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// A part of a pointer as the name that it stands for.
pub(crate) fn unescape(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

impl Key {
    /// What it is until it is set.
    pub fn default(&self) -> Value {
        (self.default)()
    }

    /// Whether it may be `null`, which then means "none".
    pub fn is_nullable(&self) -> bool {
        self.default().is_null()
    }

    /// Whether its values are kept apart, encrypted.
    pub fn is_secret(&self) -> bool {
        match &self.kind {
            Kind::Secret { .. } => true,
            Kind::List { of, .. } => matches!(of, Kind::Secret { .. }),
            _ => false,
        }
    }

    /// What it does, in whole sentences.
    pub fn description(&self) -> &'static str {
        self.description.trim()
    }

    /// Its own name: the last part of its pointer.
    pub fn name(&self) -> &'static str {
        self.pointer.rsplit('/').next().unwrap_or_default()
    }

    /// The unit that its name ends in, as all names with a unit do.
    pub fn unit(&self) -> Option<&'static str> {
        const UNITS: &[(&str, &str)] = &[
            ("bytes_per_second", "bytes per second"),
            ("requests_per_second", "requests per second"),
            ("connections_per_second_max", "connections per second"),
            ("seconds", "seconds"),
            ("hours", "hours"),
            ("days", "days"),
            ("hertz", "hertz"),
            ("_bytes", "bytes"),
            ("bytes_max", "bytes"),
        ];
        UNITS.iter().find(|(suffix, _)| self.name().ends_with(suffix)).map(|(_, unit)| *unit)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::settings::Settings;

    /// The pointers of everything in a document that is no group.
    fn leaves(at: &str, value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) if at.is_empty() || is_group(at) => {
                for (name, member) in members {
                    leaves(&format!("{at}/{}", escape(name)), member, found);
                }
            }
            _ => {
                found.insert(at.to_owned());
            }
        }
    }

    #[test]
    fn every_key_of_the_document_has_one_row() {
        let document = serde_json::to_value(Settings::default()).expect("plain");
        let mut found = BTreeSet::new();
        leaves("", &document, &mut found);
        let rows: Vec<&str> = keys().map(|key| key.pointer).collect();
        assert_eq!(rows.iter().map(ToString::to_string).collect::<BTreeSet<_>>(), found);
        assert_eq!(rows.len(), found.len(), "a pointer has two rows");
    }

    #[test]
    fn row_and_document_agree_on_the_default() {
        let document = serde_json::to_value(Settings::default()).expect("plain");
        for key in keys() {
            assert_eq!(document.pointer(key.pointer), Some(&key.default()), "{}", key.pointer);
        }
    }

    /// Every key, those of entries and items included.
    fn with_inner() -> Vec<&'static Key> {
        fn inner(kind: &'static Kind) -> &'static [Key] {
            match kind {
                Kind::Object(keys) => keys,
                Kind::List { of, .. } | Kind::Entries { of, .. } => inner(of),
                _ => &[],
            }
        }
        keys().flat_map(|key| std::iter::once(key).chain(inner(&key.kind))).collect()
    }

    #[test]
    fn every_key_says_what_it_does_and_what_null_means() {
        for key in with_inner() {
            assert!(key.description().ends_with('.'), "{}: {}", key.pointer, key.description());
            assert_eq!(key.description().contains("Null:"), key.is_nullable(), "{}", key.pointer);
        }
    }

    #[test]
    fn names_that_end_in_a_unit_have_it() {
        let unit = |pointer| find(pointer).expect("a key").unit();
        assert_eq!(unit("/limits/download_bytes_per_second"), Some("bytes per second"));
        assert_eq!(unit("/http/metainfo_bytes_max"), Some("bytes"));
        assert_eq!(unit("/engine/connections_max"), None);
    }
}
