//! The rules of the house that a compiler does not know.
//!
//! Which crate may use which, how a source file has to look, and what the documents promise. Each rule is a pure function from what was read to what is
//! wrong with it, so that a test can show it failing. What rustc, clippy, rustfmt or cargo-deny can hold, they hold.

pub mod arrows;
pub mod code;
pub mod documents;
pub mod sources;

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

/// A rule that is broken, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The file, relative to the workspace.
    pub path: PathBuf,
    /// The line, if the rule is about one.
    pub line: Option<usize>,
    /// What is wrong, and why that matters.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.what)
    }
}

/// Holds every rule against the workspace in `root`.
pub fn check(root: &Path) -> anyhow::Result<Vec<Violation>> {
    let answer = Command::new("cargo")
        .args(["metadata", "--no-deps", "--format-version=1", "--offline"])
        .current_dir(root)
        .output()
        .context("cannot run cargo metadata")?;
    anyhow::ensure!(answer.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&answer.stderr));
    let packages = arrows::parse(&answer.stdout)?;
    let mut violations = arrows::check(&packages);
    violations.extend(sources::check(&sources::read(root)?));
    violations.extend(documents::check(&documents::read(root)?));
    Ok(violations)
}
