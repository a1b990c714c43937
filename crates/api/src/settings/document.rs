//! The document's schema, made from the catalogue: what a patch takes, and what an answer shows.

use std::borrow::Cow;

use poem_openapi::registry::{MetaSchema, MetaSchemaRef, Registry};
use poem_openapi::types::Type;
use revaer_domain::settings::Format;
use revaer_domain::settings::catalogue::{self, Effect, Key, Kind};
use serde_json::Value;

/// The body of a patch, as the OpenAPI document names it.
pub(crate) struct SettingsPatch;

impl Type for SettingsPatch {
    const IS_REQUIRED: bool = true;
    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        "SettingsPatch".into()
    }

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Reference(Self::name().into_owned())
    }

    fn register(registry: &mut Registry) {
        registry.schemas.entry(Self::name().into_owned()).or_insert_with(|| group("", Side::Request));
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

/// Puts the document's schema where answers have it, and that of a patch in place of what was made of it since.
pub(crate) fn describe(registry: &mut Registry) {
    if let Some(answer) = registry.schemas.get_mut("SettingsAnswer") {
        let settings = answer.properties.iter_mut().find(|(name, _)| *name == "settings");
        if let Some((_, schema)) = settings {
            *schema = MetaSchemaRef::Inline(Box::new(group("", Side::Answer)));
        }
    }
    if let Some(patch) = registry.schemas.get_mut(SettingsPatch::name().as_ref()) {
        *patch = group("", Side::Request);
    }
}

/// A request may leave everything out and says secrets; an answer has everything and shows fingerprints.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Request,
    Answer,
}

/// What a group holds directly: its keys, and its own groups by their first keys.
fn group(at: &'static str, side: Side) -> MetaSchema {
    let mut schema = MetaSchema::new("object");
    for key in catalogue::keys() {
        let Some(rest) = key.pointer.strip_prefix(at).and_then(|rest| rest.strip_prefix('/')) else {
            continue;
        };
        let name = rest.split('/').next().unwrap_or(rest);
        if schema.properties.iter().any(|(known, _)| *known == name) {
            continue;
        }
        let property = if name == rest {
            of_key(key, side)
        } else {
            let end = key.pointer.len() - rest.len() + name.len();
            group(&key.pointer[..end], side)
        };
        schema.properties.push((name, MetaSchemaRef::Inline(Box::new(property))));
        if side == Side::Answer {
            schema.required.push(name);
        }
    }
    schema.nullable = side == Side::Request && !at.is_empty();
    schema
}

fn of_key(key: &Key, side: Side) -> MetaSchema {
    let mut schema = of_kind(&key.kind, side);
    schema.description = Some(key.description());
    // In a patch `null` brings the default back, whatever the key takes.
    schema.nullable = key.is_nullable() || side == Side::Request;
    schema.read_only = key.effect == Effect::Immutable;
    schema.default = Some(key.default()).filter(|default| !default.is_null());
    if !schema.enum_items.is_empty() && schema.nullable {
        schema.enum_items.push(Value::Null);
    }
    schema
}

fn of_kind(kind: &Kind, side: Side) -> MetaSchema {
    match kind {
        Kind::Boolean => MetaSchema::new("boolean"),
        Kind::Integer { min, max } => MetaSchema {
            minimum: Some(float(*min)),
            maximum: Some(float(*max)),
            ..MetaSchema::new_with_format("integer", "int64")
        },
        Kind::Number { min, max } => MetaSchema {
            minimum: Some(*min),
            maximum: Some(*max),
            ..MetaSchema::new_with_format("number", "double")
        },
        Kind::Text { format, bytes_max } => MetaSchema {
            max_length: Some(*bytes_max),
            pattern: pattern(*format).map(str::to_owned),
            ..MetaSchema::new("string")
        },
        Kind::Choice(words) => MetaSchema {
            enum_items: words.iter().map(|&word| word.into()).collect(),
            ..MetaSchema::new("string")
        },
        Kind::Secret { bytes_max } => secret(*bytes_max, side),
        Kind::List { of, items_max } => MetaSchema {
            items: Some(Box::new(MetaSchemaRef::Inline(Box::new(of_kind(of, side))))),
            max_items: Some(*items_max),
            ..MetaSchema::new("array")
        },
        Kind::Entries { of, entries_max } => {
            let mut entry = of_kind(of, side);
            entry.nullable = side == Side::Request;
            MetaSchema {
                additional_properties: Some(Box::new(MetaSchemaRef::Inline(Box::new(entry)))),
                max_properties: Some(*entries_max),
                ..MetaSchema::new("object")
            }
        }
        Kind::Object(keys) => MetaSchema {
            properties: keys
                .iter()
                .map(|key| (key.name(), MetaSchemaRef::Inline(Box::new(of_key(key, side)))))
                .collect(),
            required: keys.iter().filter(|_| side == Side::Answer).map(Key::name).collect(),
            ..MetaSchema::new("object")
        },
    }
}

fn secret(bytes_max: usize, side: Side) -> MetaSchema {
    let fingerprint = MetaSchema { pattern: Some("^[0-9a-f]{16}$".to_owned()), ..MetaSchema::new("string") };
    let shown = MetaSchema {
        properties: vec![("fingerprint", MetaSchemaRef::Inline(Box::new(fingerprint)))],
        required: vec!["fingerprint"],
        ..MetaSchema::new("object")
    };
    if side == Side::Answer {
        return shown;
    }
    let given = MetaSchema { min_length: Some(1), max_length: Some(bytes_max), ..MetaSchema::new("string") };
    let either = [given, shown].map(|schema| MetaSchemaRef::Inline(Box::new(schema)));
    MetaSchema { any_of: either.into(), ..MetaSchema::ANY }
}

/// The forms that a pattern can tell; the others are said in words.
const fn pattern(format: Format) -> Option<&'static str> {
    match format {
        Format::Path => Some("^/"),
        Format::ClockTime => Some("^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$"),
        Format::Mode => Some("^[0-7]{3,4}$"),
        Format::Ulid => Some("^[0-9A-HJKMNP-TV-Z]{26}$"),
        _ => None,
    }
}

#[expect(clippy::cast_precision_loss, reason = "the bounds are far below 2^53")]
fn float(number: i64) -> f64 {
    number as f64
}
