//! The document as JSON: what facts make of it, and in what two of them differ.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::catalogue::{self, Kind, escape, unescape};
use super::check::{check_entry, check_key};
use super::event::{Change, SettingsEvent};
use super::{SecretRef, Settings};

impl Settings {
    /// The document.
    pub fn document(&self) -> Value {
        serde_json::to_value(self).expect("settings are plain values")
    }

    /// Takes a fact in. What this build does not know, or no longer takes, is passed over.
    pub fn apply(&mut self, event: &SettingsEvent) {
        let SettingsEvent::Changed(changed) = event;
        let mut document = self.document();
        for change in &changed.changes {
            put(&mut document, &change.path, &change.new);
        }
        if let Some(settings) = Self::read(document) {
            *self = settings;
        }
    }

    /// A document as plain values; `None` where it does not have the shape.
    pub(super) fn read(document: Value) -> Option<Self> {
        serde_json::from_value(document).ok()
    }

    /// Every secret that the document refers to.
    pub fn secrets(&self) -> BTreeSet<SecretRef> {
        let single = [&self.engine.proxy.password, &self.http.tls.key];
        single.into_iter().flatten().chain(&self.fsops.archive_passwords).copied().collect()
    }

    /// The same document with some values replaced, as by the command line. Values that do not fit are left out.
    #[must_use]
    pub fn overridden(&self, values: &[(&str, Value)]) -> Self {
        let mut document = self.document();
        for (path, value) in values {
            put(&mut document, path, value);
        }
        Self::read(document).unwrap_or_else(|| self.clone())
    }
}

/// Puts a value where a path of a change leads, if it may stand there.
pub(super) fn put(document: &mut Value, path: &str, value: &Value) {
    let mut faults = Vec::new();
    if let Some(key) = catalogue::find(path) {
        check_key(key, value, path, &mut faults);
        if let (Some(place), true) = (document.pointer_mut(path), faults.is_empty()) {
            *place = value.clone();
        }
        return;
    }
    let Some((of, parent, name)) = entry_at(path) else { return };
    let Some(entries) = document.pointer_mut(parent).and_then(Value::as_object_mut) else { return };
    if value.is_null() {
        entries.remove(&name);
        return;
    }
    check_entry(of, &name, value, path, &mut faults);
    if faults.is_empty() {
        entries.insert(name, value.clone());
    }
}

/// What stands where a path of a change leads; null for an entry that is not there.
pub(super) fn get(document: &Value, path: &str) -> Value {
    document.pointer(path).cloned().unwrap_or_default()
}

/// The kind of the entries, the key and the name, where a path leads to an entry.
fn entry_at(path: &str) -> Option<(&'static Kind, &str, String)> {
    let (parent, name) = path.rsplit_once('/')?;
    match catalogue::find(parent)?.kind {
        Kind::Entries { of, .. } => Some((of, parent, unescape(name))),
        _ => None,
    }
}

/// What it takes to come from one document to another: a change for each key, and for each entry of a key that has them.
pub fn differences(old: &Value, new: &Value) -> Vec<Change> {
    let none = Map::new();
    let mut changes = Vec::new();
    let mut compare = |path: String, old: Option<&Value>, new: Option<&Value>| {
        if old != new {
            let value = |value: Option<&Value>| value.cloned().unwrap_or_default();
            changes.push(Change { path, old: value(old), new: value(new) });
        }
    };
    for key in catalogue::keys() {
        let (old, new) = (old.pointer(key.pointer), new.pointer(key.pointer));
        if !matches!(key.kind, Kind::Entries { .. }) {
            compare(key.pointer.to_owned(), old, new);
            continue;
        }
        let entries = |value: Option<&'_ Value>| value.and_then(Value::as_object).unwrap_or(&none).clone();
        let (old, new) = (entries(old), entries(new));
        let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        for name in names {
            compare(format!("{}/{}", key.pointer, escape(name)), old.get(name), new.get(name));
        }
    }
    changes
}
