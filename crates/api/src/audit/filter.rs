//! What the audit can be asked for.

use poem_openapi::registry::MetaSchema;
use revaer_event_log::Position;
use revaer_event_schema::KINDS;
use revaer_wire::codes;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::parameter::{Fault, Value, time_schema};
use crate::pattern::Patterns;

/// Kinds of facts. Patterns become names here, since names are found by an index and patterns are not.
pub(super) struct Kinds(pub(super) Vec<String>);

impl Value for Kinds {
    fn read(text: &str) -> Result<Self, Fault> {
        let patterns = Patterns::read(text)?;
        let kinds: Vec<_> =
            KINDS.into_iter().filter(|kind| patterns.match_kind(kind)).map(str::to_owned).collect();
        if kinds.is_empty() {
            return Err((codes::INVALID, "matches no kind that there is".to_owned()));
        }
        Ok(Self(kinds))
    }

    fn schema() -> MetaSchema {
        MetaSchema { example: Some("settings.*,torrent.added".into()), ..MetaSchema::new("string") }
    }
}

/// A moment.
pub(super) struct Time(pub(super) OffsetDateTime);

impl Value for Time {
    fn read(text: &str) -> Result<Self, Fault> {
        let time = OffsetDateTime::parse(text, &Rfc3339);
        time.map(Self).map_err(|_| (codes::MALFORMED, "is not an RFC 3339 time".to_owned()))
    }

    fn schema() -> MetaSchema {
        time_schema()
    }
}

/// The position below which a page begins. Clients take it as opaque.
pub(super) struct Cursor(pub(super) Position);

impl Value for Cursor {
    fn read(text: &str) -> Result<Self, Fault> {
        let position = text.parse().map(Self);
        position.map_err(|_| (codes::MALFORMED, "is not a cursor of the audit".to_owned()))
    }

    fn schema() -> MetaSchema {
        MetaSchema { pattern: Some("^[0-9]{1,18}$".to_owned()), ..MetaSchema::new("string") }
    }
}
