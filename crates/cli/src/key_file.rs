//! The keys that this client keeps: one for each service, in a file that nobody else may read.
//!
//! A key belongs to the address that it was issued at, and is sent to no other. The file is replaced whole, by a synced sibling
//! that takes its name.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::failure::Failure;

/// What others may do with the file: nothing.
const FORBIDDEN: u32 = 0o077;

/// The file, whether it is there or not.
#[derive(Debug, Clone)]
pub(crate) struct KeyFile {
    path: Option<PathBuf>,
}

type Keys = BTreeMap<String, String>;

impl KeyFile {
    /// The file at this path; none if the client has no place of its own.
    pub(crate) fn new(path: Option<PathBuf>) -> KeyFile {
        KeyFile { path }
    }

    /// Where keys are kept.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// The key of a service.
    pub(crate) fn key_of(&self, url: &str) -> Result<Option<String>, Failure> {
        Ok(self.read()?.remove(url))
    }

    /// Makes sure that a key can be kept, before one is asked for that is shown once.
    pub(crate) fn prepare(&self) -> Result<(), Failure> {
        let Some(path) = &self.path else { return Ok(()) };
        let keys = self.read()?;
        replace(path, &keys).map_err(|error| failed(path, &error))
    }

    /// Keeps the key of a service, in place of the one that was kept.
    pub(crate) fn save(&self, url: &str, secret: &str) -> Result<(), Failure> {
        let Some(path) = &self.path else { return Ok(()) };
        let mut keys = self.read()?;
        keys.insert(url.to_owned(), secret.to_owned());
        replace(path, &keys).map_err(|error| failed(path, &error))
    }

    fn read(&self) -> Result<Keys, Failure> {
        let Some(path) = &self.path else { return Ok(Keys::new()) };
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            // A part of the path that is a file has no key in it either.
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(Keys::new());
            }
            Err(error) => {
                return Err(Failure::input(format!("cannot read the key file {}: {error}", path.display())));
            }
        };
        let mode = fs::metadata(path).map_err(|error| failed(path, &error))?.permissions().mode();
        if mode & FORBIDDEN != 0 {
            let what = format!("others may read the key file {}: make it 0600", path.display());
            return Err(Failure::input(what));
        }
        serde_json::from_str(&text)
            .map_err(|error| Failure::input(format!("{} is no key file ({error})", path.display())))
    }
}

fn replace(path: &Path, keys: &Keys) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    // Such a file is its owner's alone from the beginning.
    let mut file = NamedTempFile::new_in(folder)?;
    serde_json::to_writer_pretty(&mut file, keys)?;
    file.write_all(b"\n")?;
    file.as_file().sync_data()?;
    file.persist(path)?;
    Ok(())
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    Failure::Local(io::Error::new(
        error.kind(),
        format!("cannot write the key file {}: {error}", path.display()),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_is_kept_for_its_service_and_from_everybody_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("revaer/keys.json");
        let file = KeyFile::new(Some(path.clone()));
        assert_eq!(file.key_of("http://a/").unwrap(), None);
        file.prepare().unwrap();
        file.save("http://a/", "one").unwrap();
        file.save("http://b/", "two").unwrap();
        file.save("http://a/", "three").unwrap();
        assert_eq!(file.key_of("http://a/").unwrap().as_deref(), Some("three"));
        assert_eq!(file.key_of("http://b/").unwrap().as_deref(), Some("two"));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(file.key_of("http://a/").is_err());
    }

    #[test]
    fn file_of_something_else_is_told_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        fs::write(&path, "mine").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let file = KeyFile::new(Some(path.clone()));
        assert!(file.save("http://a/", "one").is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    }

    #[test]
    fn without_a_place_nothing_is_kept() {
        let file = KeyFile::new(None);
        file.save("http://a/", "one").unwrap();
        assert_eq!(file.key_of("http://a/").unwrap(), None);
    }
}
