//! How long what is not kept for ever is kept.

use super::catalogue::Kind;
use super::section::section;

section! {
    /// How long what is not kept for ever is kept.
    RetentionSettings at "/retention";
    keys {
        /// How long samples of progress are kept, by the hour. Facts are kept for ever.
        samples_hours: u32 = 24, Kind::Integer { min: 1, max: 8760 }, Live;
        /// How long a secret that the settings gave up is kept, so that its change can be taken back. Then it is removed.
        replaced_secrets_hours: u32 = 24, Kind::Integer { min: 1, max: 8760 }, Live;
    }
}
