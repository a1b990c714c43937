//! A path beneath a directory, as text that is fit to be handed to the kernel one component at a time.
//!
//! It says what a name may look like and nothing about what lies on the disk: that is for [`crate::dir`] to ask. What comes
//! from outside is either parsed, and refused as a whole, or made into one component by [`component`], which never fails.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest name that Linux file systems take, in bytes.
pub(crate) const NAME_BYTES_MAX: usize = 255;
/// The longest path that one call takes, less the NUL.
pub(crate) const PATH_BYTES_MAX: usize = 4095;

/// Components joined by `/`: at least one, none of them `.` or `..`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RelPath(String);

/// A text that is no path beneath a directory.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPath {
    /// Nothing, or two slashes with nothing between them.
    #[error("has an empty component")]
    Empty,
    /// It begins with a slash.
    #[error("is absolute")]
    Absolute,
    /// `.` or `..`.
    #[error("has a component that names another directory")]
    Climbing,
    /// Nothing on Linux is called that.
    #[error("has a NUL")]
    Nul,
    /// More than file systems take.
    #[error("is longer than a file system takes")]
    TooLong,
}

impl RelPath {
    /// Parses a path, which has to be right as it stands.
    pub fn parse(text: impl Into<String>) -> Result<Self, InvalidPath> {
        let text = text.into();
        if text.starts_with('/') {
            return Err(InvalidPath::Absolute);
        }
        if text.contains('\0') {
            return Err(InvalidPath::Nul);
        }
        if text.len() > PATH_BYTES_MAX {
            return Err(InvalidPath::TooLong);
        }
        for component in text.split('/') {
            match component {
                "" => return Err(InvalidPath::Empty),
                "." | ".." => return Err(InvalidPath::Climbing),
                _ if component.len() > NAME_BYTES_MAX => return Err(InvalidPath::TooLong),
                _ => {}
            }
        }
        Ok(Self(text))
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last component.
    pub fn name(&self) -> &str {
        self.0.rsplit_once('/').map_or(self.0.as_str(), |(_, name)| name)
    }

    /// Everything but the last component; none if that was all.
    pub fn parent(&self) -> Option<Self> {
        self.0.rsplit_once('/').map(|(parent, _)| Self(parent.to_owned()))
    }

    /// The components from the first.
    pub fn components(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }

    /// This path with another beneath it.
    #[must_use]
    pub fn join(&self, beneath: &Self) -> Self {
        Self(format!("{}/{}", self.0, beneath.0))
    }

    /// This path with its last component replaced. The name has to be one component.
    pub fn with_name(&self, name: &str) -> Result<Self, InvalidPath> {
        let renamed = self.parent().map_or_else(|| name.to_owned(), |parent| format!("{}/{name}", parent.0));
        Self::parse(renamed)
    }

    /// Whether it is the other or lies beneath it.
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.strip_prefix(&other.0).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// The paths of the directories above it, the uppermost first.
    pub fn ancestors(&self) -> impl Iterator<Item = Self> {
        self.0.match_indices('/').map(|(end, _)| Self(self.0[..end].to_owned()))
    }
}

impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for RelPath {
    type Error = InvalidPath;

    fn try_from(text: String) -> Result<Self, InvalidPath> {
        Self::parse(text)
    }
}

impl From<RelPath> for String {
    fn from(path: RelPath) -> Self {
        path.0
    }
}

/// Makes one component of any text: for what strangers chose, such as the name of a torrent.
///
/// Separators, control characters and those that turn the direction of text become `_`. Dots in front are taken off, since
/// they would hide it (and `..` would climb), and so are spaces and dots at the end, which other systems drop. What is too
/// long is cut, with its extension kept.
pub(crate) fn component(text: &str) -> String {
    let plain: String = text.chars().map(|c| if is_unfit(c) { '_' } else { c }).collect();
    let trimmed = plain.trim().trim_start_matches('.').trim_end_matches([' ', '.']).trim_start();
    let cut = shorten(trimmed, NAME_BYTES_MAX);
    if cut.is_empty() { "_".to_owned() } else { cut }
}

fn is_unfit(c: char) -> bool {
    c == '/' || c == '\\' || c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Cuts a name to so many bytes, at a character, and keeps a short extension.
pub(crate) fn shorten(name: &str, bytes_max: usize) -> String {
    if name.len() <= bytes_max {
        return name.to_owned();
    }
    let (stem, extension) = split_extension(name);
    let extension = if extension.len() < bytes_max { extension } else { "" };
    let stem = if extension.is_empty() { name } else { stem };
    let mut end = bytes_max - extension.len();
    while !stem.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{extension}", &stem[..end])
}

/// The stem, and the extension with its dot if it is short enough to be one.
pub(crate) fn split_extension(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(dot) if dot > 0 && name.len() - dot <= 12 => name.split_at(dot),
        _ => (name, ""),
    }
}

/// The name with a number, as a second thing of that name gets it: `a.txt`, `a (2).txt`.
pub(crate) fn numbered(name: &str, number: u32) -> String {
    let (stem, extension) = split_extension(name);
    let suffix = format!(" ({number}){extension}");
    let mut end = stem.len().min(NAME_BYTES_MAX - suffix.len());
    while !stem.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{suffix}", &stem[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case::empty("", InvalidPath::Empty)]
    #[case::double_slash("a//b", InvalidPath::Empty)]
    #[case::trailing_slash("a/", InvalidPath::Empty)]
    #[case::absolute("/a", InvalidPath::Absolute)]
    #[case::climbing("a/../b", InvalidPath::Climbing)]
    #[case::here("./a", InvalidPath::Climbing)]
    #[case::nul("a\0b", InvalidPath::Nul)]
    #[case::long(&"x".repeat(256), InvalidPath::TooLong)]
    #[case::long_in_all(&["x".repeat(200).as_str(); 21].join("/"), InvalidPath::TooLong)]
    fn what_is_no_path_beneath_a_directory_is_refused(#[case] text: &str, #[case] why: InvalidPath) {
        assert_eq!(RelPath::parse(text), Err(why));
    }

    #[rstest]
    #[case("Film (2020)", "Film (2020)")]
    #[case("../../etc", "_.._etc")]
    #[case("..", "_")]
    #[case(".hidden", "hidden")]
    #[case("a/b\\c\nd", "a_b_c_d")]
    #[case(" . ", "_")]
    #[case("name. ", "name")]
    #[case("ab\u{202e}gpj.exe", "ab_gpj.exe")]
    fn any_text_becomes_one_component(#[case] text: &str, #[case] component_of_it: &str) {
        assert_eq!(component(text), component_of_it);
    }

    #[test]
    fn a_number_stands_before_the_extension() {
        assert_eq!(numbered("a.txt", 2), "a (2).txt");
        assert_eq!(numbered("a", 3), "a (3)");
        assert_eq!(numbered(".hidden", 2), ".hidden (2)");
    }

    proptest! {
        #[test]
        fn a_component_is_always_a_path(text in any::<String>()) {
            let made = component(&text);
            prop_assert_eq!(RelPath::parse(made.clone()).map(|path| path.components().count()), Ok(1));
            prop_assert_eq!(component(&made), made);
        }

        #[test]
        fn a_number_keeps_a_name_a_name(name in "[^/\0]{1,90}", number in 2_u32..100) {
            prop_assume!(RelPath::parse(name.clone()).is_ok());
            prop_assert!(RelPath::parse(numbered(&name, number)).is_ok());
        }
    }
}
