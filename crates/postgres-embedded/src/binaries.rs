//! Finds the installed server.
//!
//! Distributions keep several major versions side by side and off the `PATH`. A new cluster takes the newest; an existing one
//! takes the version that made it, since no other can read it. Nothing is downloaded.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::Error;

/// The oldest major version that has all that the log relies on.
pub(crate) const OLDEST_MAJOR: u32 = 15;

/// Where distributions put the server; `*` stands for a major version.
const KNOWN_DIRS: [&str; 3] = ["/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/local/pgsql/bin"];

/// The programs of one installed version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Binaries {
    pub(crate) major: u32,
    pub(crate) initdb: PathBuf,
    pub(crate) postgres: PathBuf,
}

impl Binaries {
    /// The newest version, or exactly `wanted` for a cluster that exists already.
    pub(crate) fn find(
        only: Option<&[PathBuf]>,
        wanted: Option<u32>,
        cluster: &Path,
    ) -> Result<Binaries, Error> {
        let mut found: Vec<Binaries> = match only {
            Some(dirs) => dirs.iter().filter_map(|dir| Binaries::in_dir(dir)).collect(),
            // Bare names: the system looks along the `PATH`, which a library has no business to read.
            None => Binaries::probe(PathBuf::from("initdb"), PathBuf::from("postgres"))
                .into_iter()
                .chain(
                    KNOWN_DIRS
                        .iter()
                        .flat_map(|pattern| expand(pattern))
                        .filter_map(|dir| Binaries::in_dir(&dir)),
                )
                .collect(),
        };
        found.retain(|binaries| binaries.major >= OLDEST_MAJOR);
        found.sort_by_key(|binaries| binaries.major);
        let majors: Vec<String> = found.iter().map(|binaries| binaries.major.to_string()).collect();
        let Some(newest) = found.last().cloned() else {
            let searched = match only {
                Some(dirs) => dirs.iter().map(|dir| dir.display().to_string()).collect::<Vec<_>>().join(", "),
                None => format!("the PATH, {}", KNOWN_DIRS.join(", ")),
            };
            return Err(Error::NoServer { oldest: OLDEST_MAJOR, searched });
        };
        match wanted {
            None => Ok(newest),
            Some(wanted) => found.into_iter().find(|binaries| binaries.major == wanted).ok_or_else(|| {
                Error::OtherVersion {
                    data_dir: cluster.to_owned(),
                    cluster: wanted,
                    found: majors.join(", "),
                }
            }),
        }
    }

    fn in_dir(dir: &Path) -> Option<Binaries> {
        Binaries::probe(dir.join("initdb"), dir.join("postgres"))
    }

    /// Takes a pair of programs if both run and are of one version.
    fn probe(initdb: PathBuf, postgres: PathBuf) -> Option<Binaries> {
        let major = version(&postgres)?;
        (version(&initdb)? == major).then_some(Binaries { major, initdb, postgres })
    }
}

fn version(program: &Path) -> Option<u32> {
    let answer = Command::new(program).arg("--version").stdin(Stdio::null()).output().ok()?;
    answer.status.success().then(|| parse_version(&String::from_utf8_lossy(&answer.stdout)))?
}

/// Reads `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)` and `… 17beta1` alike.
fn parse_version(answer: &str) -> Option<u32> {
    let number = answer.split_once("(PostgreSQL) ")?.1;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// The existing folders that a pattern with at most one `*` names.
fn expand(pattern: &str) -> Vec<PathBuf> {
    let Some((before, after)) = pattern.split_once('*') else { return vec![PathBuf::from(pattern)] };
    let (parent, prefix) = before.rsplit_once('/').unwrap_or((".", before));
    let Ok(entries) = fs::read_dir(parent) else { return Vec::new() };
    let after = after.trim_start_matches('/');
    let matching = entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix));
    matching.map(|entry| entry.path().join(after)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_is_read_from_every_vendor_spelling() {
        assert_eq!(parse_version("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(parse_version("initdb (PostgreSQL) 17beta1\n"), Some(17));
        assert_eq!(parse_version("something else 15"), None);
    }

    #[test]
    fn missing_programs_are_named_with_what_to_install() {
        let dirs = [PathBuf::from("/nonexistent")];
        let error = Binaries::find(Some(&dirs), None, Path::new("/x")).expect_err("there are none");
        assert!(error.to_string().contains("/nonexistent"), "{error}");
        assert!(error.to_string().contains("install the package `postgresql`"), "{error}");
    }

    #[test]
    fn cluster_of_a_version_that_is_not_installed_is_refused() {
        let error = Binaries::find(None, Some(9), Path::new("/x")).expect_err("nobody has version 9");
        assert!(matches!(error, Error::OtherVersion { cluster: 9, .. }), "{error}");
    }
}
