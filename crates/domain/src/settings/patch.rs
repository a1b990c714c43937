//! A merge patch (RFC 7396) against the catalogue: the changed document, or everything that is wrong with the request.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::catalogue::{self, Effect, Key, Kind, escape};
use super::check::check_key;
use super::command::Patch;
use super::{SecretRef, Settings, rules};

/// The longest pointer that is told: a name in a request may be as long as the request.
const POINTER_BYTES_MAX: usize = 1024;

/// One thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// RFC 6901. Into the request when a patch is refused; into the document otherwise.
    pub pointer: String,
    /// What sort of fault.
    pub code: FaultCode,
    /// What is wrong, as the rest of a sentence that begins with the place.
    pub detail: String,
}

/// What sort of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultCode {
    /// There is no such key.
    Unknown,
    /// The key never changes.
    Immutable,
    /// The key does not take such a value.
    Invalid,
    /// The value contradicts another one.
    Contradiction,
}

impl Fault {
    pub(super) fn new(pointer: &str, code: FaultCode, detail: String) -> Self {
        Self { pointer: pointer.to_owned(), code, detail }
    }

    /// The same fault at the nearest place that a request has, and that is no longer than an answer should repeat.
    #[must_use]
    pub fn within(mut self, request: &Value) -> Self {
        while self.pointer.len() > POINTER_BYTES_MAX || request.pointer(&self.pointer).is_none() {
            let shorter = self.pointer.rfind('/').unwrap_or(0);
            self.pointer.truncate(shorter);
        }
        self
    }
}

/// The settings after a patch.
pub(super) fn merge(settings: &Settings, patch: &Patch) -> Result<Settings, Vec<Fault>> {
    let old = settings.document();
    let mut merging = Merging { old: &old, new: old.clone(), faults: Vec::new() };
    merging.group("", &patch.request);
    let Merging { new, mut faults, .. } = merging;
    let merged = faults.is_empty().then(|| {
        Settings::read(new)
            .expect("every value was checked against the kind of its key, which its type can hold")
    });
    if let Some(merged) = &merged {
        faults = rules::check(merged);
        check_secrets(settings, merged, patch, &mut faults);
    }
    match merged {
        Some(merged) if faults.is_empty() => Ok(merged),
        _ => {
            let mut faults: Vec<_> = faults.into_iter().map(|fault| fault.within(&patch.request)).collect();
            faults.dedup();
            Err(faults)
        }
    }
}

/// A fingerprint that somebody made up stands for nothing.
fn check_secrets(old: &Settings, new: &Settings, patch: &Patch, faults: &mut Vec<Fault>) {
    let known = old.secrets();
    let document = new.document();
    for key in catalogue::keys().filter(|key| key.is_secret()) {
        let value = document.pointer(key.pointer).unwrap_or(&Value::Null);
        let list = value.as_array().map_or_else(|| std::slice::from_ref(value), Vec::as_slice);
        for (index, secret) in list.iter().enumerate() {
            let Ok(secret) = SecretRef::deserialize(secret) else { continue };
            if !known.contains(&secret) && !patch.secrets.contains(&secret) {
                let item = if value.is_array() { format!("/{index}") } else { String::new() };
                let detail = "is the fingerprint of no secret that the settings have".to_owned();
                faults.push(Fault::new(&format!("{}{item}", key.pointer), FaultCode::Invalid, detail));
            }
        }
    }
}

struct Merging<'a> {
    old: &'a Value,
    new: Value,
    faults: Vec<Fault>,
}

impl Merging<'_> {
    /// A section, a group within one, or the whole document.
    fn group(&mut self, at: &str, request: &Value) {
        match request {
            Value::Object(members) => {
                for (name, value) in members {
                    let at = format!("{at}/{}", escape(name));
                    if let Some(key) = catalogue::find(&at) {
                        self.key(key, value);
                    } else if catalogue::is_group(&at) {
                        self.group(&at, value);
                    } else {
                        self.fault(&at, FaultCode::Unknown, "there is no such key");
                    }
                }
            }
            // RFC 7396 removes it; what is removed is as its default says.
            Value::Null if !at.is_empty() => {
                for key in catalogue::keys().filter(|key| catalogue::is_beneath(key.pointer, at)) {
                    self.key(key, &Value::Null);
                }
            }
            _ => self.fault(at, FaultCode::Invalid, "is not an object"),
        }
    }

    fn key(&mut self, key: &Key, request: &Value) {
        let old = self.old.pointer(key.pointer).cloned().unwrap_or_default();
        let value = if request.is_null() { key.default() } else { merged(&key.kind, &old, request) };
        let before = self.faults.len();
        check_key(key, &value, key.pointer, &mut self.faults);
        if self.faults.len() > before {
            return;
        }
        if key.effect == Effect::Immutable && value != old {
            return self.fault(key.pointer, FaultCode::Immutable, "never changes");
        }
        if let Some(place) = self.new.pointer_mut(key.pointer) {
            *place = value;
        }
    }

    fn fault(&mut self, at: &str, code: FaultCode, detail: &str) {
        self.faults.push(Fault::new(at, code, detail.to_owned()));
    }
}

/// A value after a patch: objects are merged, everything else is replaced.
fn merged(kind: &Kind, old: &Value, request: &Value) -> Value {
    match (kind, request) {
        (Kind::Entries { of, .. }, Value::Object(members)) => {
            let mut entries = old.as_object().cloned().unwrap_or_default();
            for (name, member) in members {
                if member.is_null() {
                    entries.remove(name);
                } else {
                    let entry = merged(of, entries.get(name).unwrap_or(&Value::Null), member);
                    entries.insert(name.clone(), entry);
                }
            }
            Value::Object(entries)
        }
        (Kind::Object(keys), Value::Object(members)) => {
            let mut object = Map::new();
            for key in *keys {
                let value = match members.get(key.name()) {
                    Some(Value::Null) => key.default(),
                    Some(member) => merged(&key.kind, &Value::Null, member),
                    None => old.get(key.name()).cloned().unwrap_or_else(|| key.default()),
                };
                object.insert(key.name().to_owned(), value);
            }
            // Unknown members stay, to be told as faults.
            let unknown =
                members.iter().filter(|(name, _)| keys.iter().all(|key| key.name() != name.as_str()));
            object.extend(unknown.map(|(name, member)| (name.clone(), member.clone())));
            Value::Object(object)
        }
        // An array is taken as it is (RFC 7396); an item that leaves something out has the default there.
        (Kind::List { of, .. }, Value::Array(items)) => {
            Value::Array(items.iter().map(|item| merged(of, &Value::Null, item)).collect())
        }
        _ => request.clone(),
    }
}
