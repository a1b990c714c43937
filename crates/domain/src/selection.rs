//! Which files of a torrent are wanted: the rule that an operator gives, and what it means for a list of files.
//!
//! A rule is kept before the files are known and is evaluated by the same pure function whenever they are. Globs match
//! the path of the file inside the torrent, top folder included. Exclusion beats inclusion, and so does fluff, if it is to be
//! skipped; explicit priorities beat all of them.

mod fluff;
mod selector;

use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};
use serde::{Deserialize, Serialize};

pub use self::fluff::FLUFF;
use self::selector::Matcher;
pub use self::selector::{Choice, Reason, Selector};

/// The most globs of a rule: include, exclude and priorities together.
pub const GLOBS_MAX: usize = 64;
/// The longest glob, in bytes.
pub const GLOB_BYTES_MAX: usize = 1024;
/// The most priorities in a rule: a change carries two rules, and both fit into one fact.
pub const PRIORITIES_MAX: usize = 10_000;

/// How much a file is wanted, in libtorrent's own scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum Priority {
    /// Not downloaded.
    Skip = 0,
    /// After the others.
    Low = 1,
    /// As usual.
    Normal = 4,
    /// Before the others.
    High = 7,
}

/// The number is none of 0, 1, 4, 7.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("priority {0} is none of 0 (skip), 1 (low), 4 (normal), 7 (high)")]
pub struct InvalidPriority(pub u8);

impl TryFrom<u8> for Priority {
    type Error = InvalidPriority;

    fn try_from(number: u8) -> Result<Self, Self::Error> {
        match number {
            0 => Ok(Self::Skip),
            1 => Ok(Self::Low),
            4 => Ok(Self::Normal),
            7 => Ok(Self::High),
            other => Err(InvalidPriority(other)),
        }
    }
}

impl From<Priority> for u8 {
    fn from(priority: Priority) -> Self {
        priority as Self
    }
}

/// Which files a priority is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// The file with this index in the torrent's own order.
    Index(u32),
    /// Every file whose path matches.
    Glob(String),
}

/// A priority for some files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriorityRule {
    /// Which files.
    pub target: Target,
    /// How much they are wanted.
    pub priority: Priority,
}

/// The rule that an operator gave. The default wants everything.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SelectionRule {
    /// Wanted files; empty means all.
    #[serde(default)]
    pub include: Vec<String>,
    /// Unwanted files.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// Explicit priorities; of several that match a file, the last one counts.
    #[serde(default)]
    pub priorities: Vec<PriorityRule>,
    /// Whether globs tell upper from lower case; they do not by default.
    #[serde(default)]
    pub case_sensitive: bool,
    /// Whether files of [`FLUFF`] are unwanted. Left out where they are not, as every rule that was stored before.
    #[serde(default, skip_serializing_if = "is_off")]
    pub skip_fluff: bool,
    /// Whether the first and last pieces of each wanted file come before the others, so that a player can open it early.
    #[serde(default, skip_serializing_if = "is_off")]
    pub first_last_piece_first: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_off(switch: &bool) -> bool {
    !*switch
}

/// Why a rule is refused. `field` is `include`, `exclude` or `priorities`, `index` the place in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSelection {
    /// A glob that does not parse.
    #[error("glob `{glob}` does not parse: {reason}")]
    Glob {
        /// The list that holds it.
        field: &'static str,
        /// Its place in the list.
        index: usize,
        /// The glob.
        glob: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A glob longer than [`GLOB_BYTES_MAX`].
    #[error("glob is longer than {GLOB_BYTES_MAX} bytes")]
    GlobTooLong {
        /// The list that holds it.
        field: &'static str,
        /// Its place in the list.
        index: usize,
    },
    /// More globs than [`GLOBS_MAX`] or priorities than [`PRIORITIES_MAX`].
    #[error("more than {GLOBS_MAX} globs or {PRIORITIES_MAX} priorities")]
    TooMany,
    /// The torrent has no such file.
    #[error("file index {index} is beyond the torrent's {count} files")]
    NoSuchFile {
        /// The index asked for.
        index: u32,
        /// How many files there are.
        count: u32,
    },
}

