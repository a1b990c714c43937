//! A rule made ready to be evaluated: for each file its priority, and which part of the rule decided it.

use std::sync::LazyLock;

use globset::{GlobMatcher, GlobSet};

use super::fluff::{self, FLUFF};
use super::{Priority, SelectionRule};

/// Compiled once: every rule that skips fluff uses the same.
static FLUFF_GLOBS: LazyLock<GlobSet> = LazyLock::new(fluff::compiled);

/// A rule made ready to be evaluated.
#[derive(Debug, Clone)]
pub struct Selector {
    rule: SelectionRule,
    include: Option<GlobSet>,
    exclude: GlobSet,
    priorities: Vec<(Matcher, Priority)>,
}

#[derive(Debug, Clone)]
pub(super) enum Matcher {
    Index(u32),
    Glob(GlobMatcher),
}

/// What becomes of a file, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice<'a> {
    /// How much it is wanted.
    pub priority: Priority,
    /// Which part of the rule says so.
    pub reason: Reason<'a>,
}

/// The part of a rule that decides about a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason<'a> {
    /// None: it is wanted, as everything is that nothing speaks of.
    Unmentioned,
    /// This glob of `include` wants it.
    Included(&'a str),
    /// There is an `include`, and no glob of it wants it.
    NotIncluded,
    /// This glob of `exclude` leaves it out.
    Excluded(&'a str),
    /// `skip_fluff` leaves it out.
    Fluff {
        /// The glob of the preset.
        glob: &'static str,
        /// What such files are.
        kind: &'static str,
    },
    /// `priorities` names it by its index.
    Index(u32),
    /// This glob of `priorities` names it.
    Glob(&'a str),
}

impl Selector {
    pub(super) fn new(
        rule: SelectionRule,
        include: Option<GlobSet>,
        exclude: GlobSet,
        priorities: Vec<(Matcher, Priority)>,
    ) -> Self {
        Self { rule, include, exclude, priorities }
    }

    /// The priority of every file, in the order of `paths`.
    pub fn priorities<'a>(&self, paths: impl IntoIterator<Item = &'a str>) -> Vec<Priority> {
        (0_u32..).zip(paths).map(|(index, path)| self.choose(index, path).priority).collect()
    }

    /// What becomes of the file with this index and path, and which part of the rule decides that: of `priorities` the last
    /// one that names it, else the first glob that matches, of `exclude`, of the preset and of `include`, in this order.
    pub fn choose(&self, index: u32, path: &str) -> Choice<'_> {
        let skip = |reason| Choice { priority: Priority::Skip, reason };
        let want = |reason| Choice { priority: Priority::Normal, reason };
        let named = self.priorities.iter().rev().find(|(matcher, _)| match matcher {
            Matcher::Index(wanted) => *wanted == index,
            Matcher::Glob(glob) => glob.is_match(path),
        });
        if let Some((matcher, priority)) = named {
            let reason = match matcher {
                Matcher::Index(index) => Reason::Index(*index),
                Matcher::Glob(glob) => Reason::Glob(glob.glob().glob()),
            };
            return Choice { priority: *priority, reason };
        }
        if let Some(place) = first(&self.exclude, path) {
            return skip(Reason::Excluded(&self.rule.exclude[place]));
        }
        if self.rule.skip_fluff
            && let Some(place) = first(&FLUFF_GLOBS, path)
        {
            let (glob, kind) = FLUFF[place];
            return skip(Reason::Fluff { glob, kind });
        }
        match &self.include {
            None => want(Reason::Unmentioned),
            Some(include) => match first(include, path) {
                Some(place) => want(Reason::Included(&self.rule.include[place])),
                None => skip(Reason::NotIncluded),
            },
        }
    }
}

/// The place of the first glob that matches.
fn first(globs: &GlobSet, path: &str) -> Option<usize> {
    if globs.is_empty() { None } else { globs.matches(path).first().copied() }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::selection::{PriorityRule, Target};

    const NFO: Reason<'_> = Reason::Fluff { glob: "*.nfo", kind: "notes" };

    fn rule() -> SelectionRule {
        SelectionRule {
            include: vec!["**/*.mkv".into(), "**/*.nfo".into()],
            exclude: vec!["**/extra/**".into()],
            priorities: vec![
                PriorityRule { target: Target::Glob("*keep*".into()), priority: Priority::Low },
                PriorityRule { target: Target::Index(7), priority: Priority::High },
            ],
            skip_fluff: true,
            ..SelectionRule::default()
        }
    }

    #[rstest]
    #[case::included(0, "F/film.mkv", 4, Reason::Included("**/*.mkv"))]
    #[case::not_included(0, "F/film.avi", 0, Reason::NotIncluded)]
    #[case::excluded(0, "F/extra/film.mkv", 0, Reason::Excluded("**/extra/**"))]
    #[case::fluff_beats_include(0, "F/film.NFO", 0, NFO)]
    #[case::exclude_is_named_before_fluff(0, "F/extra/film.nfo", 0, Reason::Excluded("**/extra/**"))]
    #[case::priority_beats_fluff(0, "F/keep.nfo", 1, Reason::Glob("*keep*"))]
    #[case::priority_beats_exclude(7, "F/extra/film.mkv", 7, Reason::Index(7))]
    #[case::last_priority_counts(7, "F/keep.nfo", 7, Reason::Index(7))]
    fn reason_is_the_part_that_decides(
        #[case] index: u32,
        #[case] path: &str,
        #[case] priority: u8,
        #[case] reason: Reason<'_>,
    ) {
        let selector = rule().compile().expect("compiles");
        let choice = selector.choose(index, path);
        assert_eq!((u8::from(choice.priority), choice.reason), (priority, reason));
    }

    #[test]
    fn what_nothing_speaks_of_is_wanted() {
        let selector = SelectionRule::default().compile().expect("compiles");
        let choice = Choice { priority: Priority::Normal, reason: Reason::Unmentioned };
        assert_eq!(selector.choose(0, "F/film.nfo"), choice);
    }

    #[rstest]
    #[case("F/Sample/f-sample.mkv", Some("samples"))]
    #[case("F/film-sample.mkv", Some("samples"))]
    #[case("sample.mkv", Some("samples"))]
    #[case("F/The Sampler.mkv", None)]
    #[case("F/Proof/x.jpg", Some("proofs"))]
    #[case("F/Screens/x.png", Some("screens"))]
    #[case("F/film-trailer.mp4", Some("trailers"))]
    #[case("F/Trailer Park Boys S01E01.mkv", None)]
    #[case("F/film.txt", Some("notes"))]
    #[case("F/visit us.url", Some("links"))]
    #[case("F/film.sfv", Some("checksums of a release"))]
    #[case("F/Thumbs.db", Some("thumbnails of an operating system"))]
    #[case("F/film_thumb.jpg", Some("thumbnails"))]
    #[case("F/Subs/en.srt", None)]
    fn fluff_is_known(#[case] path: &str, #[case] expected: Option<&'static str>) {
        // Case counts for the globs of the rule alone.
        let rule = SelectionRule { skip_fluff: true, case_sensitive: true, ..SelectionRule::default() };
        let selector = rule.compile().expect("compiles");
        let found = match selector.choose(0, path).reason {
            Reason::Fluff { kind, .. } => Some(kind),
            _ => None,
        };
        assert_eq!(found, expected);
    }
}
