//! Where a tail notes how far it came.
//!
//! The file is replaced whole, by a synced sibling that takes its name: whoever reads it finds a place, the old one or the new
//! one. A file that is none is a mistake to be told, not a reason to begin from now and leave something out.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::events::Resume;
use crate::failure::Failure;

/// A file that holds a place in the stream.
#[derive(Debug)]
pub(super) struct ResumeFile {
    path: PathBuf,
}

impl ResumeFile {
    /// The file at this path, whether it is there or not.
    pub(super) fn new(path: &Path) -> ResumeFile {
        ResumeFile { path: path.to_owned() }
    }

    /// What was noted; nothing if there is no file.
    pub(super) fn read(&self) -> Result<Option<Resume>, Failure> {
        let path = self.path.display();
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Failure::input(format!("cannot read the resume file {path}: {error}"))),
        };
        serde_json::from_str(&text).map(Some).map_err(|error| {
            Failure::input(format!(
                "{path} is no resume file ({error}); to begin anew, remove it or name another"
            ))
        })
    }

    /// Replaces what was noted.
    pub(super) fn write(&self, place: &Resume) -> Result<(), Failure> {
        self.replace(place).map_err(|error| {
            let path = self.path.display();
            Failure::Local(io::Error::new(
                error.kind(),
                format!("cannot write the resume file {path}: {error}"),
            ))
        })
    }

    fn replace(&self, place: &Resume) -> io::Result<()> {
        let folder =
            self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = NamedTempFile::new_in(folder)?;
        serde_json::to_writer(&mut file, place)?;
        file.write_all(b"\n")?;
        file.as_file().sync_data()?;
        file.persist(&self.path)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn place_is_read_as_it_was_noted() {
        let folder = tempfile::tempdir().unwrap();
        let file = ResumeFile::new(&folder.path().join("place"));
        assert_eq!(file.read().unwrap(), None);
        for id in ["10.x", "4711.y"] {
            let place = Resume::after(id.parse().unwrap());
            file.write(&place).unwrap();
            assert_eq!(file.read().unwrap(), Some(place));
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left in the folder");
    }

    #[test]
    fn file_that_is_none_is_told_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("place");
        fs::write(&path, "").unwrap();
        let failure = ResumeFile::new(&path).read().unwrap_err();
        assert!(failure.to_string().contains("is no resume file"), "{failure}");
        assert!(path.exists());
    }

    #[test]
    fn folder_that_is_not_there_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = ResumeFile::new(&folder.path().join("no/place"));
        let failure = file.write(&Resume::after("1".parse().unwrap())).unwrap_err();
        assert!(failure.to_string().contains("cannot write the resume file"), "{failure}");
    }
}
