//! Labels: the operator's own words for a torrent, as used in filters and, later, to choose a library profile.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A label's longest form, in bytes of UTF-8.
pub const LABEL_BYTES_MAX: usize = 64;
/// The most labels that one torrent carries.
pub const LABELS_MAX: usize = 32;

/// A word that the operator gave to a torrent: no control characters, no slash, no surrounding blanks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Label(String);

/// The labels of a torrent, in order.
pub type Labels = BTreeSet<Label>;

/// Why a text is not a label.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a label: 1 to {LABEL_BYTES_MAX} bytes, no control characters, no slash, no blank at either end")]
pub struct InvalidLabel;

impl Label {
    /// The text of the label.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Label {
    type Err = InvalidLabel;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = (1..=LABEL_BYTES_MAX).contains(&text.len());
        let clean = text.trim() == text && !text.chars().any(|c| c.is_control() || c == '/');
        if fits && clean { Ok(Self(text.to_owned())) } else { Err(InvalidLabel) }
    }
}

impl TryFrom<String> for Label {
    type Error = InvalidLabel;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Label> for String {
    fn from(label: Label) -> Self {
        label.0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::word("films", true)]
    #[case::unicode("фильмы 4K", true)]
    #[case::empty("", false)]
    #[case::blank_at_end("films ", false)]
    #[case::path("a/b", false)]
    #[case::control("a\nb", false)]
    fn label_is_one_clean_word(#[case] text: &str, #[case] right: bool) {
        assert_eq!(text.parse::<Label>().is_ok(), right);
    }
}
