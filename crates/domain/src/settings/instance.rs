//! What this instance is called.

use super::catalogue::Kind;
use super::format::Format;
use super::section::section;

section! {
    /// What this instance is called.
    InstanceSettings at "/instance";
    keys {
        /// The name that people give to this instance.
        name: String = "revaer".to_owned(), Kind::Text { format: Format::Plain, bytes_max: 64 }, Live;
        /// The ULID of this instance, drawn once at its first start. Null: not yet.
        id: Option<String> = None, Kind::Text { format: Format::Ulid, bytes_max: 26 }, Immutable;
    }
}
