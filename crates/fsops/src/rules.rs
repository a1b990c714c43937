//! Which files of a torrent go into the library.
//!
//! Globs match the whole path within the torrent, its top folder included; `*` does not cross a slash and `**` does, and a
//! glob without a slash matches a name in any folder. Letters of ASCII match in either case, unless asked otherwise. Exclude beats
//! include.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use serde::{Deserialize, Serialize};

/// More globs in one list are a mistake, or an attempt to have a page of regular expressions compiled.
const GLOBS_MAX: usize = 256;
/// A longer glob is no name of a file.
const GLOB_BYTES_MAX: usize = 1024;

/// What nobody keeps: one pattern and what it is.
pub const FLUFF: &[(&str, &str)] = &[
    ("**/sample/**", "samples"),
    ("**/samples/**", "samples"),
    ("{sample,*[-._ ]sample,sample[-._ ]*}.{mkv,mp4,avi,m4v,ts,wmv,mov,webm}", "samples"),
    ("**/proof/**", "proofs"),
    ("**/proofs/**", "proofs"),
    ("{proof,*[-._ ]proof,proof[-._ ]*}.{jpg,jpeg,png}", "proofs"),
    ("**/{screens,screenshots,screen,screencaps}/**", "screens"),
    ("**/{trailer,trailers}/**", "trailers"),
    ("{trailer,*[-._ ]trailer}.{mkv,mp4,avi,m4v,ts,wmv,mov,webm}", "trailers"),
    ("*.nfo", "notes"),
    ("*.txt", "notes"),
    ("*.url", "links"),
    ("*.{lnk,website,webloc}", "links"),
    ("*.{sfv,srr,srs}", "checksums of a release"),
    ("{thumbs.db,desktop.ini,.ds_store}", "thumbnails of an operating system"),
    ("*[-._ ]thumb{,s}.{jpg,jpeg,png}", "thumbnails"),
];

/// Which files are kept.
#[derive(Debug, Clone)]
pub struct Rules {
    values: RuleValues,
    include: Option<GlobSet>,
    exclude: GlobSet,
    fluff: Option<GlobSet>,
}

/// The rules as they are written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RuleValues {
    /// Only what matches one of these; everything if there is none.
    pub include: Vec<String>,
    /// Nothing that matches one of these.
    pub exclude: Vec<String>,
    /// Nothing of [`FLUFF`].
    pub skip_fluff: bool,
    /// Whether letters have to match in their case.
    pub case_sensitive: bool,
}

/// Why a file is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeftOut<'a> {
    /// No glob of `include` matches.
    NotIncluded,
    /// This glob of `exclude` matches.
    Excluded(&'a str),
    /// It is fluff of this kind.
    Fluff(&'static str),
}

/// A glob that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRules {
    /// This one, in the list of that name.
    #[error("{why}")]
    Glob {
        /// `include` or `exclude`.
        list: &'static str,
        /// Its place.
        index: usize,
        /// What is wrong.
        why: String,
    },
    /// Too many.
    #[error("has more than {GLOBS_MAX} globs")]
    TooMany {
        /// `include` or `exclude`.
        list: &'static str,
    },
}

impl Rules {
    /// Compiles the globs.
    pub fn parse(values: RuleValues) -> Result<Self, InvalidRules> {
        let include = compile("include", &values.include, values.case_sensitive)?;
        let exclude = compile("exclude", &values.exclude, values.case_sensitive)?;
        let fluff = values.skip_fluff.then(|| {
            let globs: Vec<String> = FLUFF.iter().map(|(glob, _)| (*glob).to_owned()).collect();
            compile("fluff", &globs, false).expect("the preset is made of globs")
        });
        let include = (!values.include.is_empty()).then_some(include);
        Ok(Self { values, include, exclude, fluff })
    }

    /// The rules as they were written.
    pub fn values(&self) -> &RuleValues {
        &self.values
    }

    /// Why a file is left out; none if it is kept.
    pub fn leaves_out(&self, path: &str) -> Option<LeftOut<'_>> {
        if let Some(&index) = self.exclude.matches(path).first() {
            return Some(LeftOut::Excluded(&self.values.exclude[index]));
        }
        if let Some(&index) =
            self.fluff.as_ref().and_then(|fluff| fluff.matches(path).first().copied()).as_ref()
        {
            return Some(LeftOut::Fluff(FLUFF[index].1));
        }
        match &self.include {
            Some(include) if !include.is_match(path) => Some(LeftOut::NotIncluded),
            _ => None,
        }
    }
}

