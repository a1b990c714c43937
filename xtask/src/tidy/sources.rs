//! How a source file has to look.
//!
//! It says what it is before it does anything, it is about one concept (length is the only sign of that which a program can
//! see), it keeps `unsafe` where the bridge is, and it leaves the environment to the two programs' `main`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::{Violation, code};

/// A longer file is about more than one thing, almost always.
const LINES_MAX: usize = 400;

/// Files that may be longer, each with its reason. An entry that is no longer needed is itself a violation.
const MAY_BE_LONG: &[(&str, &str)] = &[];

/// The one crate that may use `unsafe`.
const BRIDGE: &str = "crates/libtorrent-sys/";

/// The two places that read the environment.
const READS_ENVIRONMENT: [&str; 2] = ["crates/server/src/main.rs", "crates/cli/src/main.rs"];

/// Ways to read it.
const ENVIRONMENT: [&str; 3] = ["env::var", "env::vars", "env::var_os"];

/// A file as read.
#[derive(Debug, Clone)]
pub struct Source {
    /// Where it is, relative to the workspace, with `/` between the parts.
    pub path: String,
    /// What stands in it.
    pub text: String,
}

/// Reads all Rust files of the workspace.
pub fn read(root: &Path) -> anyhow::Result<Vec<Source>> {
    let mut sources = Vec::new();
    let mut folders = vec![root.join("crates"), root.join("xtask")];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
        for entry in entries {
            let entry = entry?;
            let path = entry.path();
            if entry.file_type()?.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text =
                    fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
                let path = path.strip_prefix(root)?.to_string_lossy().into_owned();
                sources.push(Source { path, text });
            }
        }
    }
    sources.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(sources)
}

/// Holds every rule against every file.
pub fn check(sources: &[Source]) -> Vec<Violation> {
    sources.iter().flat_map(check_one).collect()
}

fn check_one(source: &Source) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut broken = |line: Option<usize>, what: &str| {
        violations.push(Violation { path: PathBuf::from(&source.path), line, what: what.to_owned() });
    };
    if !source.text.starts_with("//!") {
        broken(Some(1), "begins without `//!`: say what the file is, and what it deliberately does not do");
    }
    let lines = source.text.lines().count();
    let may_be_long = MAY_BE_LONG.iter().any(|(path, _)| *path == source.path);
    if lines > LINES_MAX && !may_be_long {
        broken(
            None,
            &format!(
                "has {lines} lines, more than {LINES_MAX}: find the second concept in it and move it out"
            ),
        );
    }
    if lines <= LINES_MAX && may_be_long {
        broken(None, "is allowed to be long and no longer needs to be: take it off the list");
    }
    let code = code::without_words(&source.text);
    if !source.path.starts_with(BRIDGE) {
        for line in code::lines_with(&code, "unsafe") {
            broken(Some(line), "`unsafe` belongs into libtorrent-sys alone");
        }
    }
    if !may_read_environment(&source.path) {
        for word in ENVIRONMENT {
            for line in code::lines_with(&code, word) {
                broken(
                    Some(line),
                    "reads the environment: only the main of the two programs does; pass the value in",
                );
            }
        }
    }
    violations
}

/// Cargo tells a build script, and the test runner its tests, what they need by the environment alone.
fn may_read_environment(path: &str) -> bool {
    READS_ENVIRONMENT.contains(&path)
        || path.ends_with("/build.rs")
        || path.contains("/tests/")
        || path.starts_with("crates/test-support/")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn complaints(path: &str, text: &str) -> String {
        let source = Source { path: path.to_owned(), text: text.to_owned() };
        check(&[source]).iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[rstest]
    #[case::no_docs("crates/a/src/lib.rs", "fn f() {}", "crates/a/src/lib.rs:1: begins without `//!`")]
    #[case::empty("crates/a/src/lib.rs", "", "begins without `//!`")]
    #[case::docs_of_an_item("crates/a/src/lib.rs", "/// Not of the file.\nfn f() {}", "begins without `//!`")]
    #[case::unsafe_outside_the_bridge(
        "crates/a/src/lib.rs",
        "//! A.\nunsafe fn f() {}",
        "lib.rs:2: `unsafe`"
    )]
    #[case::environment(
        "crates/server/src/config.rs",
        "//! A.\nfn f() { std::env::var(\"X\"); }",
        "config.rs:2: reads"
    )]
    #[case::environment_imported("crates/a/src/x.rs", "//! A.\nuse std::env::var_os;", "x.rs:2: reads")]
    fn broken_rule_is_named_with_its_place(#[case] path: &str, #[case] text: &str, #[case] expected: &str) {
        let complaints = complaints(path, text);
        assert!(complaints.contains(expected), "{complaints}");
    }

    #[rstest]
    #[case::plain("crates/a/src/lib.rs", "//! A.\nfn f() {}")]
    #[case::unsafe_in_the_bridge("crates/libtorrent-sys/src/lib.rs", "//! A.\nunsafe fn f() {}")]
    #[case::environment_in_main("crates/server/src/main.rs", "//! A.\nfn f() { std::env::var(\"X\"); }")]
    #[case::environment_in_a_build_script("crates/a/build.rs", "//! A.\nfn f() { std::env::var(\"X\"); }")]
    #[case::environment_in_a_test("crates/a/tests/x.rs", "//! A.\nfn f() { std::env::var(\"X\"); }")]
    #[case::arguments("crates/a/src/x.rs", "//! A.\nfn f() { std::env::args(); env!(\"X\"); }")]
    fn orderly_file_is_left_alone(#[case] path: &str, #[case] text: &str) {
        assert_eq!(complaints(path, text), "");
    }

    #[test]
    fn length_is_limited() {
        let lines = |count: usize| format!("//! A.\n{}", "\n".repeat(count - 1));
        assert_eq!(complaints("crates/a/src/lib.rs", &lines(LINES_MAX)), "");
        assert!(complaints("crates/a/src/lib.rs", &lines(LINES_MAX + 1)).contains("has 401 lines"));
    }
}
