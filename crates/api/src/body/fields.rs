//! A JSON object, member by member. Whatever fails is noted with its RFC 6901 pointer, and reading goes on.
//!
//! Members stay raw until they are asked for: a hostile body of many megabytes is not blown up into a tree of values.

use std::collections::BTreeMap;
use std::fmt;

use revaer_wire::{FieldProblem, codes};
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::parameter::FAULTS_MAX;
use crate::problem::Refusal;

/// Members of one object: several times what any body has.
const MEMBERS_MAX: usize = 128;
/// The longest name of a member that an answer repeats.
const NAME_BYTES_MAX: usize = 256;

/// What is wrong with a body.
#[derive(Default)]
pub(crate) struct Faults(Vec<FieldProblem>);

impl Faults {
    /// Notes a fault.
    pub(crate) fn note(&mut self, pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) {
        self.push(FieldProblem::at(pointer, code, detail));
    }

    /// Notes a fault that was described elsewhere.
    pub(crate) fn push(&mut self, fault: FieldProblem) {
        if self.0.len() < FAULTS_MAX {
            self.0.push(fault);
        }
    }

    /// The value, if nothing failed.
    pub(crate) fn settle<T>(self, value: Option<T>) -> Result<T, Refusal> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(Refusal::Fields(self.0)),
        }
    }
}

/// The members of an object that were not taken yet.
pub(crate) struct Fields<'a> {
    at: String,
    members: BTreeMap<String, &'a RawValue>,
}

/// A value that a member may have.
pub(crate) trait Field: Sized {
    /// Reads it; what fails is noted.
    fn read(raw: &RawValue, at: &str, faults: &mut Faults) -> Option<Self>;
}

impl<'a> Fields<'a> {
    /// The members of a body. `at` is the pointer to the object itself.
    pub(crate) fn of_body(body: &'a [u8], at: &str) -> Result<Self, Refusal> {
        let members: Members<'a> =
            serde_json::from_slice(body).map_err(|error| Refusal::MalformedBody(error.to_string()))?;
        Ok(Self { at: at.to_owned(), members: members.0 })
    }

    /// No members at all.
    pub(crate) fn none(at: &str) -> Self {
        Self { at: at.to_owned(), members: BTreeMap::new() }
    }

    /// Where a member is.
    pub(crate) fn pointer(&self, name: &str) -> String {
        pointer(&self.at, name)
    }

    /// Whether a member is there that was not taken yet.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.members.get(name).is_some_and(|raw| raw.get() != "null")
    }

    /// Takes a member; absent and `null` are the same.
    pub(crate) fn take<T: Field>(&mut self, name: &str, faults: &mut Faults) -> Option<T> {
        let raw = self.members.remove(name).filter(|raw| raw.get() != "null")?;
        T::read(raw, &self.pointer(name), faults)
    }

    /// Takes a member that was judged elsewhere.
    pub(crate) fn discard(&mut self, name: &str) {
        self.members.remove(name);
    }

    /// Takes a member and makes a value of it that has rules of its own.
    pub(crate) fn take_as<T: Field, V, E: fmt::Display>(
        &mut self,
        name: &str,
        faults: &mut Faults,
        parse: impl FnOnce(T) -> Result<V, E>,
    ) -> Option<V> {
        let pointer = self.pointer(name);
        parse(self.take(name, faults)?)
            .map_err(|error| faults.note(pointer, codes::INVALID, error.to_string()))
            .ok()
    }

    /// Takes a list and makes a value of each of its texts.
    pub(crate) fn take_each<V, E: fmt::Display>(
        &mut self,
        name: &str,
        items_max: usize,
        faults: &mut Faults,
        parse: impl Fn(&str) -> Result<V, E>,
    ) -> Vec<V> {
        let pointer = self.pointer(name);
        let texts: Vec<Option<String>> = self.take(name, faults).unwrap_or_default();
        if texts.len() > items_max {
            faults.note(pointer, codes::INVALID, format!("has more than {items_max} items"));
            return Vec::new();
        }
        let parsed = texts.iter().enumerate().filter_map(|(index, text)| {
            parse(text.as_deref()?)
                .map_err(|error| faults.note(format!("{pointer}/{index}"), codes::INVALID, error.to_string()))
                .ok()
        });
        parsed.collect()
    }

    /// Refuses every member that is left.
    pub(crate) fn finish(self, faults: &mut Faults) {
        for name in self.members.keys() {
            faults.note(self.pointer(name), codes::INVALID, "is not a field of this body");
        }
    }
}

