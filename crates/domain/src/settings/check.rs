//! A value against the kind of its key: every fault is told, with its place.

use serde::Deserialize;
use serde_json::Value;

use super::catalogue::{Key, Kind, escape};
use super::limits::NAME_BYTES_MAX;
use super::patch::{Fault, FaultCode};
use super::secret::SecretRef;
use crate::settings::Format;

/// Checks what stands at a key; `null` is right where the default is.
pub(super) fn check_key(key: &Key, value: &Value, at: &str, faults: &mut Vec<Fault>) {
    if !(value.is_null() && key.is_nullable()) {
        check(&key.kind, value, at, faults);
    }
}

/// Checks a value that is not `null` by right.
pub(super) fn check(kind: &Kind, value: &Value, at: &str, faults: &mut Vec<Fault>) {
    let mut fault = |detail: String| faults.push(Fault::new(at, FaultCode::Invalid, detail));
    match kind {
        Kind::Boolean if value.is_boolean() => {}
        Kind::Boolean => fault("is not true or false".to_owned()),
        Kind::Integer { min, max } => match value.as_i64() {
            Some(number) if (*min..=*max).contains(&number) => {}
            _ => fault(format!("is not a whole number from {min} to {max}")),
        },
        Kind::Number { min, max } => match value.as_f64() {
            Some(number) if (*min..=*max).contains(&number) => {}
            _ => fault(format!("is not a number from {min} to {max}")),
        },
        Kind::Text { format, bytes_max } => match value.as_str() {
            Some(text) if text.len() > *bytes_max => fault(format!("is longer than {bytes_max} bytes")),
            Some(text) if format.fits(text) => {}
            _ => fault(format!("is not {}", format.words())),
        },
        Kind::Choice(words) if value.as_str().is_some_and(|word| words.contains(&word)) => {}
        Kind::Choice(words) => fault(format!("is none of {}", words.join(", "))),
        Kind::Secret { .. } => {
            if SecretRef::deserialize(value).is_err() {
                fault("is neither a secret nor the fingerprint of one".to_owned());
            }
        }
        Kind::List { of, items_max } => match value.as_array() {
            None => fault("is not a list".to_owned()),
            Some(items) if items.len() > *items_max => fault(format!("has more than {items_max} items")),
            Some(items) => {
                for (index, item) in items.iter().enumerate() {
                    check(of, item, &format!("{at}/{index}"), faults);
                }
            }
        },
        Kind::Entries { of, entries_max } => match value.as_object() {
            None => fault("is not an object of names".to_owned()),
            Some(entries) if entries.len() > *entries_max => {
                fault(format!("has more than {entries_max} entries"));
            }
            Some(entries) => {
                for (name, entry) in entries {
                    check_entry(of, name, entry, &format!("{at}/{}", escape(name)), faults);
                }
            }
        },
        Kind::Object(keys) => check_object(keys, value, at, faults),
    }
}

/// Checks an entry with its name, which follows the rule of labels.
pub(super) fn check_entry(of: &Kind, name: &str, entry: &Value, at: &str, faults: &mut Vec<Fault>) {
    if name.len() > NAME_BYTES_MAX || !Format::Label.fits(name) {
        let detail = format!("its name is not {}, of at most {NAME_BYTES_MAX} bytes", Format::Label.words());
        faults.push(Fault::new(at, FaultCode::Invalid, detail));
    }
    check(of, entry, at, faults);
}

/// Checks the members of an object; what is missing is as its default says.
fn check_object(keys: &[Key], value: &Value, at: &str, faults: &mut Vec<Fault>) {
    let Some(members) = value.as_object() else {
        return faults.push(Fault::new(at, FaultCode::Invalid, "is not an object".to_owned()));
    };
    for (name, member) in members {
        let at = format!("{at}/{}", escape(name));
        match keys.iter().find(|key| key.name() == name) {
            Some(key) => check_key(key, member, &at, faults),
            None => faults.push(Fault::new(&at, FaultCode::Unknown, "there is no such key".to_owned())),
        }
    }
    for key in keys {
        if !members.contains_key(key.name()) {
            check_key(key, &key.default(), &format!("{at}{}", key.pointer), faults);
        }
    }
}
