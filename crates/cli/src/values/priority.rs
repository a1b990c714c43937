//! Which files get which priority: `3=high`, `*.srt=low`.

use std::str::FromStr;

use revaer_wire::PriorityRequest;

/// The words and the numbers that libtorrent knows them by.
const PRIORITIES: [(&str, u8); 4] = [("skip", 0), ("low", 1), ("normal", 4), ("high", 7)];

/// A priority for one file by its index, or for all that a glob matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PriorityRule(PriorityRequest);

impl PriorityRule {
    /// As it is sent.
    pub(crate) fn to_request(&self) -> PriorityRequest {
        self.0.clone()
    }
}

/// The word for a number; a number that has none is shown as it is.
pub(crate) fn priority_word(priority: u8) -> String {
    let word = PRIORITIES.iter().find(|(_, number)| *number == priority).map(|(word, _)| (*word).to_owned());
    word.unwrap_or_else(|| priority.to_string())
}

impl FromStr for PriorityRule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // A glob may hold an equals sign; a priority never does.
        let (files, word) = text.rsplit_once('=').ok_or("expected INDEX=PRIORITY or GLOB=PRIORITY")?;
        let (_, priority) = PRIORITIES
            .iter()
            .find(|(known, _)| *known == word)
            .ok_or_else(|| format!("not a priority: {word:?}; expected skip, low, normal or high"))?;
        if files.is_empty() {
            return Err("expected an index or a glob before the equals sign".to_owned());
        }
        let is_index = files.bytes().all(|byte| byte.is_ascii_digit());
        let index = if is_index {
            Some(files.parse().map_err(|_| format!("not an index of a file: {files}"))?)
        } else {
            None
        };
        let glob = (!is_index).then(|| files.to_owned());
        Ok(PriorityRule(PriorityRequest { index, glob, priority: *priority }))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::index("3=high", Some(3), None, 7)]
    #[case::glob("*.srt=low", None, Some("*.srt"), 1)]
    #[case::glob_with_an_equals_sign("a=b/*=skip", None, Some("a=b/*"), 0)]
    #[case::glob_of_a_digit("[1]=normal", None, Some("[1]"), 4)]
    fn rule_names_an_index_or_a_glob(
        #[case] text: &str,
        #[case] index: Option<u32>,
        #[case] glob: Option<&str>,
        #[case] priority: u8,
    ) {
        let expected = PriorityRequest { index, glob: glob.map(str::to_owned), priority };
        assert_eq!(text.parse::<PriorityRule>().unwrap().to_request(), expected);
    }

    #[rstest]
    #[case("3")]
    #[case("=high")]
    #[case("3=urgent")]
    #[case("3=7")]
    #[case("4294967296=high")]
    fn anything_else_is_refused(#[case] text: &str) {
        assert!(text.parse::<PriorityRule>().is_err());
    }

    #[test]
    fn every_word_is_shown_for_its_number() {
        let shown = [0, 1, 4, 7, 5].map(priority_word);
        assert_eq!(shown, ["skip", "low", "normal", "high", "5"]);
    }
}
