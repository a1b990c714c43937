//! What nobody keeps: the preset `skip_fluff`, as globs and what each of them finds.
//!
//! The list is stated here alone for the selection, and `docs/selection.md` and `revaer select --explain` show it. The file
//! pipeline has a list of its own, since it knows nothing of torrents; a test holds the two equal.
//!
//! A glob without a slash matches a name in any folder; `*` does not cross a slash and `**` does. Letters of ASCII match in
//! either case, whatever the rule says of its own globs: `README.TXT` is no better than `readme.txt`.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// Each glob, and what it finds.
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

/// The preset, made ready to be evaluated; in the order of [`FLUFF`].
pub(super) fn compiled() -> GlobSet {
    let mut set = GlobSetBuilder::new();
    for (glob, _) in FLUFF {
        let anywhere = if glob.contains('/') { (*glob).to_owned() } else { format!("**/{glob}") };
        let glob = GlobBuilder::new(&anywhere)
            .literal_separator(true)
            .backslash_escape(true)
            .empty_alternates(true)
            .case_insensitive(true)
            .build();
        set.add(glob.expect("the preset is made of globs"));
    }
    set.build().expect("the preset is small")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documentation_shows_every_glob() {
        let page = include_str!("../../../../docs/selection.md");
        for (glob, kind) in FLUFF {
            assert!(page.contains(&format!("| `{glob}` | {kind} |")), "| `{glob}` | {kind} |");
        }
    }
}
