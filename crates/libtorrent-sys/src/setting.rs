//! Settings of the session by libtorrent's own names.

use std::borrow::Cow;

use crate::ffi::bridge::RawSetting;

/// A setting and its value. Unknown names and other types are errors when it is applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setting {
    /// An integer.
    Int(Cow<'static, str>, i64),
    /// A boolean.
    Bool(Cow<'static, str>, bool),
    /// A text.
    Text(Cow<'static, str>, String),
}

impl Setting {
    /// An integer.
    pub fn int(name: impl Into<Cow<'static, str>>, value: i64) -> Self {
        Self::Int(name.into(), value)
    }

    /// A boolean.
    pub fn bool(name: impl Into<Cow<'static, str>>, value: bool) -> Self {
        Self::Bool(name.into(), value)
    }

    /// A text.
    pub fn text(name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        Self::Text(name.into(), value.into())
    }

    /// libtorrent's name of it.
    pub fn name(&self) -> &str {
        match self {
            Self::Int(name, _) | Self::Bool(name, _) | Self::Text(name, _) => name,
        }
    }

    pub(crate) fn raw(&self) -> RawSetting {
        let (name, kind, integer, text) = match self {
            Self::Int(name, value) => (name, 0, *value, ""),
            Self::Bool(name, value) => (name, 1, i64::from(*value), ""),
            Self::Text(name, value) => (name, 2, 0, value.as_str()),
        };
        RawSetting { name: name.to_string(), kind, integer, text: text.to_owned() }
    }
}
