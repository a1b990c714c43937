//! What a key may do. Each scope holds the ones before it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The scopes, the narrowest first: who may do more may do less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Lists, events, health.
    Read,
    /// Torrents and the pipeline too.
    Control,
    /// Settings, keys and the audit trail too.
    Admin,
}

/// The text is no scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a scope: expected `read`, `control` or `admin`")]
pub struct InvalidScope;

impl Scope {
    /// Every scope, the narrowest first.
    pub const ALL: [Self; 3] = [Self::Read, Self::Control, Self::Admin];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Control => "control",
            Self::Admin => "admin",
        }
    }

    /// Whether what needs another scope may be done with this one.
    pub fn allows(self, needed: Self) -> bool {
        self >= needed
    }
}

impl FromStr for Scope {
    type Err = InvalidScope;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text).ok_or(InvalidScope)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scope_allows_itself_and_what_is_narrower() {
        for (place, scope) in Scope::ALL.into_iter().enumerate() {
            let allowed: Vec<_> = Scope::ALL.into_iter().filter(|needed| scope.allows(*needed)).collect();
            assert_eq!(allowed, Scope::ALL[..=place]);
            assert_eq!(scope.as_str().parse(), Ok(scope));
        }
        assert_eq!("Admin".parse::<Scope>(), Err(InvalidScope));
    }
}
