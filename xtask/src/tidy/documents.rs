//! What the documents promise is there.
//!
//! Links between pages lead to a page and to a heading of it; paths, `make` targets and jobs that are named exist; every page is in
//! the book. Command lines are not judged here: each program holds its own definition against them. Nor is prose.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use anyhow::Context;

use super::Violation;

/// Folders whose files are pages. The README is one too.
const FOLDERS: [&str; 2] = ["docs", "runbook"];

/// The first part of a path in backticks that is taken for one of the repository.
const ROOTS: [&str; 10] = [
    "crates",
    "docs",
    "fuzz",
    "migrations",
    "openapi",
    "packaging",
    "projections",
    "runbook",
    "scripts",
    "xtask",
];

/// The contents of the book, which name every page but those that it lists by itself.
const SUMMARY: &str = "docs/SUMMARY.md";

/// Folders whose pages the book lists by itself.
const LISTED: [&str; 2] = ["docs/adr", "runbook"];

/// The checklist whose every line names what does it.
const CHECKLIST: &str = "docs/releasing.md";

/// The pages, and what they may name.
#[derive(Debug, Default)]
pub struct Documents {
    /// Path relative to the workspace, and text.
    pub pages: BTreeMap<PathBuf, String>,
    /// The targets of the Makefile.
    pub targets: BTreeSet<String>,
    /// The root, to ask whether a path exists.
    pub root: PathBuf,
}

/// Reads the README, the documents, the runbook and the Makefile.
pub fn read(root: &Path) -> anyhow::Result<Documents> {
    let mut documents = Documents { root: root.to_owned(), ..Documents::default() };
    let mut files = vec![root.join("README.md")];
    let mut folders: Vec<PathBuf> = FOLDERS.iter().map(|folder| root.join(folder)).collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                files.push(path);
            }
        }
    }
    for file in files {
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        documents.pages.insert(file.strip_prefix(root)?.to_owned(), text);
    }
    let makefile = fs::read_to_string(root.join("Makefile")).context("cannot read the Makefile")?;
    documents.targets = makefile.lines().filter_map(target).map(str::to_owned).collect();
    Ok(documents)
}

fn target(line: &str) -> Option<&str> {
    let (name, rest) = line.split_once(':')?;
    let is_name =
        !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    (is_name && !rest.starts_with('=')).then_some(name)
}

/// Holds every rule against every page.
pub fn check(documents: &Documents) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, text) in &documents.pages {
        let mut broken = |line: usize, what: String| {
            violations.push(Violation { path: path.clone(), line: Some(line), what });
        };
        for (number, line, is_code) in lines(text) {
            if !is_code {
                for link in links(line) {
                    if let Some(what) = documents.broken_link(path, link) {
                        broken(number, what);
                    }
                }
                for span in line.split('`').skip(1).step_by(2) {
                    if let Some(what) = documents.broken_name(span) {
                        broken(number, what);
                    }
                }
            } else if let Some(what) = line.strip_prefix("$ ").and_then(|line| documents.broken_name(line)) {
                broken(number, what);
            }
            if path == Path::new(CHECKLIST) && line.starts_with("* [ ]") && !names_something(line) {
                broken(number, "a line of the checklist names no document, target or job".to_owned());
            }
        }
    }
    violations.extend(documents.pages_out_of_the_book());
    violations
}

impl Documents {
    /// What is wrong with a link of a page, if anything is.
    fn broken_link(&self, page: &Path, link: &str) -> Option<String> {
        if link.contains("://") || link.starts_with("mailto:") {
            return None;
        }
        let (file, heading) =
            link.split_once('#').map_or((link, None), |(file, heading)| (file, Some(heading)));
        let to = if file.is_empty() { page.to_owned() } else { resolved(page.parent()?, file) };
        if !self.pages.contains_key(&to) && !self.root.join(&to).exists() {
            return Some(format!("`{link}` leads nowhere: there is no {}", to.display()));
        }
        let heading = heading?;
        let text = self.pages.get(&to)?;
        let found = lines(text)
            .filter(|(_, _, is_code)| !is_code)
            .any(|(_, line, _)| anchor(line).as_deref() == Some(heading));
        (!found).then(|| format!("`{link}` leads to no heading of {}", to.display()))
    }

    /// What is wrong with a path or a command in backticks, if it is one of ours.
    fn broken_name(&self, span: &str) -> Option<String> {
        if let Some(words) = span.strip_prefix("make ") {
            let target = words.split([' ', ';']).next().unwrap_or_default();
            let is_name = target.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
            return (is_name && !target.is_empty() && !self.targets.contains(target))
                .then(|| format!("`make {target}` is no target of the Makefile"));
        }
        let path = span.split([' ', ':']).next().unwrap_or_default().trim_end_matches('/');
        let root = path.split('/').next().unwrap_or_default();
        let is_path = path.contains('/')
            && (ROOTS.contains(&root) || path.starts_with(".github/"))
            && !path.contains(['*', '<', '{', '…']);
        (is_path && !self.root.join(path).exists()).then(|| format!("`{path}` is not there"))
    }