impl SelectionRule {
    /// Compiles the globs; every error names its place.
    pub fn compile(&self) -> Result<Selector, InvalidSelection> {
        let by_glob = self.priorities.iter().filter(|rule| matches!(rule.target, Target::Glob(_))).count();
        if self.include.len() + self.exclude.len() + by_glob > GLOBS_MAX
            || self.priorities.len() > PRIORITIES_MAX
        {
            return Err(InvalidSelection::TooMany);
        }
        let include = self.glob_set("include", &self.include)?;
        let priorities = self
            .priorities
            .iter()
            .enumerate()
            .map(|(index, rule)| {
                let matcher = match &rule.target {
                    Target::Index(file) => Matcher::Index(*file),
                    Target::Glob(glob) => {
                        Matcher::Glob(self.glob("priorities", index, glob)?.compile_matcher())
                    }
                };
                Ok((matcher, rule.priority))
            })
            .collect::<Result<_, _>>()?;
        let include = (!self.include.is_empty()).then_some(include);
        let exclude = self.glob_set("exclude", &self.exclude)?;
        Ok(Selector::new(self.clone(), include, exclude, priorities))
    }

    /// Refuses priorities for files that a torrent of `count` files does not have.
    pub fn check_indices(&self, count: u32) -> Result<(), InvalidSelection> {
        for rule in &self.priorities {
            if let Target::Index(index) = rule.target
                && index >= count
            {
                return Err(InvalidSelection::NoSuchFile { index, count });
            }
        }
        Ok(())
    }

    fn glob_set(&self, field: &'static str, globs: &[String]) -> Result<GlobSet, InvalidSelection> {
        let mut set = GlobSetBuilder::new();
        for (index, glob) in globs.iter().enumerate() {
            set.add(self.glob(field, index, glob)?);
        }
        let failed = |error: globset::Error| InvalidSelection::Glob {
            field,
            index: 0,
            glob: globs.first().cloned().unwrap_or_default(),
            reason: error.kind().to_string(),
        };
        set.build().map_err(failed)
    }

    fn glob(&self, field: &'static str, index: usize, glob: &str) -> Result<Glob, InvalidSelection> {
        if glob.len() > GLOB_BYTES_MAX {
            return Err(InvalidSelection::GlobTooLong { field, index });
        }
        GlobBuilder::new(glob).case_insensitive(!self.case_sensitive).build().map_err(|error| {
            InvalidSelection::Glob { field, index, glob: glob.to_owned(), reason: error.kind().to_string() }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: [&str; 4] = ["Show/e01.mkv", "Show/e02.MKV", "Show/sample/e01.mkv", "Show/readme.txt"];

    fn evaluate(rule: &SelectionRule) -> Vec<u8> {
        rule.compile().expect("compiles").priorities(FILES).into_iter().map(u8::from).collect()
    }

    #[test]
    fn empty_rule_wants_everything() {
        assert_eq!(evaluate(&SelectionRule::default()), [4, 4, 4, 4]);
    }

    #[test]
    fn exclude_beats_include_and_priorities_beat_both() {
        let rule = SelectionRule {
            include: vec!["**/*.mkv".into()],
            exclude: vec!["**/sample/**".into()],
            priorities: vec![
                PriorityRule { target: Target::Glob("**/*.txt".into()), priority: Priority::Low },
                PriorityRule { target: Target::Index(1), priority: Priority::High },
            ],
            ..SelectionRule::default()
        };
        assert_eq!(evaluate(&rule), [4, 7, 0, 1]);
    }

    #[test]
    fn case_counts_only_when_asked() {
        let rule =
            SelectionRule { include: vec!["**/*.mkv".into()], case_sensitive: true, ..Default::default() };
        assert_eq!(evaluate(&rule), [4, 0, 4, 0]);
    }

    #[test]
    fn broken_globs_name_their_place() {
        let rule = SelectionRule { exclude: vec!["ok".into(), "[".into()], ..Default::default() };
        assert!(matches!(rule.compile(), Err(InvalidSelection::Glob { field: "exclude", index: 1, .. })));
        let rule = SelectionRule { include: vec!["x".repeat(GLOB_BYTES_MAX + 1)], ..Default::default() };
        assert!(matches!(rule.compile(), Err(InvalidSelection::GlobTooLong { field: "include", index: 0 })));
    }

    #[test]
    fn index_beyond_the_files_is_refused() {
        let rule = SelectionRule {
            priorities: vec![PriorityRule { target: Target::Index(4), priority: Priority::Skip }],
            ..Default::default()
        };
        assert_eq!(rule.check_indices(4), Err(InvalidSelection::NoSuchFile { index: 4, count: 4 }));
        assert_eq!(rule.check_indices(5), Ok(()));
    }
}