impl Field for bool {
    fn read(raw: &RawValue, at: &str, faults: &mut Faults) -> Option<Self> {
        typed(raw, at, "true or false", faults)
    }
}

impl Field for String {
    fn read(raw: &RawValue, at: &str, faults: &mut Faults) -> Option<Self> {
        typed(raw, at, "a string", faults)
    }
}

impl Field for u64 {
    fn read(raw: &RawValue, at: &str, faults: &mut Faults) -> Option<Self> {
        typed(raw, at, "a whole number, zero or more", faults)
    }
}

impl Field for f64 {
    fn read(raw: &RawValue, at: &str, faults: &mut Faults) -> Option<Self> {
        typed(raw, at, "a number", faults)
    }
}

/// An item that fails stays as a gap, so that those behind it keep their places.
impl<T: Field> Field for Vec<Option<T>> {
    fn read(raw: &RawValue, at: &str, faults: &mut Faults) -> Option<Self> {
        let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(raw.get()) else {
            faults.note(at, codes::MALFORMED, "has to be a list");
            return None;
        };
        let items = items.iter().enumerate();
        Some(items.map(|(index, item)| T::read(item, &format!("{at}/{index}"), faults)).collect())
    }
}

/// The pointer (RFC 6901) of a member. A name that nobody gives a field is not repeated at length: the object that it is in has
/// to do, or a large body would get an answer as large.
pub(super) fn pointer(at: &str, name: &str) -> String {
    if name.len() > NAME_BYTES_MAX {
        return at.to_owned();
    }
    format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// An object inside a body, at its place.
pub(crate) fn nested<'a>(raw: &'a RawValue, at: &str, faults: &mut Faults) -> Option<Fields<'a>> {
    match serde_json::from_str::<Members<'a>>(raw.get()) {
        Ok(members) => Some(Fields { at: at.to_owned(), members: members.0 }),
        Err(error) => {
            faults.note(at, codes::MALFORMED, format!("has to be an object: {error}"));
            None
        }
    }
}

fn typed<'a, T: Deserialize<'a>>(
    raw: &'a RawValue,
    at: &str,
    expected: &str,
    faults: &mut Faults,
) -> Option<T> {
    serde_json::from_str(raw.get())
        .map_err(|_| faults.note(at, codes::MALFORMED, format!("has to be {expected}")))
        .ok()
}

/// A name for the eyes of whoever sent it, at a length that can be read.
fn shown(name: &str) -> String {
    if name.len() > NAME_BYTES_MAX { "a long name".to_owned() } else { format!("`{}`", name.escape_debug()) }
}

struct Members<'a>(BTreeMap<String, &'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = BTreeMap::new();
                while let Some(name) = map.next_key::<String>()? {
                    // Two parsers may take different ones of two members with one name: neither is safe to take.
                    if members.contains_key(&name) {
                        return Err(A::Error::custom(format_args!("{} comes twice", shown(&name))));
                    }
                    if members.len() == MEMBERS_MAX {
                        return Err(A::Error::custom(format_args!("more than {MEMBERS_MAX} members")));
                    }
                    members.insert(name, map.next_value()?);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pointers(faults: Faults) -> Vec<String> {
        let Err(Refusal::Fields(fields)) = faults.settle(None::<()>) else { panic!("nothing failed") };
        fields.into_iter().filter_map(|field| field.pointer).collect()
    }

    #[test]
    fn every_fault_is_named_with_its_pointer() {
        let body = br#"{"a": 1, "b": ["x", 2, null], "c~/d": true, "e": 1.5, "n": null}"#;
        let mut faults = Faults::default();
        let mut fields = Fields::of_body(body, "").expect("an object");
        assert_eq!(fields.take::<bool>("a", &mut faults), None);
        assert_eq!(
            fields.take::<Vec<Option<String>>>("b", &mut faults),
            Some(vec![Some("x".to_owned()), None, None])
        );
        assert_eq!(fields.take::<u64>("e", &mut faults), None);
        assert_eq!(fields.take::<u64>("n", &mut faults), None);
        fields.finish(&mut faults);
        assert_eq!(pointers(faults), ["/a", "/b/1", "/b/2", "/e", "/c~0~1d"]);
    }

    #[test]
    fn members_that_come_twice_are_refused() {
        assert!(Fields::of_body(br#"{"a": 1, "a": 2}"#, "").is_err());
        assert!(Fields::of_body(b"[]", "").is_err());
        assert!(Fields::of_body(b"", "").is_err());
    }
}
