//! The one declaration of every key: field, default, range, effect and description in one place.

/// Declares a section: a struct of plain fields, its `Default`, and its rows of the catalogue.
///
/// A key's line is `field: Type = default, kind, effect;` and its doc comment is its description everywhere. `groups` are
/// sections within the section. Sections of entries and items (a profile, a rule) stand at the pointer `""`.
macro_rules! section {
    (
        $(#[$meta:meta])*
        $name:ident at $at:literal;
        $(groups { $($(#[$group_meta:meta])* $group:ident: $group_type:ty;)+ })?
        keys { $($(#[doc = $doc:literal])+ $field:ident: $type:ty = $default:expr, $kind:expr, $effect:ident;)+ }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(default)]
        pub struct $name {
            $($($(#[$group_meta])* pub $group: $group_type,)+)?
            $($(#[doc = $doc])+ pub $field: $type,)+
        }

        impl Default for $name {
            fn default() -> Self {
                Self {
                    $($($group: <$group_type>::default(),)+)?
                    $($field: $default,)+
                }
            }
        }

        impl $name {
            /// Its rows of the catalogue, those of its groups left out.
            pub const KEYS: &'static [$crate::settings::catalogue::Key] = &[
                $($crate::settings::catalogue::Key {
                    pointer: concat!($at, "/", stringify!($field)),
                    kind: $kind,
                    effect: $crate::settings::catalogue::Effect::$effect,
                    description: concat!($($doc),+),
                    default: || {
                        let default: $type = $default;
                        serde_json::to_value(default).expect("defaults are plain values")
                    },
                },)+
            ];
        }
    };
}

/// Declares a choice among words: an enum and the list of its words.
macro_rules! choice {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$variant_meta])* #[serde(rename = $word)] $variant,)+ }

        impl $name {
            /// The words of the choice.
            pub const WORDS: &'static [&'static str] = &[$($word),+];
            pub(crate) const KIND: $crate::settings::catalogue::Kind =
                $crate::settings::catalogue::Kind::Choice(Self::WORDS);
        }
    };
}

pub(crate) use {choice, section};
