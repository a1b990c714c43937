//! Where a torrent's files go, relative to the download root.
//!
//! Only the shape is judged here (no traversal, no absolute path, no NUL); that the place lies beneath the root on the
//! real disk is judged by the engine, on descriptors.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The longest save path, in bytes of UTF-8.
pub const SAVE_PATH_BYTES_MAX: usize = 1024;

/// A relative path of plain components; empty means the download root itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SavePath(String);

/// Why a text is not a save path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a save path: relative to the download root, without `..`, NUL or control characters, at most {SAVE_PATH_BYTES_MAX} bytes, 255 a component"
)]
pub struct InvalidSavePath;

impl SavePath {
    /// The path with single slashes and no slash at either end; empty for the download root.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SavePath {
    type Err = InvalidSavePath;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > SAVE_PATH_BYTES_MAX || text.starts_with('/') || text.chars().any(char::is_control) {
            return Err(InvalidSavePath);
        }
        let components: Vec<_> = text.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        if components.iter().any(|part| *part == ".." || part.len() > 255) {
            return Err(InvalidSavePath);
        }
        Ok(Self(components.join("/")))
    }
}

impl TryFrom<String> for SavePath {
    type Error = InvalidSavePath;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<SavePath> for String {
    fn from(path: SavePath) -> Self {
        path.0
    }
}

impl fmt::Display for SavePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case::root("", Some(""))]
    #[case::dots_and_double_slashes("./films//new/", Some("films/new"))]
    #[case::absolute("/etc", None)]
    #[case::traversal("films/../../etc", None)]
    #[case::nul("a\0b", None)]
    fn save_path_stays_beneath_the_root(#[case] text: &str, #[case] path: Option<&str>) {
        assert_eq!(text.parse::<SavePath>().ok().as_ref().map(SavePath::as_str), path);
    }

    proptest! {
        #[test]
        fn parsing_what_was_parsed_changes_nothing(text in "\\PC{0,40}") {
            if let Ok(path) = text.parse::<SavePath>() {
                prop_assert!(path.as_str().split('/').all(|part| part != ".."));
                prop_assert!(!path.as_str().starts_with('/'));
                prop_assert_eq!(path.as_str().parse::<SavePath>(), Ok(path.clone()));
            }
        }
    }
}