fn compile(list: &'static str, globs: &[String], case_sensitive: bool) -> Result<GlobSet, InvalidRules> {
    if globs.len() > GLOBS_MAX {
        return Err(InvalidRules::TooMany { list });
    }
    let mut set = GlobSetBuilder::new();
    for (index, glob) in globs.iter().enumerate() {
        let refuse = |why: String| InvalidRules::Glob { list, index, why };
        if glob.is_empty() {
            return Err(refuse("is empty".to_owned()));
        }
        if glob.len() > GLOB_BYTES_MAX {
            return Err(refuse(format!("is longer than {GLOB_BYTES_MAX} bytes")));
        }
        let anywhere = if glob.contains('/') { glob.clone() } else { format!("**/{glob}") };
        let compiled = GlobBuilder::new(&anywhere)
            .literal_separator(true)
            .backslash_escape(true)
            .empty_alternates(true)
            .case_insensitive(!case_sensitive)
            .build()
            .map_err(|error| refuse(error.kind().to_string()))?;
        set.add(compiled);
    }
    set.build().map_err(|error| InvalidRules::Glob { list, index: 0, why: error.kind().to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn rules(include: &[&str], exclude: &[&str], skip_fluff: bool) -> Rules {
        let owned = |globs: &[&str]| globs.iter().map(|&glob| glob.to_owned()).collect();
        Rules::parse(RuleValues {
            include: owned(include),
            exclude: owned(exclude),
            skip_fluff,
            case_sensitive: false,
        })
        .unwrap()
    }

    #[rstest]
    #[case::everything(&[], &[], "T/a.mkv", true)]
    #[case::included(&["*.mkv"], &[], "T/deep/A.MKV", true)]
    #[case::not_included(&["*.mkv"], &[], "T/a.avi", false)]
    #[case::exclude_beats_include(&["*.mkv"], &["T/extra/**"], "T/extra/a.mkv", false)]
    #[case::star_stays_in_its_folder(&["T/*.mkv"], &[], "T/deep/a.mkv", false)]
    #[case::unicode(&["*.ñ"], &[], "T/á.ñ", true)]
    #[case::case_of_ascii_alone(&["*.ñ"], &[], "T/á.Ñ", false)]
    fn globs_choose(
        #[case] include: &[&str],
        #[case] exclude: &[&str],
        #[case] path: &str,
        #[case] kept: bool,
    ) {
        assert_eq!(rules(include, exclude, false).leaves_out(path).is_none(), kept);
    }

    #[rstest]
    #[case("F/Sample/f-sample.mkv", Some("samples"))]
    #[case("F/film-sample.mkv", Some("samples"))]
    #[case("F/sample.mkv", Some("samples"))]
    #[case("F/The Sampler.mkv", None)]
    #[case("F/Proof/x.jpg", Some("proofs"))]
    #[case("F/Screens/x.png", Some("screens"))]
    #[case("F/film-trailer.mp4", Some("trailers"))]
    #[case("F/Trailer Park Boys S01E01.mkv", None)]
    #[case("F/film.nfo", Some("notes"))]
    #[case("F/Thumbs.db", Some("thumbnails of an operating system"))]
    #[case("F/film.sfv", Some("checksums of a release"))]
    #[case("F/visit us.url", Some("links"))]
    #[case("F/film.mkv", None)]
    #[case("F/Subs/en.srt", None)]
    fn fluff_is_known(#[case] path: &str, #[case] kind: Option<&'static str>) {
        let found = rules(&[], &[], true);
        assert_eq!(found.leaves_out(path), kind.map(LeftOut::Fluff));
    }

    #[rstest]
    #[case("a[", "include")]
    #[case("", "include")]
    fn what_is_no_glob_is_refused_with_its_place(#[case] glob: &str, #[case] list: &str) {
        let values = RuleValues { include: vec!["*".to_owned(), glob.to_owned()], ..RuleValues::default() };
        let Err(InvalidRules::Glob { list: of, index: 1, .. }) = Rules::parse(values) else {
            panic!("a glob that is none was taken");
        };
        assert_eq!(of, list);
    }

    #[test]
    fn case_matters_when_asked() {
        let values =
            RuleValues { include: vec!["*.mkv".to_owned()], case_sensitive: true, ..RuleValues::default() };
        assert!(Rules::parse(values).unwrap().leaves_out("T/a.MKV").is_some());
    }
}