    fn pages_out_of_the_book(&self) -> Vec<Violation> {
        let Some(summary) = self.pages.get(Path::new(SUMMARY)) else { return Vec::new() };
        let listed: BTreeSet<PathBuf> =
            summary.lines().flat_map(links).map(|link| resolved(Path::new("docs"), link)).collect();
        let is_lost = |path: &&PathBuf| {
            path.as_path() != Path::new(SUMMARY)
                && !listed.contains(*path)
                && !LISTED.iter().any(|folder| path.starts_with(folder))
        };
        let missing = self.pages.keys().filter(is_lost);
        let violation = |path: &PathBuf| Violation {
            path: path.clone(),
            line: None,
            what: format!("is not in the book: give it a line in {SUMMARY}"),
        };
        missing.map(violation).collect()
    }
}

/// Every line with its number, and whether it stands in a fenced block.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str, bool)> {
    let mut is_code = false;
    text.lines().enumerate().map(move |(index, line)| {
        let is_fence = line.trim_start().starts_with("```");
        if is_fence {
            is_code = !is_code;
        }
        (index + 1, line, is_code || is_fence)
    })
}

/// The targets of a line's links; what stands in backticks is none.
fn links(line: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("](") {
        let Some((target, after)) = after.split_once(')') else { break };
        if before.matches('`').count() % 2 == 0 || before.ends_with('`') {
            found.push(target);
        }
        rest = after;
    }
    found
}

/// How a heading is named in a link: in small letters, with hyphens for blanks, without what is neither.
fn anchor(line: &str) -> Option<String> {
    let heading = line.strip_prefix('#')?.trim_start_matches('#').strip_prefix(' ')?;
    let keep = |c: char| match c {
        ' ' => Some('-'),
        '-' | '_' => Some(c),
        c if c.is_alphanumeric() => Some(c),
        _ => None,
    };
    Some(heading.trim().to_lowercase().chars().filter_map(keep).collect())
}

/// A path relative to the workspace, from a link of a page in `folder`.
fn resolved(folder: &Path, link: &str) -> PathBuf {
    let mut path = PathBuf::new();
    for part in folder.join(link).components() {
        match part {
            Component::ParentDir => {
                path.pop();
            }
            Component::CurDir => {}
            part => path.push(part),
        }
    }
    path
}

fn names_something(line: &str) -> bool {
    !links(line).is_empty() || line.contains("`make ") || line.contains("`.github/workflows/")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn found(page: &str, text: &str) -> Vec<String> {
        let mut documents =
            Documents { root: PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(".."), ..Documents::default() };
        documents.targets.insert("demo".to_owned());
        documents.pages.insert(page.into(), text.to_owned());
        check(&documents).into_iter().map(|violation| violation.what).collect()
    }

    #[rstest]
    #[case::page("[x](nowhere.md)", "leads nowhere")]
    #[case::heading("# Here\n[x](#there)", "leads to no heading")]
    #[case::path("`crates/nothing/src` shows it", "is not there")]
    #[case::target("run `make magic`", "is no target")]
    #[case::target_in_a_block("```console\n$ make magic\n```", "is no target")]
    fn promise_that_is_not_kept_is_found(#[case] text: &str, #[case] what: &str) {
        let found = found("docs/page.md", text);
        assert!(found.len() == 1 && found[0].contains(what), "{found:?}");
    }

    #[rstest]
    #[case(
        "# A heading, with `code`\n[x](#a-heading-with-code), [y](../README.md), [z](https://example.org/no)"
    )]
    #[case("`make demo`, `make`, `xtask/src/`, `crates/*/tests`, `and/or`")]
    #[case("```\n[not](a link)\n```")]
    fn promise_that_is_kept_is_not(#[case] text: &str) {
        assert_eq!(found("docs/page.md", text), Vec::<String>::new());
    }

    #[test]
    fn line_of_the_checklist_that_names_nothing_is_found() {
        assert_eq!(found(CHECKLIST, "* [ ] Look around.\n* [ ] See `make demo`.").len(), 1);
    }

    #[test]
    fn page_that_is_not_in_the_book_is_found() {
        let mut documents =
            Documents { root: PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(".."), ..Documents::default() };
        documents.pages.insert(SUMMARY.into(), "* [x](README.md)".to_owned());
        documents.pages.insert("docs/README.md".into(), String::new());
        documents.pages.insert("docs/lost.md".into(), String::new());
        let paths: Vec<PathBuf> = check(&documents).into_iter().map(|violation| violation.path).collect();
        assert_eq!(paths, [PathBuf::from("docs/lost.md")]);
    }
}
